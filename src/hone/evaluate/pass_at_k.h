// pass@k: the chance that at least one of k samples is right.
#pragma once

#include "hone/evaluate/summary.h"
#include "hone/evaluate/summary_file.h"
#include "hone/models/model.h"
#include "hone/tasks/problem.h"

#include <map>
#include <string>
#include <vector>

namespace hone::evaluate {

/// Unbiased estimate from n samples of which c are right: 1 − C(n−c, k)/C(n, k)   [Chen et al., arXiv:2107.03374, eq. 1].
/// Errors: internal unless 0 ≤ c ≤ n and 1 ≤ k ≤ n.
double pass_at_k_estimate(int64_t n, int64_t c, int64_t k);

struct PassOptions {
  int64_t samples = 16;
  int64_t max_tokens = 16;
  data::Prompts prompts = data::Prompts::as_messages;
};

/// One held-out problem: the greedy answer, and how many of n samples at temperature 1 were right.
struct Passes {
  rewards::Attempt greedy;
  int64_t samples = 0, right = 0;
};

std::vector<Passes> pass_at_k(const models::Model& model, const std::vector<tasks::Problem>& problems,
                              const tasks::Verifier& verifier, const PassOptions& options, base::Pool& pool, Rng rng);

Json to_json(const std::vector<Passes>& passes);
std::vector<Passes> pass_from_json(const Json& json);

/// Gathers several arms and writes outcomes.json and summary.json: greedy accuracy and pass@1, 4, 16 … up to the
/// number of samples.
class PassSummary {
 public:
  explicit PassSummary(const std::vector<tasks::Problem>& problems) : problems_(problems) {}
  void add(const std::string& arm, std::vector<Passes> passes) { arms_.emplace_back(arm, std::move(passes)); }
  /// A further number per problem of an arm, shown behind the others.
  void also(const std::string& arm, const ShownMetric& metric, std::vector<double> values);
  /// The metrics of these names are shown before all others, in this order: what the run was about.
  void lead_with(std::vector<std::string> names) { leading_ = std::move(names); }
  void write(const train::Env& env, const std::string& improved) const;

 private:
  const std::vector<tasks::Problem>& problems_;
  std::vector<std::string> leading_;
  std::vector<std::pair<std::string, std::vector<Passes>>> arms_;
  std::vector<ShownMetric> further_;
  std::map<std::string, std::map<std::string, std::vector<double>>> further_values_;  ///< by arm and metric
};

}  // namespace hone::evaluate
