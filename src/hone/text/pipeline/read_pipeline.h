// A whole tokenizer.json, as Hugging Face `tokenizers` writes it (version 1.0), into a Pipeline.
#pragma once

#include "hone/base/json.h"
#include "hone/text/pipeline/pipeline.h"

#include <string_view>

namespace hone::text::pipeline {

/// Reads every part. "truncation" and "padding" are left to those who make batches.
///
/// Ids may have holes, as long as the largest is under twice the number of tokens plus 4096. A word of the vocabulary
/// that is special is never the model's answer to a text: special tokens come from special tokens in a text that is
/// read with them, or from the template. Errors: format, naming `where`: anything unknown or inconsistent (unsupported
/// types, merges of tokens that are not there, ids out of range or given twice, pieces over ByteTrie::kMostKeyBytes,
/// BPE dropout). Memory is proportional to the file.
Pipeline read_pipeline(const Json& json, std::string_view where);

}  // namespace hone::text::pipeline
