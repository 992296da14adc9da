#include "hone/data/dialogue.h"

#include "hone/base/error.h"
#include "hone/text/utf8.h"

#include <algorithm>

namespace hone::data {
namespace {

using text::jinja::MarkedText;

// Stands for an answer that isn't known yet. No template takes a word like this apart.
constexpr const char* kAnswer = "ThisIsWhereTheAnswerStands";

MarkedText asked(const text::ChatTemplate& chat, const std::vector<tasks::Message>& messages) {
  text::ChatOptions options;
  options.prompt = text::ChatOptions::Prompt::assistant;
  return chat.render(messages_json(messages), options);
}

[[noreturn]] void refuse(const text::ChatTemplate& chat, const std::string& what) {
  throw Error(ErrorKind::data, fmt::format("{}: {}; a second turn can't go on from the first", chat.where(), what),
              "use a template that keeps its prefix (see: hone check --model DIR), or a method with one attempt");
}

// Where `shorter` must be the beginning of `longer`.
void require_prefix(const text::ChatTemplate& chat, const std::string& shorter, const std::string& longer) {
  if (longer.starts_with(shorter)) return;
  const auto at = static_cast<std::size_t>(
      std::mismatch(shorter.begin(), shorter.end(), longer.begin(), longer.end()).first - shorter.begin());
  refuse(chat, fmt::format("the template rewrites earlier turns: at byte {} {} became {}", at,
                           text::quote(shorter.substr(at, 40)), text::quote(longer.substr(at, 40))));
}

// The text after the answer in `whole`, which begins with `prompt`.
MarkedText after_answer(const text::ChatTemplate& chat, const MarkedText& prompt, const MarkedText& whole) {
  const std::size_t at = whole.bytes.find(kAnswer, prompt.size());
  if (at == std::string::npos) refuse(chat, "the template doesn't show an assistant's turn as it was said");
  const std::string_view between = std::string_view(whole.bytes).substr(prompt.size(), at - prompt.size());
  if (!text::trim(between).empty())
    refuse(chat, fmt::format("the template writes {} between its prompt and an earlier answer",
                             text::quote(between.substr(0, 40))));
  return whole.slice(at + std::string_view(kAnswer).size(), whole.size());
}

// The first special token of `text`; −1 if none.
int32_t first_special(const MarkedText& text, const text::Tokenizer& tokenizer) {
  for (const int32_t id : text::encode_chat(text, tokenizer).ids) {
    if (tokenizer.is_special(id)) return id;
  }
  return -1;
}

// What the template writes after the last answer of a conversation.
int32_t turn_end(const Encoder& encoder) {
  const std::vector<tasks::Message> question = {{"user", "Hello"}};
  std::vector<tasks::Message> answered = question;
  answered.push_back({"assistant", kAnswer});
  try {
    const MarkedText whole = encoder.chat->render(messages_json(answered));
    const std::size_t at = whole.bytes.rfind(kAnswer);
    if (at == std::string::npos) return -1;
    return first_special(whole.slice(at + std::string_view(kAnswer).size(), whole.size()), encoder.tokenizer);
  } catch (const Error&) {
    return -1;  // a template that wants other conversations says so when it gets the problem's
  }
}

}  // namespace

Json messages_json(const std::vector<tasks::Message>& messages) {
  Json list = Json::array();
  for (const tasks::Message& message : messages) list.push_back({{"role", message.role}, {"content", message.content}});
  return list;
}

Json prompt_json(const tasks::Problem& problem) {
  return problem.messages.empty() ? Json(problem.prompt) : messages_json(problem.messages);
}

text::Ids answer_ids(const std::string& text, const Encoder& encoder) {
  text::Ids ids = encoder.tokenizer.encode(text);
  ids.push_back(stop_ids(encoder).front());
  return ids;
}

std::vector<tasks::Message> conversation_of(const tasks::Problem& problem, const Encoder& encoder) {
  if (!problem.messages.empty()) return problem.messages;
  if (encoder.chat == nullptr || encoder.prompts == Prompts::as_text) return {};
  return {{"user", problem.prompt}};
}

std::vector<int32_t> stop_ids(const Encoder& encoder) {
  if (encoder.chat == nullptr) return {encoder.tokenizer.end()};
  std::vector<int32_t> ids = encoder.ends;
  if (ids.empty() && encoder.tokenizer.has_end()) ids.push_back(encoder.tokenizer.end());
  const int32_t end = turn_end(encoder);
  if (end >= 0 && std::find(ids.begin(), ids.end(), end) == ids.end()) ids.push_back(end);
  require(!ids.empty(), ErrorKind::data,
          "{}: the template ends an answer with no special token, and neither tokenizer_config.json nor "
          "generation_config.json names an eos token: an answer would never end",
          encoder.chat->where());
  return ids;
}

text::Ids next_turn_ids(const tasks::Problem& problem, const std::string& text, const Encoder& encoder) {
  const text::Tokenizer& tokenizer = encoder.tokenizer;
  std::vector<tasks::Message> messages = conversation_of(problem, encoder);
  if (messages.empty()) return tokenizer.encode(text);
  if (encoder.chat == nullptr) {
    text::Ids ids = tokenizer.encode(text);
    ids.insert(ids.begin(), tokenizer.id("<user>"));
    ids.push_back(tokenizer.end());
    ids.push_back(tokenizer.id("<assistant>"));
    return ids;
  }
  const text::ChatTemplate& chat = *encoder.chat;
  const MarkedText prompt = asked(chat, messages);
  messages.push_back({"assistant", kAnswer});
  const MarkedText answered = chat.render(messages_json(messages));
  messages.push_back({"user", text});
  const MarkedText again = asked(chat, messages);
  require_prefix(chat, prompt.bytes, answered.bytes);
  require_prefix(chat, answered.bytes, again.bytes);

  text::Ids ids = text::encode_chat(after_answer(chat, prompt, again), tokenizer).ids;
  const std::vector<int32_t> stops = stop_ids(encoder);
  const auto end = std::find_if(ids.begin(), ids.end(), [&](int32_t id) { return tokenizer.is_special(id); });
  if (end != ids.end() && std::find(stops.begin(), stops.end(), *end) != stops.end()) ids.erase(ids.begin(), end + 1);
  return ids;
}

}  // namespace hone::data
