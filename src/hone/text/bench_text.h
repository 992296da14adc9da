// The text that `hone bench tokenize` and its rival (bench/rivals/encode_text.py) read.
#pragma once

#include <cstddef>
#include <string>

namespace hone::text {

/// At least `least_bytes` of words of several scripts, numbers, code and emoji, in lines; the same on every machine,
/// and in bench/rivals/encode_text.py byte for byte.
std::string bench_text(std::size_t least_bytes);

}  // namespace hone::text
