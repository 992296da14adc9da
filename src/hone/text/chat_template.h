// The format that a model folder brings for conversations: its chat template, and what carries loss under it.
#pragma once

#include "hone/base/json.h"
#include "hone/text/jinja/template.h"
#include "hone/text/tokenizer.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hone::text {

/// What a template is given besides the messages.
struct ChatOptions {
  enum class Prompt { none, assistant } prompt = Prompt::none;  ///< add_generation_prompt
  Json tools = nullptr;                                         ///< a list of JSON schemas, or null
  int64_t now = 0;                                              ///< seconds since 1970, for strftime_now
};

/// Where two renderings part.
struct Parting {
  int64_t turn = 0;    ///< index of the message whose addition changed what stood before
  std::size_t at = 0;  ///< byte at which the texts differ
  std::string before;  ///< what stood there, at most 40 bytes
  std::string after;   ///< what stands there now
};

/// A parsed chat template with the special tokens it writes. A value; threads may share it.
class ChatTemplate {
 public:
  /// The template of a model folder: chat_template.jinja, else "chat_template" of tokenizer_config.json (a string, or
  /// a list of named ones, of which "default" is taken, or "tool_use" when options.tools is a list); empty when there
  /// is neither. Errors: io; format naming file (and line:column for the template itself).
  static std::optional<ChatTemplate> load(const std::filesystem::path& model_dir, const ChatOptions& options = {});
  /// `source` with the texts of its special tokens, e.g. {{"bos_token", "<s>"}}.
  ChatTemplate(std::string_view source, std::string where, Json special_tokens);

  const std::string& where() const { return where_; }
  /// The template's text, for model folders written from this one.
  const std::string& source() const { return source_; }
  /// {"bos_token": "<s>", …}
  const Json& special_tokens() const { return special_tokens_; }
  /// Whether the template itself says what the assistant generates ({% generation %}).
  bool marks_generation() const { return marks_generation_; }

  /// The conversation as text; `messages` is a list of {"role", "content", …}. Message text is marked kUser.
  /// Errors: as jinja::Template::render.
  jinja::MarkedText render(const Json& messages, const ChatOptions& options = {}) const;

  /// The conversation as text, with kGenerated on every byte that carries loss: what {% generation %} encloses of the
  /// assistant's turns from message `first_learnt` on, or, in a template without it, what each of those turns adds to
  /// the prompt before it.
  /// Errors: data, naming the turn and the place, when a turn's prompt is not a prefix of the whole: its loss can't be
  /// placed then; as render().
  jinja::MarkedText training_text(const Json& messages, int64_t first_learnt, const ChatOptions& options = {}) const;

  /// Checks that every prompt that ends before an assistant's turn, and the conversation up to and with each turn, is a
  /// prefix of all longer ones: what training on several turns at once, and a cache of earlier turns, rely on. Empty
  /// when it is so. Errors: as render().
  std::optional<Parting> find_parting(const Json& messages, const ChatOptions& options = {}) const;

 private:
  std::string source_, where_;
  Json special_tokens_;
  bool marks_generation_ = false;
  jinja::Template template_;
};

/// Tokens of a rendered text, and which of them lie in {% generation %}.
struct ChatTokens {
  Ids ids;
  std::vector<uint8_t> generated;  ///< per id
};
/// Special tokens are recognised in trusted text alone: "<|im_end|>" in a message stays ordinary text. The text is cut
/// at them and where the assistant's part begins and ends, as it is in generation, and the pieces are encoded apart.
/// Errors: as Tokenizer::encode.
ChatTokens encode_chat(const jinja::MarkedText& text, const Tokenizer& tokenizer);

}  // namespace hone::text
