// outcomes.json and summary.json: the same shape for every recipe.
#pragma once

#include "hone/report/claims.h"
#include "hone/tasks/problem.h"
#include "hone/train/env.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace hone::evaluate {

/// A number shown for every arm: Σ weight · mean(outcome).
struct ShownMetric {
  std::string name, label, unit;                       ///< "delta", "Δ(t1→t2)", "%"
  std::vector<std::pair<std::string, double>> terms;   ///< {{"t2", 1}, {"t1", -1}}
};

struct SummaryFile {
  std::string improved;                ///< the arm shown against `base`
  std::vector<std::string> arms;       ///< in the order they are shown
  std::map<std::string, std::string> labels;  ///< of arms that are not shown by their name ("base": "base model")
  std::vector<ShownMetric> metrics;
  report::SeedOutcomes outcomes;
  Json transcripts = Json::array();
  int64_t held_out = 0;
  std::string base = "base";           ///< the arm that others are shown against
  Json searches = Json::array();       ///< trees for the page (report/search_tree.h); left out when empty
};

/// Writes both files atomically. Intervals: bootstrap over problems, 95 %. An arm lacks the metrics whose outcomes it
/// lacks.
void write_summary(const train::Env& env, const SummaryFile& file);

/// Σ x / n; 0 for no numbers.
double mean(const std::vector<double>& x);

/// A problem as text (conversations: one line a message).
std::string problem_text(const tasks::Problem& problem);
/// "right", or "wrong: " and the verifier's reason.
std::string verdict_text(const tasks::Verdict& verdict);

}  // namespace hone::evaluate
