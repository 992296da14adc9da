#include "hone/evaluate/summary_file.h"

#include "hone/base/files.h"
#include "hone/evaluate/summary.h"

#include <fmt/format.h>

#include <algorithm>

namespace hone::evaluate {
namespace {

Json interval_json(const report::Interval& i) {
  return {{"mean", base::finite_or_null(i.mean)},
          {"low", base::finite_or_null(i.low)},
          {"high", base::finite_or_null(i.high)}};
}

std::vector<report::Term> terms_for(const ShownMetric& metric, const std::string& arm) {
  std::vector<report::Term> terms;
  for (const auto& [name, weight] : metric.terms) terms.push_back({arm, name, weight});
  return terms;
}

std::string label_of(const SummaryFile& file, const std::string& arm) {
  const auto found = file.labels.find(arm);
  if (found != file.labels.end()) return found->second;
  return arm == "base" ? "base model" : arm;
}

// Whether an arm has every outcome that the metric adds up.
bool has(const report::SeedOutcomes& outcomes, const std::string& arm, const ShownMetric& metric) {
  const auto& known = outcomes.arms.at(arm);
  return std::all_of(metric.terms.begin(), metric.terms.end(),
                     [&](const auto& term) { return known.contains(term.first); });
}

// An arm may lack an outcome that others have; one that no arm has is a mistake of the recipe.
void require_outcomes(const SummaryFile& file) {
  for (const auto& m : file.metrics) {
    const auto known = [&](const auto& arm) { return has(file.outcomes, arm, m); };
    require(std::any_of(file.arms.begin(), file.arms.end(), known), ErrorKind::data,
            "no arm has the outcomes that \"{}\" is made of", m.name);
  }
}

// "Acc@t1 51.0 → 72.4 %, …" for the first three metrics.
std::string headline(const SummaryFile& file, const Json& arms) {
  std::string text;
  for (std::size_t i = 0; i < std::min<std::size_t>(3, file.metrics.size()); ++i) {
    const auto& m = file.metrics[i];
    const auto at = [&](const std::string& arm) {
      const Json& values = arms.at(arm).at("values");
      return values.contains(m.name) ? values.at(m.name).at("mean") : Json();
    };
    const auto show = [&](const Json& v) {
      if (v.is_null()) return std::string("–");
      return m.unit == "%" ? fmt::format("{:.1f} %", 100 * v.get<double>()) : fmt::format("{:.4f}", v.get<double>());
    };
    text += fmt::format("{}{} ", text.empty() ? "" : ", ", m.label);
    if (file.base != file.improved) text += show(at(file.base)) + " → ";
    text += show(at(file.improved));
  }
  return text;
}

}  // namespace

void write_summary(const train::Env& env, const SummaryFile& file) {
  auto outcomes = file.outcomes;
  outcomes.seed = env.rng.key();
  require_outcomes(file);
  Json arms = Json::object(), metrics = Json::array();
  for (const auto& m : file.metrics) {
    Json terms = Json::array();
    for (const auto& [name, weight] : m.terms) terms.push_back({{"outcome", name}, {"weight", weight}});
    metrics.push_back({{"name", m.name}, {"label", m.label}, {"unit", m.unit}, {"terms", terms}});
  }
  for (const auto& arm : file.arms) {
    Json values = Json::object();
    for (const auto& m : file.metrics) {
      if (!has(outcomes, arm, m)) continue;
      values[m.name] = interval_json(report::estimate({outcomes}, terms_for(m, arm), Rng(17).fork("interval")));
    }
    arms[arm] = {{"label", label_of(file, arm)}, {"values", values}};
  }
  const bool known = std::find(file.arms.begin(), file.arms.end(), file.improved) != file.arms.end();
  auto shown = file;
  if (!known) shown.improved = file.arms.back();
  Json summary = {{"schema", 1},
                  {"headline", headline(shown, arms)},
                  {"base", file.base},
                  {"improved", shown.improved},
                  {"metrics", metrics},
                  {"arms", arms},
                  {"held_out", file.held_out},
                  {"transcripts", file.transcripts},
                  {"cost", run_cost(env)}};
  if (!file.searches.empty()) summary["searches"] = file.searches;
  base::write_file_atomic(env.dir / "outcomes.json", base::dump(report::to_json(outcomes)) + "\n");
  base::write_file_atomic(env.dir / "summary.json", base::dump(summary, 1) + "\n");
}

double mean(const std::vector<double>& x) {
  double sum = 0;
  for (const double value : x) sum += value;
  return x.empty() ? 0 : sum / static_cast<double>(x.size());
}

std::string problem_text(const tasks::Problem& problem) {
  if (problem.messages.empty()) return problem.prompt;
  std::string text;
  for (const auto& m : problem.messages) text += (text.empty() ? "" : "\n") + m.role + ": " + m.content;
  return text;
}

std::string verdict_text(const tasks::Verdict& verdict) {
  return verdict.reward > 0.5 ? "right" : "wrong: " + verdict.reason;
}

}  // namespace hone::evaluate
