// tokenizer.json → the tokenizer keys of a GGUF file.
#pragma once

#include "hone/base/json.h"
#include "hone/checkpoint/gguf/format.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace hone::checkpoint::gguf {

struct Vocabulary {
  Metadata keys;        ///< tokenizer.ggml.*
  std::string lacking;  ///< why the file has no tokenizer, when it has none: then it works on token ids alone
};

/// Byte-level BPE becomes the "gpt2" model with its merges. Every other kind, hone's own symbol vocabulary among them,
/// has no equivalent that would cut text alike: `keys` then says model "none", and `lacking` says why.
///   json   tokenizer.json
///   vocab  rows of the embedding; ids without a token get "[PAD<id>]"
/// Errors: format naming `where`: ids out of range or given twice, a text given to two ids, merges that are no pairs.
Vocabulary read_vocabulary(const Json& json, int64_t vocab, std::string_view where);

}  // namespace hone::checkpoint::gguf
