#include "hone/data/pair_rows.h"

#include "hone/base/error.h"
#include "hone/base/files.h"
#include "hone/tasks/jsonl.h"

#include <algorithm>
#include <map>

namespace hone::data {
namespace {

using Messages = std::vector<tasks::Message>;

constexpr const char* kShapes =
    "\"prompt\", \"chosen\" and \"rejected\" as texts or as lists of messages, or \"chosen\" and \"rejected\" as lists "
    "of messages that begin alike";

bool same(const tasks::Message& a, const tasks::Message& b) { return a.role == b.role && a.content == b.content; }

// How many messages two conversations begin with in common. A completion is at least one message of each side.
std::size_t common_beginning(const Messages& a, const Messages& b) {
  const std::size_t most = std::min(a.size(), b.size()) - 1;
  std::size_t count = 0;
  while (count < most && same(a[count], b[count])) ++count;
  return count;
}

Row side_of(const Json& json, const char* field, const std::string& place) {
  Row row;
  row.type = RowType::prompt_completion;
  row.place = place;
  if (tasks::find_field(json, field)->is_array())
    row.messages = tasks::read_messages(json, field, place);
  else
    row.completion = base::get_string(json, field, place);
  return row;
}

void set_prompt(Row& row, const Messages& prompt) {
  row.messages.insert(row.messages.begin(), prompt.begin(), prompt.end());
  row.prompt_messages = static_cast<int64_t>(prompt.size());
}

void require_answer(const Row& row, const char* field) {
  if (row.messages.empty()) return;
  const auto begin = row.messages.begin() + row.prompt_messages;
  require(std::any_of(begin, row.messages.end(), [](const auto& message) { return message.role == "assistant"; }),
          ErrorKind::data, "{}: \"{}\" holds no assistant's turn after the prompt", row.place, field);
}

PairRow read_pair(const Json& json, const std::string& place) {
  for (const char* field : {"chosen", "rejected"})
    require(tasks::find_field(json, field) != nullptr, ErrorKind::data, "{}: no \"{}\"; a row of preferences has {}",
            place, field, kShapes);
  PairRow row{side_of(json, "chosen", place), side_of(json, "rejected", place)};
  const Json* prompt = tasks::find_field(json, "prompt");
  const bool lists = !row.chosen.messages.empty();
  const bool alike = lists == !row.rejected.messages.empty() && (prompt ? lists == prompt->is_array() : lists);
  require(alike, ErrorKind::data, "{}: \"chosen\", \"rejected\" and \"prompt\" are of different shapes; allowed: {}",
          place, kShapes);
  if (!prompt) {
    const std::size_t common = common_beginning(row.chosen.messages, row.rejected.messages);
    row.chosen.prompt_messages = row.rejected.prompt_messages = static_cast<int64_t>(common);
  } else if (lists) {
    const auto messages = tasks::read_messages(json, "prompt", place);
    set_prompt(row.chosen, messages);
    set_prompt(row.rejected, messages);
  } else {
    row.chosen.prompt = row.rejected.prompt = base::get_string(json, "prompt", place);
  }
  require_answer(row.chosen, "chosen");
  require_answer(row.rejected, "rejected");
  return row;
}

// What two rows share when they are of one prompt.
std::string prompt_key(const Row& row) {
  Json key = Json::array({row.prompt});
  for (int64_t i = 0; i < row.prompt_messages; ++i) {
    const auto& message = row.messages[static_cast<std::size_t>(i)];
    key.push_back({message.role, message.content});
  }
  return base::dump(key);
}

}  // namespace

bool are_pair_rows(std::string_view content) {
  const std::size_t begin = content.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return false;
  try {
    const Json row = base::parse_json(content.substr(begin, content.find('\n', begin) - begin), "row");
    return row.is_object() && row.contains("chosen");
  } catch (const Error&) {
    return false;  // whoever reads the rows says what is wrong with them
  }
}

std::vector<PairRow> parse_pair_rows(std::string_view content, std::string_view name) {
  std::vector<PairRow> rows;
  tasks::for_each_row(content, name,
                      [&](const Json& json, const std::string& place) { rows.push_back(read_pair(json, place)); });
  return rows;
}

std::vector<PairRow> read_pair_rows(const std::filesystem::path& jsonl) {
  return parse_pair_rows(base::read_file(jsonl), jsonl.string());
}

PairSet tokenize_pairs(const std::vector<PairRow>& rows, const Encoder& encoder, int64_t max_tokens, TooLong cut) {
  PairSet set;
  std::map<std::string, std::size_t> prompts;
  for (const auto& row : rows) {
    Pair pair{tokenize(row.chosen, encoder, max_tokens, cut), tokenize(row.rejected, encoder, max_tokens, cut)};
    if (pair.chosen.ids == pair.rejected.ids) {
      ++set.equal;
      continue;
    }
    set.prompts.push_back(prompts.emplace(prompt_key(row.chosen), prompts.size()).first->second);
    set.pairs.push_back(std::move(pair));
  }
  require(!set.pairs.empty(), ErrorKind::data, "{}: no pair of two different completions is left of {} rows",
          rows.empty() ? "the file" : rows.front().chosen.place, rows.size());
  return set;
}

}  // namespace hone::data
