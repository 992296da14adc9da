#include "hone/report/compare/verdict.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace hone::report {
namespace {

constexpr std::size_t kSeedsForCertainty = 3;

// The improved arm of every run, best first by metric m; runs that lack it are left out.
std::vector<const ComparedArm*> ranked(const Comparison& all, std::size_t m) {
  std::vector<const ComparedArm*> arms;
  for (const ComparedArm& arm : all.arms) {
    const ComparedRun& run = all.runs[arm.run];
    if (arm.name == run.improved && std::isfinite(arm.cells[m].value.mean)) arms.push_back(&arm);
  }
  const double sign = direction_of(all.metrics[m].name) < 0 ? -1 : 1;
  std::stable_sort(arms.begin(), arms.end(), [&](const ComparedArm* a, const ComparedArm* b) {
    return sign * a->cells[m].value.mean > sign * b->cells[m].value.mean;
  });
  return arms;
}

std::string value_text(const Interval& value, const std::string& unit) {
  return format_number(value.mean, unit) + unit_suffix(unit);
}

std::string no_shared_metric(const Comparison& all) {
  std::string text = "No winner can be named: the runs share no metric.";
  for (const ComparedRun& run : all.runs) {
    if (!run.metrics.empty()) text += fmt::format(" {} reports {} first.", run.letter, run.metrics[0].label);
  }
  return text;
}

// What the interval allows to say of a lead.
std::string certainty(const Comparison& all, const ComparedArm& first, const ComparedArm& second,
                      const Interval& difference) {
  const bool one_side = difference.low > 0 || difference.high < 0;
  if (!std::isfinite(difference.low) || !std::isfinite(difference.high))
    return "Whether that is chance can't be said: the outcomes of single problems are missing.";
  const std::size_t seeds = std::min(all.runs[first.run].seeds.size(), all.runs[second.run].seeds.size());
  std::string text = "The interval excludes 0: the lead is certain at the 95 % level.";
  if (!one_side)
    text = "The interval includes 0: this may be chance.";
  else if (seeds < kSeedsForCertainty)
    text = "The interval excludes 0, but with fewer than 3 seeds training's own luck isn't in it: not certain.";
  if (is_paired(all, first, second)) return text;
  return text + " The held-out problems may differ, and so may their difficulty.";
}

}  // namespace

int direction_of(std::string_view metric) {
  for (const char* name : {"length", "words", "tokens", "same", "steps", "nodes"}) {
    if (metric.find(name) != std::string_view::npos) return 0;
  }
  for (const char* name : {"loss", "perplexity", "right_to_wrong", "error", "mistake", "exploitab", "bits"}) {
    if (metric.find(name) != std::string_view::npos) return -1;
  }
  return 1;
}

std::optional<std::size_t> deciding_metric(const Comparison& all) {
  std::optional<std::size_t> first;
  for (std::size_t m = 0; m < all.metrics.size(); ++m) {
    const std::size_t holders = ranked(all, m).size();
    const bool everywhere = holders == all.runs.size() && direction_of(all.metrics[m].name) != 0;
    if (everywhere && all.metrics[m].name == "acc_t2") return m;
    if (holders < 2) continue;
    const bool had_everywhere =
        first && ranked(all, *first).size() == all.runs.size() && direction_of(all.metrics[*first].name) != 0;
    if (!first || (everywhere && !had_everywhere)) first = m;
  }
  return first;
}

std::string headline_of(const Comparison& all) {
  const auto chosen = deciding_metric(all);
  if (!chosen) return no_shared_metric(all);
  const SharedMetric& metric = all.metrics[*chosen];
  const std::vector<const ComparedArm*> arms = ranked(all, *chosen);
  const ComparedArm &first = *arms[0], &second = *arms[1];
  const Interval difference = arm_differences(all, first, second)[*chosen];
  const bool tie =
      format_number(difference.mean, difference_unit(metric.unit)).find_first_of("123456789") == std::string::npos;
  std::string text = fmt::format("{}: ", metric.label);
  if (tie && std::isfinite(difference.mean)) {
    text += fmt::format("{} and {} are level at {}", short_name(all, first), short_name(all, second),
                        value_text(first.cells[*chosen].value, metric.unit));
  } else {
    text += fmt::format("{} {} with {}; {} has {}", short_name(all, first),
                        direction_of(metric.name) == 0 ? "is highest" : "leads",
                        value_text(first.cells[*chosen].value, metric.unit), short_name(all, second),
                        value_text(second.cells[*chosen].value, metric.unit));
  }
  if (const std::string gap = difference_text(difference, metric.unit); !gap.empty())
    text += fmt::format(", a difference of {}", gap);
  text += ". " + certainty(all, first, second, difference);
  if (arms.size() < all.runs.size())
    text += fmt::format(" {} of {} runs don't measure this.", all.runs.size() - arms.size(), all.runs.size());
  return text;
}

std::string short_name(const Comparison& all, const ComparedArm& arm) {
  return all.runs[arm.run].letter + " " + arm.label;
}

std::string difference_unit(std::string_view unit) { return unit == "%" ? "pts" : std::string(unit); }

std::string difference_text(const Interval& difference, std::string_view unit) {
  if (!std::isfinite(difference.mean)) return "";
  const std::string own = difference_unit(unit);
  const auto number = [&](double value) {
    const std::string text = format_number(value, own);
    const bool needs_sign = own != "pts" && value > 0 && text.find_first_of("123456789") != std::string::npos;
    return (needs_sign ? "+" : "") + text;
  };
  std::string text = number(difference.mean) + unit_suffix(own);
  if (std::isfinite(difference.low) && std::isfinite(difference.high))
    text += fmt::format(" [{}, {}]", number(difference.low), number(difference.high));
  return text;
}

}  // namespace hone::report
