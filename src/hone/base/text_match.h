// Nearest name, for "did you mean".
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hone::base {

/// Edit distance with transpositions (optimal string alignment); inputs are cut at 64 bytes.
int edit_distance(std::string_view a, std::string_view b);

/// The candidate nearest to `word` (the first of equals), or "" when none is near enough: distance over
/// max(2, a third of the length of `word`), or over half of the longer one.
std::string nearest(std::string_view word, std::span<const std::string> candidates);

/// "; did you mean "x"?" or "; known: a, b, c" (at most 12 names), for the end of an error message.
std::string suggestion(std::string_view word, std::span<const std::string> candidates);

}  // namespace hone::base
