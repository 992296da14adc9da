#include "hone/text/stop.h"

#include <algorithm>

namespace hone::text {

namespace {

// Bytes at the end of `text` that are the beginning of `string`, but not all of it.
std::size_t begun(std::string_view text, std::string_view string) {
  for (std::size_t n = std::min(text.size(), string.empty() ? 0 : string.size() - 1); n > 0; --n) {
    if (text.ends_with(string.substr(0, n))) return n;
  }
  return 0;
}

}  // namespace

std::string TextBefore::push(std::string_view piece) {
  if (found_) return "";
  held_ += piece;
  std::size_t stop = held_.size();
  for (const std::string& string : strings_) {
    const std::size_t at = string.empty() ? std::string::npos : held_.find(string);
    if (at == std::string::npos) continue;
    found_ = true;
    stop = std::min(stop, at);
  }
  std::size_t held = 0;
  if (!found_) {
    for (const std::string& string : strings_) held = std::max(held, begun(held_, string));
    stop = held_.size() - held;
  }
  std::string certain = held_.substr(0, stop);
  held_ = found_ ? "" : held_.substr(stop);
  return certain;
}

std::string TextBefore::finish() { return std::exchange(held_, ""); }

std::string text_before(std::string_view text, const std::vector<std::string>& strings) {
  TextBefore before(strings);
  std::string kept = before.push(text);
  return kept + before.finish();
}

Finish check_stop(const StopRule& rule, std::span<const int32_t> completion, const Tokenizer& tokenizer) {
  if (!completion.empty() && std::find(rule.ids.begin(), rule.ids.end(), completion.back()) != rule.ids.end()) {
    return Finish::stop;
  }
  if (!rule.strings.empty() && !completion.empty()) {
    const std::string text = tokenizer.decode(completion);
    for (const std::string& end : rule.strings) {
      if (!end.empty() && text.find(end) != std::string::npos) return Finish::stop;
    }
  }
  return static_cast<int64_t>(completion.size()) >= rule.max_tokens ? Finish::length : Finish::running;
}

}  // namespace hone::text
