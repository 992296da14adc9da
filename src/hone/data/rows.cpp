#include "hone/data/rows.h"

#include "hone/base/error.h"
#include "hone/base/files.h"
#include "hone/data/dialogue.h"
#include "hone/tasks/jsonl.h"
#include "hone/text/utf8.h"

#include <algorithm>
#include <optional>

namespace hone::data {
namespace {

using tasks::find_field;

/// What the first row of a file says about all of them.
struct Shape {
  RowType type = RowType::text;
  bool conversational = false;
  bool operator==(const Shape&) const = default;
};

const char* name_of(RowType type) {
  switch (type) {
    case RowType::messages:
      return "messages";
    case RowType::prompt_completion:
      return "prompt+completion";
    case RowType::prompt_answer:
      return "prompt+answer";
    case RowType::text:
      break;
  }
  return "text";
}

std::string describe(const Shape& shape) {
  const bool both_ways = shape.type == RowType::prompt_completion || shape.type == RowType::prompt_answer;
  if (!both_ways) return name_of(shape.type);
  return std::string(name_of(shape.type)) + (shape.conversational ? " (lists of messages)" : " (texts)");
}

std::string keys_of(const Json& row) {
  constexpr std::size_t kMost = 8;
  std::string keys;
  std::size_t count = 0;
  for (const auto& [key, value] : row.items()) {
    if (++count > kMost) return keys + ", …";
    if (!keys.empty()) keys += ", ";
    keys += text::quote(key);
  }
  return keys.empty() ? "none" : keys;
}

Shape shape_of(const Json& row, const std::string& place) {
  const auto has = [&](const char* key) { return find_field(row, key) != nullptr; };
  if (has("messages")) return {RowType::messages, true};
  if (has("prompt") && (has("completion") || has("answer"))) {
    const RowType type = has("completion") ? RowType::prompt_completion : RowType::prompt_answer;
    return {type, find_field(row, "prompt")->is_array()};
  }
  if (has("text")) return {RowType::text, false};
  fail(ErrorKind::data,
       "{}: keys {} make no row to learn from; allowed: \"text\", \"messages\", \"prompt\" with \"completion\", "
       "\"prompt\" with \"answer\"",
       place, keys_of(row));
}

bool has_assistant(const std::vector<tasks::Message>& messages, int64_t from) {
  return std::any_of(messages.begin() + from, messages.end(),
                     [](const tasks::Message& message) { return message.role == "assistant"; });
}

void read_conversation(const Json& json, const Shape& shape, Row& row) {
  if (shape.type == RowType::messages) {
    row.messages = tasks::read_messages(json, "messages", row.place);
  } else {
    row.messages = tasks::read_messages(json, "prompt", row.place);
    row.prompt_messages = static_cast<int64_t>(row.messages.size());
    if (shape.type == RowType::prompt_answer) {
      row.messages.push_back({"assistant", base::get_string(json, "answer", row.place)});
    } else {
      const std::vector<tasks::Message> completion = tasks::read_messages(json, "completion", row.place);
      row.messages.insert(row.messages.end(), completion.begin(), completion.end());
    }
  }
  require(has_assistant(row.messages, row.prompt_messages), ErrorKind::data,
          "{}: holds no assistant's turn to learn from", row.place);
}

Row read_row(const Json& json, const std::string& place, const Shape& shape) {
  Row row;
  row.type = shape.type;
  row.place = place;
  if (shape.conversational) {
    read_conversation(json, shape, row);
  } else if (shape.type == RowType::text) {
    row.text = base::get_string(json, "text", place);
  } else {
    row.prompt = base::get_string(json, "prompt", place);
    row.completion = base::get_string(json, shape.type == RowType::prompt_answer ? "answer" : "completion", place);
  }
  return row;
}

/// A sequence being put together.
class Builder {
 public:
  explicit Builder(const text::Tokenizer& tokenizer) : tokenizer_(tokenizer) {
    if (const auto opening = tokenizer.opening()) token(*opening, 0);
  }

  void token(int32_t id, uint8_t loss) {
    example_.ids.push_back(id);
    example_.loss_mask.push_back(loss);
  }
  void text(const std::string& text, uint8_t loss) {
    const text::Ids ids = tokenizer_.encode(text);
    example_.ids.insert(example_.ids.end(), ids.begin(), ids.end());
    example_.loss_mask.resize(example_.ids.size(), loss);
  }
  void message(const tasks::Message& message, uint8_t loss) {
    token(tokenizer_.id("<" + message.role + ">"), 0);
    text(message.content, loss);
    token(tokenizer_.end(), loss);
  }
  Example take() {
    if (!example_.loss_mask.empty()) example_.loss_mask[0] = 0;  // nothing predicts the first token
    return std::move(example_);
  }

