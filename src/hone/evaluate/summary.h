// What a recipe leaves at the end of a run: outcomes.json (per problem), summary.json (numbers, transcripts, cost), and
// models/<arm> folders.
#pragma once

#include "hone/evaluate/two_turn.h"
#include "hone/report/claims.h"
#include "hone/train/env.h"

#include <string>
#include <utility>
#include <vector>

namespace hone::evaluate {

/// Writes <run>/models/<name>, and <run>/adapters/<name> in PEFT's form for an adapted model, whose folder in models/ is
/// the merged one; what an interrupted run left there is replaced. Both are read back and compared (adapters::save_model).
void save_model(const train::Env& env, const std::string& name, const models::Model& model);

Json to_json(const std::vector<TwoTurn>& outcomes);
std::vector<TwoTurn> two_turns_from_json(const Json& json);

/// Gathers the two-attempt outcomes of several arms on the same problems.
class TwoTurnSummary {
 public:
  explicit TwoTurnSummary(const std::vector<tasks::Problem>& problems) : problems_(problems) {}

  void add(const std::string& arm, std::vector<TwoTurn> outcomes) { arms_.emplace_back(arm, std::move(outcomes)); }
  /// Writes outcomes.json and summary.json; `improved` names the arm shown against the base (the last arm if absent).
  void write(const train::Env& env, const std::string& improved) const;

 private:
  Json transcripts(const std::string& arm, const std::vector<TwoTurn>& outcomes) const;
  const std::vector<tasks::Problem>& problems_;
  std::vector<std::pair<std::string, std::vector<TwoTurn>>> arms_;
};

/// Wall seconds, sampled and trained tokens summed over metrics.jsonl, peak memory of this process and, where adapters
/// were trained, the parameters of one and of its base.
Json run_cost(const train::Env& env);

}  // namespace hone::evaluate
