// A whole tokenizer as data: normalizer, pre-tokenizer, model, post-processor, decoder and added tokens, and the free
// functions that run it.
#pragma once

#include "hone/text/pipeline/added_tokens.h"
#include "hone/text/pipeline/bpe.h"
#include "hone/text/pipeline/decoders.h"
#include "hone/text/pipeline/normalizers.h"
#include "hone/text/pipeline/post_processor.h"
#include "hone/text/pipeline/pre_tokenizers.h"
#include "hone/text/pipeline/unigram.h"
#include "hone/text/pipeline/vocab.h"
#include "hone/text/pipeline/word_models.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

namespace hone::text::pipeline {

using Model = std::variant<WordLevel, WordPiece, Unigram, Bpe>;

struct Pipeline {
  Vocab vocab;                   ///< every token; findable are those of the model that a text may become
  std::vector<uint8_t> special;  ///< per id
  std::unordered_map<std::string, int32_t> added;       ///< id of an added token by its content
  std::unordered_map<int32_t, std::string> decoded_as;  ///< what the decoder sees, where that is not the text
  AddedMatcher raw_tokens, normalized_tokens;           ///< looked for before and after normalizing
  std::vector<Normalizer> normalizers;
  std::vector<PreTokenizer> pre_tokenizers;
  Model model;
  PostProcessor post;
  std::vector<Decoder> decoders;
};

/// Ids of `text` without a template. Invalid UTF-8 is replaced first: every maximal ill-formed part by one U+FFFD.
/// Errors: data, from the model or a pattern. Cost: near linear; no state is kept between calls.
std::vector<int32_t> encode(const Pipeline& pipeline, std::string_view text, AddedMatcher::Specials specials);

/// What the decoder sees of an id that is there.
const std::string& decoded_token(const Pipeline& pipeline, int32_t id);

}  // namespace hone::text::pipeline
