#include "hone/text/tokenizer.h"

#include "hone/base/error.h"
#include "hone/base/text_match.h"
#include "hone/text/pipeline/pipeline.h"
#include "hone/text/utf8.h"

#include <array>

namespace hone::text {
namespace {

using pipeline::AddedMatcher;
using pipeline::Pipeline;

enum class Specials { skip, write };

AddedMatcher::Specials found_as(SpecialText specials) {
  return specials == SpecialText::as_tokens ? AddedMatcher::Specials::find : AddedMatcher::Specials::skip;
}

std::string render(const Tokenizer& tokenizer, std::span<const int32_t> ids, Specials specials) {
  const Pipeline& p = tokenizer.pipeline();
  pipeline::DecodeRun run(p.decoders);
  std::string text;
  for (const int32_t id : ids) {
    tokenizer.token(id);  // refuses an id that is not there
    if (specials == Specials::skip && tokenizer.is_special(id)) continue;
    run.push(pipeline::decoded_token(p, id), text);
  }
  run.finish(text);
  return text;
}

}  // namespace

const char* name_of(TokenizerKind kind) {
  switch (kind) {
    case TokenizerKind::symbols:
      return "symbols";
    case TokenizerKind::bytes:
      return "bytes";
    case TokenizerKind::word_level:
      return "word level";
    case TokenizerKind::bpe:
      return "BPE";
    case TokenizerKind::word_piece:
      return "WordPiece";
    case TokenizerKind::unigram:
      return "Unigram";
  }
  return "unknown";
}

Tokenizer::Tokenizer() : pipeline_(std::make_shared<const Pipeline>()), file_(std::make_shared<const std::string>()) {}

int32_t Tokenizer::size() const { return pipeline_->vocab.size(); }

Ids Tokenizer::encode(std::string_view text) const { return encode(text, {}); }

Ids Tokenizer::encode(std::string_view text, const EncodeOptions& options) const {
  Ids ids = pipeline::encode(*pipeline_, text, found_as(options.specials));
  return options.surroundings == Surroundings::none ? ids : pipeline::process(pipeline_->post, ids).ids;
}

std::optional<int32_t> Tokenizer::opening() const {
  const bool own = kind_ == TokenizerKind::symbols || kind_ == TokenizerKind::bytes;
  if (own || format_ == Format::sentence_piece) return has_bos() ? std::optional(bos()) : std::nullopt;
  constexpr int32_t kText = -1;  // stands for a text: no token has this id
  const Ids around = pipeline::process(pipeline_->post, {kText}).ids;
  return around.empty() || around.front() == kText ? std::nullopt : std::optional(around.front());
}

Encoding Tokenizer::encode_pair(std::string_view first, std::string_view second, const EncodeOptions& options) const {
  const Ids a = pipeline::encode(*pipeline_, first, found_as(options.specials));
  const Ids b = pipeline::encode(*pipeline_, second, found_as(options.specials));
  static const pipeline::PostProcessor kNone;
  pipeline::Encoding both =
      pipeline::process(options.surroundings == Surroundings::none ? kNone : pipeline_->post, a, b);
  return {std::move(both.ids), std::move(both.type_ids)};
}

std::string Tokenizer::decode(std::span<const int32_t> ids) const { return render(*this, ids, Specials::skip); }
std::string Tokenizer::decode_all(std::span<const int32_t> ids) const { return render(*this, ids, Specials::write); }

std::optional<int32_t> Tokenizer::find(std::string_view token) const {
  const auto added = pipeline_->added.find(std::string(token));
  if (added != pipeline_->added.end()) return added->second;
  const int32_t id = pipeline_->vocab.lookup(token);
  if (id < 0) return {};
  return id;
}

int32_t Tokenizer::id(std::string_view token) const {
  const std::optional<int32_t> found = find(token);
  if (!found) {
    fail(ErrorKind::data, "token {} is not in the vocabulary{}", quote(token),
         base::suggestion(token, pipeline_->vocab.texts()));
  }
  return *found;
}

const std::string& Tokenizer::token(int32_t id) const {
  require(id >= 0 && id < size(), ErrorKind::data, "id {} is outside the vocabulary of {} tokens", id, size());
  require(pipeline_->vocab.has(id), ErrorKind::data, "id {} has no token: the vocabulary has holes", id);
  return pipeline_->vocab.text(id);
}

bool Tokenizer::is_special(int32_t id) const {
  return id >= 0 && id < size() && pipeline_->special[static_cast<std::size_t>(id)] != 0;
}

Tokenizer Tokenizer::with_roles(const Roles& roles) const {
  Tokenizer made = *this;
  if (!roles.pad.empty()) made.pad_ = id(roles.pad);
  if (!roles.bos.empty()) made.bos_ = id(roles.bos);
  if (!roles.end.empty()) made.end_ = id(roles.end);
  return made;
}

std::span<const std::string> standard_specials() {
  static const std::array<std::string, 7> kSpecials = {"<pad>",  "<bos>",       "<end>",   "<retry>",
                                                       "<user>", "<assistant>", "<system>"};
  return kSpecials;
}

}  // namespace hone::text
