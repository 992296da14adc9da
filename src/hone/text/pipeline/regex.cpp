#define PCRE2_CODE_UNIT_WIDTH 8
#include "hone/text/pipeline/regex.h"

#include "hone/base/error.h"
#include "hone/text/utf8.h"

#include <pcre2.h>

#include <array>
#include <optional>

namespace hone::text::pipeline {
namespace {

constexpr std::size_t kMostPatternBytes = 64 << 10;
constexpr uint32_t kMostSteps = 1'000'000;
constexpr uint32_t kMostNesting = 100;
constexpr uint32_t kMostHeapKb = 64 << 10;

// White_Space as the inside of a class: PCRE2's own \s takes U+180E in.
constexpr std::string_view kSpaces =
    R"(\x{9}-\x{d}\x{20}\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000})";

// \w likewise: PCRE2 leaves marks out.
constexpr std::string_view kWord = R"(\p{L}\p{M}\p{Nd}\p{Nl}\p{Pc})";

// What stands for the escape \`letter` in PCRE2, or nothing where both dialects agree.
enum class Place { outside, in_class };
std::optional<std::string> spelled_out(char letter, Place place) {
  const bool in_class = place == Place::in_class;
  const std::string_view set = letter == 's' || letter == 'S' ? kSpaces : kWord;
  if (letter == 's' || letter == 'w') return in_class ? std::string(set) : fmt::format("[{}]", set);
  if ((letter == 'S' || letter == 'W') && !in_class) return fmt::format("[^{}]", set);
  return {};
}

// The pattern for PCRE2. What means something else there is refused: a wrong cut would go unnoticed.
std::string translate(std::string_view pattern, std::string_view where) {
  std::string out;
  bool in_class = false;
  const auto refuse = [&](std::string_view what) {
    fail(ErrorKind::format, "{}: pattern {}: {} is not supported", where, quote(pattern), what);
  };
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c == '\\' && i + 1 < pattern.size()) {
      const char next = pattern[++i];
      if (next == 'h' || next == 'H' || next == 'K') refuse("\\h, \\H or \\K");
      if (in_class && next == 'W') refuse("\\W inside [ ]");
      out += spelled_out(next, in_class ? Place::in_class : Place::outside).value_or(std::string{c, next});
      continue;
    }
    const std::string_view rest = pattern.substr(i);
    if (in_class && (rest.starts_with("&&") || (c == '[' && !rest.starts_with("[:")))) refuse("a class in a class");
    if (in_class && rest.starts_with("[:")) {
      const std::size_t end = rest.find(":]");
      if (end == std::string_view::npos) refuse("an open [:");
      out += rest.substr(0, end + 2);
      i += end + 1;
      continue;
    }
    if (!in_class && c == '[') {
      in_class = true;
      // A bracket right after the opening one is a literal.
      const std::size_t head = rest.starts_with("[^") ? 2 : 1;
      const bool literal = rest.size() > head && rest[head] == ']';
      out += rest.substr(0, head);
      if (literal) out += "\\]";
      i += head - 1 + (literal ? 1 : 0);
      continue;
    }
    if (c == ']') in_class = false;
    out += c;
  }
  return out;
}

struct MatchData {
  explicit MatchData(const pcre2_code* code)
      : data(pcre2_match_data_create_from_pattern(code, nullptr)), context(pcre2_match_context_create(nullptr)) {
    pcre2_set_match_limit(context, kMostSteps);
    pcre2_set_heap_limit(context, kMostHeapKb);
  }
  ~MatchData() {
    pcre2_match_data_free(data);
    pcre2_match_context_free(context);
  }
  MatchData(const MatchData&) = delete;
  MatchData& operator=(const MatchData&) = delete;
  pcre2_match_data* data;
  pcre2_match_context* context;
};

std::string message_of(int code) {
  std::array<unsigned char, 256> text{};
  pcre2_get_error_message(code, text.data(), text.size());
  return reinterpret_cast<const char*>(text.data());
}

}  // namespace

Regex::Regex(std::string_view pattern, std::string_view where) : pattern_(pattern) {
  require(pattern.size() <= kMostPatternBytes, ErrorKind::format, "{}: a pattern of {} bytes; at most {} are read",
          where, pattern.size(), kMostPatternBytes);
  const std::string translated = translate(pattern, where);
  const std::unique_ptr<pcre2_compile_context, decltype(&pcre2_compile_context_free)> context(
      pcre2_compile_context_create(nullptr), &pcre2_compile_context_free);
  pcre2_set_parens_nest_limit(context.get(), kMostNesting);
  int error = 0;
  std::size_t at = 0;
  constexpr uint32_t kOptions = PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C;
  pcre2_code* code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(translated.data()), translated.size(), kOptions, &error,
                                   &at, context.get());
  require(code != nullptr, ErrorKind::format, "{}: pattern {} is not readable: {}", where, quote(pattern),
          error == 0 ? "out of memory" : message_of(error));
  code_ = std::shared_ptr<const void>(code, [](const void* p) {
    pcre2_code_free(static_cast<pcre2_code*>(const_cast<void*>(p)));  // the owner made it non-const
  });
  pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);  // without it the pattern is interpreted: slower, the same matches
}

RegexSearch::RegexSearch(const Regex& regex)
    : regex_(&regex), memory_(std::make_shared<MatchData>(static_cast<const pcre2_code*>(regex.code_.get()))) {}

std::optional<Match> RegexSearch::find(std::string_view text, std::size_t from) const {
  const auto* code = static_cast<const pcre2_code*>(regex_->code_.get());
  const auto& match = *static_cast<const MatchData*>(memory_.get());
  const int rc = pcre2_match(code, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), from, PCRE2_NO_UTF_CHECK,
                             match.data, match.context);
  if (rc == PCRE2_ERROR_NOMATCH) return {};
  require(rc >= 0, ErrorKind::data, "pattern {} gave up at byte {} of the text: {}", quote(regex_->pattern_), from,
          message_of(rc));
  const std::size_t* ends = pcre2_get_ovector_pointer(match.data);
  return Match{ends[0], ends[1]};
}

}  // namespace hone::text::pipeline
