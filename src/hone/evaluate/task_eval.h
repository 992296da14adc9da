// One model's answers to the problems of a task, what they are worth, and how two models compare on them.
#pragma once

#include "hone/models/model.h"
#include "hone/report/claims.h"
#include "hone/rewards/attempts.h"

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace hone::evaluate {

struct EvalOptions {
  int64_t samples = 0;          ///< completions per problem beside the greedy one
  int64_t max_tokens = 256;     ///< of a completion
  generate::Sampling sampling;  ///< of the samples
  data::Prompts prompts = data::Prompts::as_messages;
  kernels::WeightFormat weights = kernels::WeightFormat::fp32;
};

/// One completion and what the verifier said.
struct Answer {
  std::string text;
  text::Finish finish = text::Finish::stop;
  int64_t tokens = 0;
  tasks::Verdict verdict;
};

struct Answers {
  Answer greedy;
  std::vector<Answer> samples;
};

/// Called now and then with the answers so far; false ends the evaluation.
using OnAnswers = std::function<bool(const std::vector<Answers>& so_far)>;

/// Answers to the problems, in their order; fewer when `on_answers` ended it. They depend on the problem's place in
/// the list, the options and `rng`, not on threads. A completion that is cut at the limit counts as wrong.
/// Errors: data for a problem that leaves no room for max_tokens, and those of make_requests and Engine::roll.
std::vector<Answers> answer_problems(const models::Model& model, const std::vector<tasks::Problem>& problems,
                                     const tasks::Verifier& verifier, const EvalOptions& options, base::Pool& pool,
                                     Rng rng, const OnAnswers& on_answers);

/// Most tokens that fit behind the longest prompt, at most `wanted`. Errors: data naming the problem whose prompt fills
/// the context.
int64_t room_for_answers(const models::Model& model, const std::vector<tasks::Problem>& problems,
                         const data::Encoder& encoder, int64_t wanted);

/// A number per problem under a name: "greedy"; with n samples "mean" (the share of right ones) and "pass4", "pass16",
/// … and "pass<n>" (pass_at_k_estimate).
using Outcomes = std::map<std::string, std::vector<double>>;
Outcomes outcomes_of(const std::vector<Answers>& answers);

/// One line of a result: a number of the model with its 95 % interval (bootstrap over problems), and, when there is
/// another model, its number and the difference, problem by problem on the same resamples.
struct MetricRow {
  std::string name;                           ///< as in Outcomes
  std::string label;                          ///< "greedy accuracy", "mean of 16 samples", "pass@4"
  report::Interval value, other, difference;  ///< the last two 0 without another model
};

/// Rows in the order greedy, mean, pass@k. `other` may be nullptr; it must be of the same problems.
/// Errors: internal when the two differ in problems or samples.
std::vector<MetricRow> metric_rows(const Outcomes& model, const Outcomes* other, Rng rng);

/// What a difference says: "better" or "worse" when its interval lies on one side of 0, else "no difference shown".
const char* words_of(const report::Interval& difference);

/// Tokens sampled in all completions, and the share of right greedy ones.
int64_t tokens_of(const std::vector<Answers>& answers);
double share_right(const std::vector<Answers>& answers);

/// Why wrong completions were wrong, most frequent first.
std::vector<std::pair<std::string, int64_t>> reasons_of(const std::vector<Answers>& answers);

}  // namespace hone::evaluate
