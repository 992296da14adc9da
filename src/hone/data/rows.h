// JSONL rows in TRL's shapes → token sequences with loss masks.
#pragma once

#include "hone/data/example.h"
#include "hone/tasks/problem.h"
#include "hone/text/chat_template.h"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace hone::data {

/// TRL's dataset types that supervised training understands; prompt_answer is the prompt-only type with a reference
/// answer, which is then learnt as the completion.
enum class RowType { text, messages, prompt_completion, prompt_answer };

/// One row of a dataset, not yet tokenised.
struct Row {
  RowType type = RowType::text;
  std::string text;                      ///< text
  std::vector<tasks::Message> messages;  ///< messages; for conversational prompt+completion both parts
  int64_t prompt_messages = 0;           ///< how many of them are the prompt: no loss on those
  std::string prompt, completion;        ///< prompt_completion, prompt_answer (answer = completion)
  std::string place;                     ///< "chat.jsonl:12"
};

/// Rows of a JSONL file. Detects the type from the keys of the first row ("messages" before "prompt" + "completion"
/// before "prompt" + "answer" before "text") and whether it is conversational; other columns are ignored. A row of
/// another type, an unknown role, a conversation without an assistant's turn to learn, an empty file or bad JSON is a
/// data error naming file:line (and column for bad JSON).
std::vector<Row> read_rows(const std::filesystem::path& jsonl);
/// The same of a text; `name` stands for the file in places and errors.
std::vector<Row> parse_rows(std::string_view content, std::string_view name);

/// What a problem whose prompt is one text is to a model with a chat template: what a user says, or text to go on with.
/// Without a template it is text.
enum class Prompts { as_messages, as_text };
/// "chat" or "text", as the option `prompts` has them. Errors: usage.
Prompts prompts_of(std::string_view name);

/// How rows become tokens: a vocabulary and, when the model brings one, its format for conversations. Both must outlive
/// it.
struct Encoder {
  Encoder(const text::Tokenizer& vocabulary, const text::ChatTemplate* format = nullptr)
      : tokenizer(vocabulary), chat(format) {}

  const text::Tokenizer& tokenizer;
  const text::ChatTemplate* chat;  ///< nullptr: hone's own format
  Prompts prompts = Prompts::as_messages;
  std::vector<int32_t> ends{};  ///< tokens that end a text of this model, beside those that the template shows
};

/// Tokens of a row. Loss lies on the assistant's turns of a conversation (their content and the closing <end>), on the
/// completion and its <end>, or on the whole text.
///   conversation  with a chat template what that writes, special tokens included (see text/chat_template.h); else
///                 <bos> then for each message its role token, its content, <end>; e.g. <user> 3 4 -> 7 : <end>
///   others        <bos> prompt completion <end>; <bos> stands for tokenizer.opening(), which may be nothing
/// Prompt and completion are encoded apart and joined as ids, never encoded again as one text.
/// Errors: data, naming row.place: a row longer than `max_tokens` when `cut` is refuse (truncate keeps its beginning),
/// a word that is not in the vocabulary; format or data from the chat template.
enum class TooLong { refuse, truncate };
Example tokenize(const Row& row, const Encoder& encoder, int64_t max_tokens, TooLong cut);

/// Ids of a problem as the model is asked it: tokenizer.opening() and the prompt, or the conversation followed by the
/// assistant's role token. With a chat template: the conversation (or, unless encoder.prompts is as_text, the prompt as
/// its user's turn) by the template with its generation prompt. See dialogue.h for what follows.
text::Ids prompt_ids(const tasks::Problem& problem, const Encoder& encoder);

}  // namespace hone::data
