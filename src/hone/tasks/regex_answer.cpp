#include "hone/tasks/regex_answer.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <fmt/format.h>
#include <pcre2.h>

#include <array>
#include <cstdlib>
#include <memory>

namespace hone::tasks {
namespace {

constexpr std::size_t kMostPatternBytes = 4096;
constexpr std::size_t kMostCompletionBytes = std::size_t{1} << 20;
constexpr uint32_t kMostHeapKiB = 32 * 1024;
constexpr uint32_t kMostSteps = 1'000'000;  // of one start position, by PCRE2's own count
constexpr uint32_t kMostDepth = 100'000;

template <auto release>
struct Release {
  template <class T>
  void operator()(T* held) const {
    release(held);
  }
};
using Code = std::unique_ptr<pcre2_code, Release<pcre2_code_free>>;
using CompileContext = std::unique_ptr<pcre2_compile_context, Release<pcre2_compile_context_free>>;
using MatchContext = std::unique_ptr<pcre2_match_context, Release<pcre2_match_context_free>>;
using MatchData = std::unique_ptr<pcre2_match_data, Release<pcre2_match_data_free>>;

std::string message_of(int code) {
  std::array<PCRE2_UCHAR, 160> text{};
  pcre2_get_error_message(code, text.data(), text.size());
  return reinterpret_cast<const char*>(text.data());
}

Code compile(const std::string& pattern, std::string& reason) {
  const CompileContext context(pcre2_compile_context_create(nullptr));
  pcre2_set_max_pattern_length(context.get(), kMostPatternBytes);
  int code = 0;
  PCRE2_SIZE offset = 0;
  // Automatic callouts are what the fuel is counted by.
  const uint32_t options = PCRE2_MATCH_INVALID_UTF | PCRE2_AUTO_CALLOUT;
  Code compiled(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(), options, &code, &offset,
                              context.get()));
  if (!compiled) reason = fmt::format("{} at {}", message_of(code), offset);
  return compiled;
}

// PCRE2's match limit starts again at every start position and leaves out the text a single item runs over, so work
// is also counted here, over the whole match: one unit an item, and one for every 16 bytes of movement.
struct Fuel {
  int64_t left = 0;
  PCRE2_SIZE last = 0;
};

int burn(pcre2_callout_block* block, void* data) {
  Fuel& fuel = *static_cast<Fuel*>(data);
  const auto moved = static_cast<int64_t>(block->current_position) - static_cast<int64_t>(fuel.last);
  fuel.last = block->current_position;
  fuel.left -= 1 + std::abs(moved) / 16;
  return fuel.left < 0 ? PCRE2_ERROR_MATCHLIMIT : 0;
}

}  // namespace

std::string regex_error(const std::string& pattern) {
  std::string reason;
  compile(pattern, reason);
  return reason;
}

Verdict verify_regex(const Problem& problem, std::string_view completion) {
  if (completion.size() > kMostCompletionBytes) return {0, fmt::format("longer than {} bytes", kMostCompletionBytes)};
  std::string reason;
  const Code code = compile(problem.answer, reason);
  if (!code) return {0, "the reference pattern is invalid: " + reason};
  Fuel fuel{200'000 + 8 * static_cast<int64_t>(completion.size()), 0};
  const MatchContext context(pcre2_match_context_create(nullptr));
  pcre2_set_match_limit(context.get(), kMostSteps);
  pcre2_set_depth_limit(context.get(), kMostDepth);
  pcre2_set_heap_limit(context.get(), kMostHeapKiB);
  pcre2_set_callout(context.get(), burn, &fuel);
  const MatchData data(pcre2_match_data_create_from_pattern(code.get(), nullptr));
  const char* text = completion.data() == nullptr ? "" : completion.data();
  const int outcome =
      pcre2_match(code.get(), reinterpret_cast<PCRE2_SPTR>(text), completion.size(), 0, 0, data.get(), context.get());
  if (outcome >= 0) return {1, ""};
  if (outcome == PCRE2_ERROR_NOMATCH) return {0, "does not match"};
  return {0, "undecided: " + message_of(outcome)};
}

}  // namespace hone::tasks
