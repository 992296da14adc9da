#include "hone/tasks/jsonl.h"

#include "hone/base/error.h"
#include "hone/text/utf8.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace hone::tasks {
namespace {

const std::array<std::string, 3>& known_roles() {
  static const std::array<std::string, 3> kRoles = {"system", "user", "assistant"};
  return kRoles;
}

// ":18" for a message that says "at byte 17", so that the place reads file:line:column; otherwise nothing.
std::string column_of(std::string_view message) {
  constexpr std::string_view kMark = " byte ";
  const auto found = message.rfind(kMark);
  if (found == std::string_view::npos) return "";
  const std::string_view digits = message.substr(found + kMark.size());
  uint64_t byte = 0;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), byte);
  return parsed.ec == std::errc() ? fmt::format(":{}", byte + 1) : "";
}

Json parse_line(std::string_view line, const std::string& place) {
  try {
    return base::parse_json(line, "line");
  } catch (const Error& error) {
    const std::string_view message = error.what();
    const std::string_view reason = message.starts_with("line: ") ? message.substr(6) : message;
    fail(ErrorKind::data, "{}{}: {}", place, column_of(message), reason);
  }
}

}  // namespace

std::string jsonl_text(const std::vector<Json>& rows) {
  std::string text;
  for (const Json& row : rows) text += base::dump(row) + "\n";
  return text;
}

void for_each_row(std::string_view content, std::string_view name,
                  const std::function<void(const Json& row, const std::string& place)>& use) {
  if (content.starts_with("\xEF\xBB\xBF")) {
    throw Error(ErrorKind::data, fmt::format("{}:1: begins with a byte-order mark (EF BB BF)", name),
                "save the file as UTF-8 without a byte-order mark");
  }
  int64_t number = 0, rows = 0;
  while (!content.empty()) {
    ++number;
    const std::size_t end = std::min(content.find('\n'), content.size());
    const std::string_view line = text::trim(content.substr(0, end));
    const std::size_t indent = line.empty() ? 0 : static_cast<std::size_t>(line.data() - content.data());
    const std::string_view whole = content.substr(0, indent + line.size());
    content.remove_prefix(std::min(end + 1, content.size()));
    if (line.empty()) continue;
    const std::string place = fmt::format("{}:{}", name, number);
    const Json row = parse_line(whole, place);
    require(row.is_object(), ErrorKind::data, "{}: a row must be a JSON object, found {}", place, row.type_name());
    try {
      use(row, place);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::format) throw;
      throw Error(ErrorKind::data, error.what(), error.remedy());
    }
    ++rows;
  }
  require(rows > 0, ErrorKind::data, "{}: holds no row", name);
}

const Json* find_field(const Json& row, std::string_view field) {
  const auto found = row.find(std::string(field));
  return found == row.end() || found->is_null() ? nullptr : &*found;
}

std::vector<Message> read_messages(const Json& row, std::string_view field, std::string_view place) {
  const Json* list = find_field(row, field);
  require(list != nullptr && list->is_array(), ErrorKind::data, "{}: \"{}\" is not a list of messages", place, field);
  require(!list->empty(), ErrorKind::data, "{}: \"{}\" holds no message", place, field);
  std::vector<Message> messages;
  for (const Json& item : *list) {
    const std::string where = fmt::format("{}: \"{}\"[{}]", place, field, messages.size());
    require(item.is_object(), ErrorKind::data, "{} is not an object", where);
    std::string role = base::get_string(item, "role", where);
    const auto& roles = known_roles();
    require(std::find(roles.begin(), roles.end(), role) != roles.end(), ErrorKind::data,
            "{}: unknown role {}; allowed: system, user, assistant", where, text::quote(role));
    messages.push_back({std::move(role), base::get_string(item, "content", where)});
  }
  return messages;
}

}  // namespace hone::tasks
