#include "hone/text/chat_template.h"

#include "hone/base/error.h"
#include "hone/base/files.h"
#include "hone/text/utf8.h"

#include <algorithm>
#include <array>
#include <utility>

namespace hone::text {
namespace {

namespace fs = std::filesystem;
using jinja::MarkedText;

// tokenizer_config.json lists added tokens: up to a few MB.
constexpr uint64_t kMostConfigBytes = uint64_t{64} << 20;

bool is_assistant(const Json& message) {
  const auto role = message.is_object() ? message.find("role") : message.end();
  return message.is_object() && role != message.end() && *role == "assistant";
}

Json first_messages(const Json& messages, std::size_t count) {
  Json first = Json::array();
  for (std::size_t i = 0; i < count; ++i) first.push_back(messages[i]);
  return first;
}

// A special token of tokenizer_config.json is a string or {"content": …}.
Json special_tokens_of(const Json& config) {
  Json tokens = Json::object();
  for (const char* key : {"bos_token", "eos_token", "unk_token", "pad_token"}) {
    const auto found = config.find(key);
    if (found == config.end()) continue;
    const Json* value = &*found;
    if (value->is_object() && value->contains("content")) value = &(*value)["content"];
    if (value->is_string()) tokens[key] = *value;
  }
  return tokens;
}

std::optional<std::string> named_template(const Json& list, const std::string& where, bool tools) {
  std::optional<std::string> standard, tool_use;
  std::vector<std::string> names;
  for (const Json& entry : list) {
    names.push_back(base::get_string(entry, "name", where));
    std::string source = base::get_string(entry, "template", where);
    if (names.back() == "default")
      standard = std::move(source);
    else if (names.back() == "tool_use")
      tool_use = std::move(source);
  }
  if (tools && tool_use) return tool_use;
  require(standard.has_value(), ErrorKind::format, "{}: \"chat_template\" names {}, but no \"default\"", where,
          fmt::join(names, ", "));
  return standard;
}

std::size_t common_prefix(std::string_view a, std::string_view b) {
  return static_cast<std::size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
}

Parting parting_of(std::string_view before, std::string_view after, std::size_t turn) {
  const std::size_t at = common_prefix(before, after);
  return {static_cast<int64_t>(turn), at, std::string(before.substr(at, 40)), std::string(after.substr(at, 40))};
}

// Special tokens by their first byte, longest first.
class Specials {
 public:
  explicit Specials(const Tokenizer& tokenizer) {
    for (int32_t id = 0; id < tokenizer.size(); ++id) {
      if (!tokenizer.is_special(id)) continue;
      const std::string& text = tokenizer.token(id);
      if (!text.empty()) by_byte_[static_cast<unsigned char>(text[0])].emplace_back(text, id);
    }
    for (auto& tokens : by_byte_) {
      std::sort(tokens.begin(), tokens.end(),
                [](const auto& a, const auto& b) { return a.first.size() > b.first.size(); });
    }
  }

  // The longest that begins at `at`, all of it in trusted text.
  const std::pair<std::string, int32_t>* find(const MarkedText& text, std::size_t at) const {
    for (const auto& token : by_byte_[static_cast<unsigned char>(text.bytes[at])]) {
      if (text.bytes.compare(at, token.first.size(), token.first) == 0 && trusted(text, at, token.first.size())) {
        return &token;
      }
    }
    return nullptr;
  }

 private:
  static bool trusted(const MarkedText& text, std::size_t at, std::size_t bytes) {
    for (std::size_t i = at; i < at + bytes; ++i) {
      if ((text.mark(i) & jinja::kUser) != 0) return false;
    }
    return true;
  }

