#include "hone/report/verdict_table.h"

#include "hone/base/error.h"
#include "hone/report/summary.h"

#include <fmt/format.h>

#include <limits>

namespace hone::report {
namespace {

constexpr std::string_view kBegin = "<!-- verdicts -->\n", kEnd = "<!-- /verdicts -->";

// The contrast that came closest to failing.
const Json& deciding(const Json& contrasts) {
  static const Json kNone;
  const Json* found = &kNone;
  double least = std::numeric_limits<double>::infinity();
  if (!contrasts.is_array()) return kNone;
  for (const Json& contrast : contrasts) {
    const double above = number_at(contrast, "low") - number_at(contrast, "margin");
    if (above >= least) continue;
    least = above;
    found = &contrast;
  }
  return *found;
}

std::string measured(const Json& contrast) {
  if (!contrast.is_object()) return "–";
  const std::string unit = text_at(contrast, "unit");
  const auto number = [&](const char* key) { return format_number(number_at(contrast, key), unit); };
  return fmt::format("{}: {}{} [{}, {}]", text_at(contrast, "label"), number("mean"), unit_suffix(unit), number("low"),
                     number("high"));
}

// "`score` laptop"
std::string origin(const Json& results) {
  return fmt::format("`{}` {}", text_at(results, "recipe"), text_at(results, "preset"));
}

std::string cost(const Json& results) {
  const Json& seeds = member(results, "seeds");
  const Json& machine = member(results, "machine");
  return fmt::format("{} seeds, {:.0f} min, {}, {} cores {}", seeds.size(), number_at(results, "minutes"),
                     format_bytes(number_at(results, "peak_rss_bytes")), number_at(machine, "cores"),
                     text_at(machine, "cpu"));
}

}  // namespace

std::string verdict_table(const std::vector<Json>& results) {
  std::string text = "| recipe | claim | verdict | measured | cost |\n|---|---|---|---|---|\n";
  for (const Json& one : results) {
    const Json& claims = member(one, "claims");
    for (std::size_t i = 0; claims.is_array() && i < claims.size(); ++i) {
      const Json& claim = claims[i];
      text += fmt::format("| {} | {}: {} | {} | {} | {} |\n", i == 0 ? origin(one) : "", text_at(claim, "id"),
                          text_at(claim, "statement"), text_at(claim, "verdict"),
                          measured(deciding(member(claim, "contrasts"))), i == 0 ? cost(one) : "");
    }
  }
  return text;
}

std::string with_verdicts(std::string_view page, const std::vector<Json>& results) {
  const std::size_t begin = page.find(kBegin);
  const std::size_t end = begin == std::string_view::npos ? begin : page.find(kEnd, begin);
  require(end != std::string_view::npos, ErrorKind::data, "the page has no lines \"{}\" and \"{}\" for the verdicts",
          kBegin.substr(0, kBegin.size() - 1), kEnd);
  return std::string(page.substr(0, begin + kBegin.size())) + verdict_table(results) + std::string(page.substr(end));
}

}  // namespace hone::report
