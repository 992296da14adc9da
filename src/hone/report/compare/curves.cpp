#include "hone/report/compare/curves.h"

#include "hone/report/compare/verdict.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace hone::report {
namespace {

constexpr std::size_t kMostFigures = 6;

// Logged to watch a run, not to compare runs.
bool is_bookkeeping(const std::string& metric) {
  static constexpr std::array kNames = {"lr",    "grad_norm", "tokens", "sampled_tokens",
                                        "ratio", "approx_kl", "pairs",  "clip_fraction"};
  return std::find(kNames.begin(), kNames.end(), metric) != kNames.end() || metric.find('/') != std::string::npos;
}

int rank_of(const std::string& metric) {
  static constexpr std::array kFirst = {"reward", "accuracy", "win", "solved", "loss"};
  for (std::size_t i = 0; i < kFirst.size(); ++i) {
    if (metric.starts_with(kFirst[i])) return static_cast<int>(i);
  }
  return static_cast<int>(kFirst.size());
}

const Curve* curve_of(const RunFolder& seed, const std::string& metric, const std::string& phase) {
  for (const Curve& curve : seed.curves) {
    if (curve.metric == metric && curve.phase == phase) return &curve;
  }
  return nullptr;
}

// Tokens sampled in a phase up to the end of each logged step.
struct TokenCount {
  std::vector<double> steps, tokens;
  double total() const { return tokens.empty() ? 0 : tokens.back(); }
  double at(double step) const {
    const auto found = std::lower_bound(steps.begin(), steps.end(), step);
    if (found == steps.end()) return total();
    return tokens[static_cast<std::size_t>(found - steps.begin())];
  }
};

TokenCount tokens_of(const RunFolder& seed, const std::string& phase) {
  TokenCount count;
  const Curve* curve = curve_of(seed, "sampled_tokens", phase);
  double before = -1, sum = 0;
  for (std::size_t i = 0; curve && i < curve->steps.size(); ++i) {
    const double step = curve->steps[i], tokens = curve->values[i];
    if (!(step > before) || !(tokens >= 0)) continue;
    sum += tokens * (step - before);
    before = step;
    count.steps.push_back(step);
    count.tokens.push_back(sum);
  }
  return count;
}

// An arm that has curves, with what is needed to draw it.
struct DrawnArm {
  const ComparedArm* arm;
  std::size_t style;
  std::vector<std::string> metrics;
};

std::vector<std::string> arm_names(const ComparedRun& run) {
  std::vector<std::string> names;
  for (const auto& [name, arm] : member(run.summary, "arms").items()) names.push_back(name);
  return names;
}

std::vector<std::string> metrics_of_arm(const ComparedRun& run, const std::string& arm) {
  std::vector<std::string> metrics;
  for (const RunFolder* seed : seed_folders(run.folder)) {
    const std::vector<std::string> phases = phases_of_arm(*seed, arm_names(run), arm);
    for (const Curve& curve : seed->curves) {
      const bool is_mine = std::find(phases.begin(), phases.end(), curve.phase) != phases.end();
      const bool is_known = std::find(metrics.begin(), metrics.end(), curve.metric) != metrics.end();
      if (is_mine && !is_known && !is_bookkeeping(curve.metric)) metrics.push_back(curve.metric);
    }
  }
  return metrics;
}

// Arms to draw: all that have curves if their looks suffice, else the improved ones.
std::vector<DrawnArm> drawn_arms(const Comparison& all, LearningCurves& curves) {
  std::vector<DrawnArm> arms;
  for (const ComparedArm& arm : all.arms) {
    if (arm.kind == "base") continue;
    std::vector<std::string> metrics = metrics_of_arm(all.runs[arm.run], arm.name);
    if (!metrics.empty()) arms.push_back({&arm, 0, std::move(metrics)});
  }
  // Improved arms first: their looks are those of their runs.
  std::stable_partition(arms.begin(), arms.end(), [](const DrawnArm& a) { return a.arm->kind == "improved"; });
  if (arms.size() > kSeriesStyles) {
    curves.improved_only = true;
    std::erase_if(arms, [](const DrawnArm& a) { return a.arm->kind != "improved"; });
  }
  for (std::size_t i = 0; i < arms.size(); ++i) arms[i].style = i;
  return arms;
}

Series series_of(const Comparison& all, const DrawnArm& drawn, const std::string& metric, Axis axis) {
  const ComparedRun& run = all.runs[drawn.arm->run];
  Series series{short_name(all, *drawn.arm), drawn.style, {}, {}, {}};
  for (const RunFolder* seed : seed_folders(run.folder)) {
    Line line = arm_curve(*seed, phases_of_arm(*seed, arm_names(run), drawn.arm->name), metric, axis);
    if (!line.x.empty()) series.seeds.push_back(std::move(line));
  }
  series.mean = mean_of(series.seeds);
  if (series.seeds.size() == 1) series.seeds.clear();  // the thick line is that seed
  return series;
}

}  // namespace

