#include "hone/tasks/search/scan.h"

#include <algorithm>

namespace hone::tasks::search {
namespace {

constexpr std::string_view kDigits = "0123456789";

}  // namespace

bool read_number(std::string_view text, int64_t& value) {
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  if (text.empty() || text.size() > kMostDigits) return false;
  value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
    value = value * 10 + (c - '0');
  }
  if (negative) value = -value;
  return true;
}

bool Scanner::skip(std::string_view mark) {
  if (!rest_.starts_with(mark)) return false;
  rest_.remove_prefix(mark.size());
  return true;
}

bool Scanner::number(int64_t& value) {
  const std::size_t sign = rest_.starts_with('-') ? 1 : 0;
  const std::size_t end = std::min(rest_.find_first_not_of(kDigits, sign), rest_.size());
  if (!read_number(rest_.substr(0, end), value)) return false;
  rest_.remove_prefix(end);
  return true;
}

bool Scanner::list(Numbers& numbers) {
  numbers.clear();
  if (!skip("[")) return false;
  if (skip("]")) return true;
  do {
    int64_t value = 0;
    if (numbers.size() == kMostMembers || !number(value)) return false;
    numbers.push_back(value);
  } while (skip(", "));
  return skip("]");
}

bool Scanner::node(NodeId& id) {
  id.clear();
  do {
    int64_t value = 0;
    if (id.size() == kMostMembers || !number(value)) return false;
    id.push_back(value);
  } while (skip(","));
  return true;
}

bool Scanner::operation(Operation& operation) {
  if (!number(operation.a) || rest_.empty()) return false;
  operation.op = rest_.front();
  if (std::string_view("+-*/").find(operation.op) == std::string_view::npos) return false;
  rest_.remove_prefix(1);
  return number(operation.b) && skip("=") && number(operation.result);
}

bool Scanner::quoted_operations(std::vector<Operation>& operations) {
  operations.clear();
  if (!skip("[")) return false;
  if (skip("]")) return true;
  do {
    Operation one;
    if (operations.size() == kDeepest || !skip("'") || !operation(one) || !skip("'")) return false;
    operations.push_back(one);
  } while (skip(", "));
  return skip("]");
}

}  // namespace hone::tasks::search