 private:
  const text::Tokenizer& tokenizer_;
  Example example_;
};

Example join_by_template(const Row& row, const Encoder& encoder) {
  const auto text = encoder.chat->training_text(messages_json(row.messages), row.prompt_messages);
  text::ChatTokens tokens = text::encode_chat(text, encoder.tokenizer);
  require(!tokens.ids.empty(), ErrorKind::data, "{} makes no tokens of the conversation", encoder.chat->where());
  tokens.generated[0] = 0;  // nothing predicts the first token
  return {.ids = std::move(tokens.ids), .loss_mask = std::move(tokens.generated)};
}

Example join(const Row& row, const Encoder& encoder) {
  const text::Tokenizer& tokenizer = encoder.tokenizer;
  if (!row.messages.empty() && encoder.chat != nullptr) return join_by_template(row, encoder);
  Builder builder(tokenizer);
  if (!row.messages.empty()) {
    int64_t index = 0;
    for (const tasks::Message& message : row.messages) {
      const bool learnt = index++ >= row.prompt_messages && message.role == "assistant";
      builder.message(message, learnt ? 1 : 0);
    }
    return builder.take();
  }
  const bool whole = row.type == RowType::text;
  if (!whole) builder.text(row.prompt, 0);
  builder.text(whole ? row.text : row.completion, 1);
  builder.token(tokenizer.end(), 1);
  return builder.take();
}

}  // namespace

std::vector<Row> parse_rows(std::string_view content, std::string_view name) {
  std::vector<Row> rows;
  std::optional<Shape> shape;
  tasks::for_each_row(content, name, [&](const Json& json, const std::string& place) {
    const Shape found = shape_of(json, place);
    if (!shape) shape = found;
    if (found != *shape) {
      fail(ErrorKind::data, "{}: a row of type {}, but the file began with {} at {}", place, describe(found),
           describe(*shape), rows.front().place);
    }
    rows.push_back(read_row(json, place, *shape));
  });
  return rows;
}

std::vector<Row> read_rows(const std::filesystem::path& jsonl) {
  return parse_rows(base::read_file(jsonl), jsonl.string());
}

Example tokenize(const Row& row, const Encoder& encoder, int64_t max_tokens, TooLong cut) {
  require(max_tokens >= 1, ErrorKind::usage, "rows of at most {} tokens asked; allowed: 1 or more", max_tokens);
  Example example;
  try {
    example = join(row, encoder);
  } catch (const Error& error) {
    throw Error(error.kind(), fmt::format("{}: {}", row.place, error.what()), error.remedy());
  }
  const auto tokens = static_cast<int64_t>(example.ids.size());
  if (tokens <= max_tokens) return example;
  require(cut == TooLong::truncate, ErrorKind::data, "{}: {} tokens; at most {} fit", row.place, tokens, max_tokens);
  example.ids.resize(static_cast<std::size_t>(max_tokens));
  example.loss_mask.resize(static_cast<std::size_t>(max_tokens));
  return example;
}

Prompts prompts_of(std::string_view name) {
  require(name == "chat" || name == "text", ErrorKind::usage, "prompts: \"{}\" is neither chat nor text", name);
  return name == "chat" ? Prompts::as_messages : Prompts::as_text;
}

text::Ids prompt_ids(const tasks::Problem& problem, const Encoder& encoder) {
  const text::Tokenizer& tokenizer = encoder.tokenizer;
  const std::vector<tasks::Message> messages = conversation_of(problem, encoder);
  if (!messages.empty() && encoder.chat != nullptr) {
    text::ChatOptions options;
    options.prompt = text::ChatOptions::Prompt::assistant;
    return text::encode_chat(encoder.chat->render(messages_json(messages), options), tokenizer).ids;
  }
  Builder builder(tokenizer);
  if (messages.empty()) {
    builder.text(problem.prompt, 0);
    return builder.take().ids;
  }
  for (const tasks::Message& message : messages) builder.message(message, 0);
  builder.token(tokenizer.id("<assistant>"), 0);
  return builder.take().ids;
}

}  // namespace hone::data
