#include "hone/text/stop.h"

#include <algorithm>

namespace hone::text {

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
