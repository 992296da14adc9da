#include "hone/data/search_records.h"

#include "hone/base/error.h"

#include <algorithm>

namespace hone::data {

text::Tokenizer search_tokenizer(const tasks::CountdownWorld& world) {
  if (!world.symbols) return text::Tokenizer::bytes(text::standard_specials());
  std::vector<std::string> words = tasks::search::compact_keywords();
  for (const char* mark : {"+", "-", "*", "/"}) words.emplace_back(mark);
  // Numbers name nodes too: a node has at most four children for each pair of numbers.
  const int64_t children = 2 * world.count * (world.count - 1);
  const int64_t most = std::max({world.cap, world.high, world.target_high, children});
  for (int64_t number = 0; number <= most; ++number) words.push_back(std::to_string(number));
  return text::Tokenizer::symbols(text::standard_specials(), words);
}

Example search_example(const tasks::search::Trace& trace, const text::Tokenizer& tokenizer, int64_t context) {
  require(!trace.empty() && trace.front().kind == tasks::search::EventKind::state, ErrorKind::data,
          "a trace to learn from begins with a state");
  const std::string words = tasks::search::write_compact(trace);
  const std::string prompt = tasks::search::compact_prompt(trace.front().numbers, trace.front().target);
  Example example;
  append(example, {tokenizer.bos()}, 0);
  append(example, tokenizer.encode(prompt), 0);
  // Encoded apart, as the model meets them: the prompt is given, what follows is its own.
  const std::size_t begin = std::min(prompt.size() + 1, words.size());
  append(example, tokenizer.encode(words.substr(begin)), 1);
  append(example, {tokenizer.end()}, 1);
  const auto kept = std::min(example.ids.size(), static_cast<std::size_t>(std::max<int64_t>(context, 0)));
  example.ids.resize(kept);
  example.loss_mask.resize(kept);
  return example;
}

}  // namespace hone::data
