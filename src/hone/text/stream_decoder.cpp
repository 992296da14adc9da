#include "hone/text/stream_decoder.h"

#include "hone/text/pipeline/pipeline.h"

#include <utility>

namespace hone::text {

struct StreamDecoder::State {
  Tokenizer tokenizer;
  pipeline::DecodeRun run;
};

StreamDecoder::StreamDecoder(Tokenizer tokenizer)
    : state_(std::make_unique<State>(State{tokenizer, pipeline::DecodeRun(tokenizer.pipeline().decoders)})) {}
StreamDecoder::~StreamDecoder() = default;
StreamDecoder::StreamDecoder(StreamDecoder&&) noexcept = default;
StreamDecoder& StreamDecoder::operator=(StreamDecoder&&) noexcept = default;

std::string StreamDecoder::push(int32_t id) {
  state_->tokenizer.token(id);  // refuses an id that is not there
  std::string text;
  if (!state_->tokenizer.is_special(id)) {
    state_->run.push(pipeline::decoded_token(state_->tokenizer.pipeline(), id), text);
  }
  return text;
}

std::string StreamDecoder::finish() {
  std::string text;
  state_->run.finish(text);
  return text;
}

}  // namespace hone::text
