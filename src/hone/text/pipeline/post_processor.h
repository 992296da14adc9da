// The post-processor of a tokenizer: the special tokens around one text or a pair.
#pragma once

#include <cstdint>
#include <vector>

namespace hone::text::pipeline {

/// Ids with the segment that each belongs to (BERT's token_type_ids).
struct Encoding {
  std::vector<int32_t> ids, type_ids;
};

/// A part of a template: the ids of special tokens, or one of the two texts.
struct TemplatePart {
  enum class What { special, first, second };
  What what = What::first;
  std::vector<int32_t> ids;  ///< of a special token
  int32_t type_id = 0;
};
using Template = std::vector<TemplatePart>;

/// What stands around one text and around two; an empty template adds nothing.
struct PostProcessor {
  Template single, pair;
};

/// `first` with its surroundings. Cost: linear.
Encoding process(const PostProcessor& post, const std::vector<int32_t>& first);
/// The same for a pair; without a template the segments are 0 and 1.
Encoding process(const PostProcessor& post, const std::vector<int32_t>& first, const std::vector<int32_t>& second);

}  // namespace hone::text::pipeline