  std::array<std::vector<std::pair<std::string, int32_t>>, 256> by_byte_;
};

}  // namespace

ChatTemplate::ChatTemplate(std::string_view source, std::string where, Json special_tokens)
    : source_(source), where_(where), special_tokens_(std::move(special_tokens)), template_(source, std::move(where)) {
  marks_generation_ = template_.marks_generation();
}

std::optional<ChatTemplate> ChatTemplate::load(const fs::path& model_dir, const ChatOptions& options) {
  std::error_code code;
  const fs::path config_path = model_dir / "tokenizer_config.json";
  Json config = Json::object();
  if (fs::exists(config_path, code)) {
    config = base::parse_json(base::read_file(config_path, kMostConfigBytes), config_path.string());
    require(config.is_object(), ErrorKind::format, "{}: not an object", config_path.string());
  }
  const fs::path file = model_dir / "chat_template.jinja";
  if (fs::exists(file, code)) {
    const std::string source = base::read_file(file, jinja::Limits().source_bytes);
    return ChatTemplate(source, file.string(), special_tokens_of(config));
  }
  const auto found = config.find("chat_template");
  if (found == config.end() || found->is_null()) return {};
  const std::string where = config_path.string();
  std::optional<std::string> source;
  if (found->is_array()) {
    source = named_template(*found, where, options.tools.is_array());
  } else {
    source = base::get_string(config, "chat_template", where);
  }
  return ChatTemplate(*source, where + " chat_template", special_tokens_of(config));
}

MarkedText ChatTemplate::render(const Json& messages, const ChatOptions& options) const {
  Json variables = special_tokens_;
  variables["messages"] = messages;
  variables["tools"] = options.tools;
  variables["documents"] = nullptr;
  variables["add_generation_prompt"] = options.prompt == ChatOptions::Prompt::assistant;
  return template_.render(variables, options.now);
}

MarkedText ChatTemplate::training_text(const Json& messages, int64_t first_learnt, const ChatOptions& options) const {
  MarkedText whole = render(messages, options);
  if (whole.marks.empty()) whole.marks.assign(whole.size(), '\0');
  const auto mark = [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) whole.marks[i] = static_cast<char>(whole.marks[i] | jinja::kGenerated);
  };
  // Places of one turn: [end of its prompt, end of the conversation up to it).
  const auto place = [&](std::size_t turn, const ChatOptions& how, std::size_t count) {
    const MarkedText part = render(first_messages(messages, count), how);
    if (whole.bytes.starts_with(part.bytes)) return part.size();
    const Parting parting = parting_of(part.bytes, whole.bytes, turn);
    throw Error(ErrorKind::data,
                fmt::format("{}: message {} can't be found in the whole conversation: at byte {} {} became {}", where_,
                            turn + 1, parting.at, quote(parting.before), quote(parting.after)),
                "this template rewrites earlier turns; end each row with the one assistant's turn to learn");
  };
  ChatOptions prompt = options;
  prompt.prompt = ChatOptions::Prompt::assistant;
  if (marks_generation_) {
    // Turns before the first learnt one lose their marks again.
    if (first_learnt <= 0) return whole;
    const std::size_t end =
        place(static_cast<std::size_t>(first_learnt), options, static_cast<std::size_t>(first_learnt));
    for (std::size_t i = 0; i < end; ++i) whole.marks[i] = static_cast<char>(whole.marks[i] & ~jinja::kGenerated);
    return whole;
  }
  for (std::size_t turn = static_cast<std::size_t>(first_learnt); turn < messages.size(); ++turn) {
    if (!is_assistant(messages[turn])) continue;
    const std::size_t begin = place(turn, prompt, turn);
    const std::size_t end = turn + 1 == messages.size() ? whole.size() : place(turn, options, turn + 1);
    mark(begin, end);
  }
  return whole;
}

std::optional<Parting> ChatTemplate::find_parting(const Json& messages, const ChatOptions& options) const {
  ChatOptions prompt = options;
  prompt.prompt = ChatOptions::Prompt::assistant;
  std::string last;
  for (std::size_t count = 1; count <= messages.size(); ++count) {
    const Json part = first_messages(messages, count);
    const std::string now = render(part, options).bytes;
    if (!now.starts_with(last)) return parting_of(last, now, count - 1);
    last = now;
    if (count == messages.size() || !is_assistant(messages[count])) continue;
    const std::string asked = render(part, prompt).bytes;
    const std::string answered = render(first_messages(messages, count + 1), options).bytes;
    if (!answered.starts_with(asked)) return parting_of(asked, answered, count);
  }
  return {};
}

ChatTokens encode_chat(const MarkedText& text, const Tokenizer& tokenizer) {
  const Specials specials(tokenizer);
  ChatTokens tokens;
  std::size_t begin = 0;
  const auto generated = [&](std::size_t at) { return (text.mark(at) & jinja::kGenerated) != 0; };
  const auto flush = [&](std::size_t end) {
    if (end == begin) return;
    const Ids ids = tokenizer.encode(std::string_view(text.bytes).substr(begin, end - begin));
    tokens.ids.insert(tokens.ids.end(), ids.begin(), ids.end());
    tokens.generated.resize(tokens.ids.size(), generated(begin) ? 1 : 0);
  };
  for (std::size_t at = 0; at < text.size();) {
    if (const auto* special = specials.find(text, at)) {
      flush(at);
      tokens.ids.push_back(special->second);
      tokens.generated.push_back(generated(at) ? 1 : 0);
      begin = at += special->first.size();
      continue;
    }
    if (at > begin && generated(at) != generated(begin)) {
      flush(at);
      begin = at;
    }
    ++at;
  }
  flush(text.size());
  return tokens;
}

}  // namespace hone::text
