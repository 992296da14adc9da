// Text of ids that come one by one.
#pragma once

#include "hone/text/tokenizer.h"

#include <memory>

namespace hone::text {

/// Gives text as soon as it is certain; all of it together is what Tokenizer::decode gives for all ids.
///
/// Incomplete UTF-8 is held back, and so is what a later token may still change (the end of a run of <0xNN> tokens,
/// spaces that the decoder strips off the end).
class StreamDecoder {
 public:
  explicit StreamDecoder(Tokenizer tokenizer);
  ~StreamDecoder();
  StreamDecoder(StreamDecoder&&) noexcept;
  StreamDecoder& operator=(StreamDecoder&&) noexcept;

  /// The text that `id` makes certain; special tokens give none. Errors: data for an id that is not in the vocabulary.
  std::string push(int32_t id);
  /// The rest; nothing may be pushed after it.
  std::string finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace hone::text
