// JSONL files, one object a line: the reading that datasets and problem files share.
#pragma once

#include "hone/base/json.h"
#include "hone/tasks/problem.h"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace hone::tasks {

/// Calls use(row, place) for every line that is not blank; place is "chat.jsonl:12".
///
///   content  the file; lines end with \n or \r\n
///   name     of the file, for places
///   errors   data: a byte-order mark, a line that is not a JSON object (file:line:column), no row at all; format
///            errors thrown by `use` become data errors
void for_each_row(std::string_view content, std::string_view name,
                  const std::function<void(const Json& row, const std::string& place)>& use);

/// The rows as lines of a file, which for_each_row reads again.
std::string jsonl_text(const std::vector<Json>& rows);

/// The conversation in row[field]: a list of {"role": system | user | assistant, "content": string}.
/// Errors: data, naming place and field: not a list, empty, an unknown role, content that is no string.
std::vector<Message> read_messages(const Json& row, std::string_view field, std::string_view place);

/// row[field], or nullptr when it is absent or null.
const Json* find_field(const Json& row, std::string_view field);

}  // namespace hone::tasks