std::vector<std::string> phases_of_arm(const RunFolder& seed, const std::vector<std::string>& arms,
                                       const std::string& arm) {
  const auto begins = [](const std::string& name, const std::string& phase) {
    return phase == name || (phase.starts_with(name) && phase[name.size()] == '.');
  };
  std::vector<std::string> phases;
  for (const PhaseRecord& phase : seed.phases) {
    if (!begins(arm, phase.name)) continue;
    const bool is_others = std::any_of(arms.begin(), arms.end(), [&](const std::string& other) {
      return other.size() > arm.size() && begins(other, phase.name);
    });
    if (!is_others) phases.push_back(phase.name);
  }
  return phases;
}

Line arm_curve(const RunFolder& seed, const std::vector<std::string>& phases, const std::string& metric, Axis axis) {
  Line line{"", "seed", {}, {}};
  double offset = 0;
  bool has_tokens = axis == Axis::steps;
  for (const std::string& phase : phases) {
    const Curve* curve = curve_of(seed, metric, phase);
    const TokenCount tokens = axis == Axis::tokens ? tokens_of(seed, phase) : TokenCount{};
    has_tokens = has_tokens || !tokens.steps.empty();
    double last = -1;
    for (std::size_t i = 0; curve && i < curve->steps.size(); ++i) {
      if (!(curve->steps[i] > last)) continue;  // a resumed run may log a step twice
      last = curve->steps[i];
      line.x.push_back(offset + (axis == Axis::tokens ? tokens.at(last) : last));
      line.y.push_back(curve->values[i]);
    }
    offset += axis == Axis::tokens ? tokens.total() : last + 1;
  }
  return has_tokens ? line : Line{"", "seed", {}, {}};
}

LearningCurves learning_curves(const Comparison& all) {
  LearningCurves curves;
  const std::vector<DrawnArm> arms = drawn_arms(all, curves);
  for (const DrawnArm& arm : arms) {
    for (const std::string& metric : arm.metrics) {
      const std::string& letter = all.runs[arm.arm->run].letter;
      auto known = std::find_if(curves.figures.begin(), curves.figures.end(),
                                [&](const CurveFigure& f) { return f.metric == metric; });
      if (known == curves.figures.end())
        curves.figures.push_back({metric, letter, {metric, "step", {}, {}}, {metric, "sampled tokens", {}, {}}});
      else if (known->scope != letter)
        known->scope.clear();
    }
  }
  std::stable_sort(curves.figures.begin(), curves.figures.end(), [](const CurveFigure& a, const CurveFigure& b) {
    if (a.scope.empty() != b.scope.empty()) return a.scope.empty();
    return rank_of(a.metric) < rank_of(b.metric);
  });
  for (std::size_t i = kMostFigures; i < curves.figures.size(); ++i)
    curves.left_out.push_back(curves.figures[i].metric);
  if (curves.figures.size() > kMostFigures)
    curves.figures.erase(curves.figures.begin() + kMostFigures, curves.figures.end());
  for (CurveFigure& figure : curves.figures) {
    for (const DrawnArm& arm : arms) {
      if (std::find(arm.metrics.begin(), arm.metrics.end(), figure.metric) == arm.metrics.end()) continue;
      figure.by_step.series.push_back(series_of(all, arm, figure.metric, Axis::steps));
      Series by_tokens = series_of(all, arm, figure.metric, Axis::tokens);
      if (!by_tokens.mean.x.empty()) figure.by_tokens.series.push_back(std::move(by_tokens));
    }
  }
  return curves;
}

}  // namespace hone::report
