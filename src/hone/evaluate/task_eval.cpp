#include "hone/evaluate/task_eval.h"

#include "hone/base/error.h"
#include "hone/evaluate/pass_at_k.h"

#include <algorithm>
#include <charconv>

namespace hone::evaluate {
namespace {

// Problems of one roll: enough to keep the workers busy, few enough that something is heard of them now and then.
constexpr int64_t kRollouts = 256;
int64_t problems_of_roll(int64_t samples) { return std::max<int64_t>(8, kRollouts / (samples + 1)); }

std::vector<int64_t> ks_of(int64_t samples) {
  std::vector<int64_t> ks;
  for (int64_t k = 4; k < samples; k *= 4) ks.push_back(k);
  if (samples > 1) ks.push_back(samples);
  return ks;
}

// What one roll needs, the same for all of them.
struct Bench {
  const models::Model& model;
  const generate::Engine& engine;
  const tasks::Verifier& verifier;
  base::Pool& pool;
};

// Answers to problems whose first one is number `first` of the task.
std::vector<Answer> roll(const Bench& bench, std::vector<generate::Request> requests,
                         const std::vector<tasks::Problem>& problems, const generate::Sampling& sampling, Rng rng) {
  const auto rollouts = bench.engine.roll(requests, sampling, rng);
  const auto attempts = rewards::judge(rollouts, problems, bench.verifier, bench.model.tokenizer, bench.pool);
  std::vector<Answer> answers;
  for (std::size_t i = 0; i < rollouts.size(); ++i) {
    const generate::Completion& said = rollouts[i].turns[0];
    answers.push_back(
        {attempts[i][0].text, said.finish, static_cast<int64_t>(said.ids.size()), attempts[i][0].verdict});
  }
  return answers;
}

double right(const Answer& answer) { return answer.verdict.reward > 0.5 ? 1 : 0; }

std::string label_of(const std::string& name, int64_t samples) {
  if (name == "greedy") return "greedy accuracy";
  if (name == "mean") return fmt::format("mean of {} samples", samples);
  return "pass@" + name.substr(4);
}

}  // namespace

std::vector<Answers> answer_problems(const models::Model& model, const std::vector<tasks::Problem>& problems,
                                     const tasks::Verifier& verifier, const EvalOptions& options, base::Pool& pool,
                                     Rng rng, const OnAnswers& on_answers) {
  const generate::Engine engine(model.decoder, pool, &model.tokenizer, {.weights = options.weights});
  const Bench bench{model, engine, verifier, pool};
  const data::Encoder encoder = rewards::encoder_of(model);
  const rewards::Dialogue dialogue{1, "auto", options.max_tokens, options.prompts};
  const auto total = static_cast<int64_t>(problems.size()), step = problems_of_roll(options.samples);
  std::vector<Answers> all;
  for (int64_t first = 0; first < total; first += step) {
    const int64_t count = std::min(step, total - first);
    const std::vector<tasks::Problem> some(problems.begin() + first, problems.begin() + first + count);
    auto requests = rewards::make_requests(some, encoder, dialogue, 1);
    for (auto& request : requests) request.key += static_cast<uint64_t>(first);
    for (Answer& answer : roll(bench, requests, some, {.choice = generate::Choice::greedy}, rng.fork("greedy"))) {
      all.push_back({std::move(answer), {}});
    }
    if (options.samples > 0) {
      for (auto& request : requests) request.samples = options.samples;
      std::size_t i = 0;
      for (Answer& answer : roll(bench, requests, some, options.sampling, rng.fork("samples"))) {
        const auto problem = static_cast<std::size_t>(first) + i++ / static_cast<std::size_t>(options.samples);
        all[problem].samples.push_back(std::move(answer));
      }
    }
    if (!on_answers(all)) break;
  }
  return all;
}

int64_t room_for_answers(const models::Model& model, const std::vector<tasks::Problem>& problems,
                         const data::Encoder& encoder, int64_t wanted) {
  const int64_t context = model.decoder.config.context;
  int64_t room = wanted;
  for (const tasks::Problem& problem : problems) {
    const auto tokens = static_cast<int64_t>(data::prompt_ids(problem, encoder).size());
    require(tokens < context, ErrorKind::data, "{}: the prompt has {} tokens; the context of this model is {}",
            problem.id, tokens, context);
    room = std::min(room, context - tokens);
  }
  return room;
}

Outcomes outcomes_of(const std::vector<Answers>& answers) {
  Outcomes outcomes;
  for (const Answers& one : answers) {
    outcomes["greedy"].push_back(right(one.greedy));
    const auto n = static_cast<int64_t>(one.samples.size());
    if (n == 0) continue;
    const auto c = std::count_if(one.samples.begin(), one.samples.end(), [](const Answer& a) { return right(a) > 0; });
    outcomes["mean"].push_back(static_cast<double>(c) / static_cast<double>(n));
    for (const int64_t k : ks_of(n)) outcomes["pass" + std::to_string(k)].push_back(pass_at_k_estimate(n, c, k));
  }
  return outcomes;
}

std::vector<MetricRow> metric_rows(const Outcomes& model, const Outcomes* other, Rng rng) {
  std::vector<std::string> names = {"greedy"};
  int64_t samples = 0;
  if (model.contains("mean")) names.emplace_back("mean");
  std::vector<int64_t> ks;
  for (const auto& [name, values] : model) {
    int64_t k = 0;
    if (name.starts_with("pass") && std::from_chars(name.data() + 4, name.data() + name.size(), k).ec == std::errc())
      ks.push_back(k);
  }
  std::sort(ks.begin(), ks.end());
  for (const int64_t k : ks) names.push_back("pass" + std::to_string(k));
  samples = ks.empty() ? 1 : ks.back();

  report::SeedOutcomes outcomes;
  outcomes.arms["model"] = model;
  if (other != nullptr) outcomes.arms["other"] = *other;
  std::vector<std::vector<report::Term>> sums;
  for (const std::string& name : names) {
    sums.push_back({{"model", name, 1}});
    if (other == nullptr) continue;
    require(other->contains(name) && other->at(name).size() == model.at(name).size(), ErrorKind::internal,
            "two models are compared on {} of different problems or samples", name);
    sums.push_back({{"other", name, 1}});
    sums.push_back({{"model", name, 1}, {"other", name, -1}});
  }
  const auto estimates = report::estimate_all({outcomes}, sums, rng);
  std::vector<MetricRow> rows;
  for (std::size_t i = 0; i < names.size(); ++i) {
    MetricRow row{names[i], label_of(names[i], samples), {}, {}, {}};
    const std::size_t at = other == nullptr ? i : 3 * i;
    row.value = estimates[at].interval;
    if (other != nullptr) row.other = estimates[at + 1].interval, row.difference = estimates[at + 2].interval;
    rows.push_back(std::move(row));
  }
  return rows;
}

const char* words_of(const report::Interval& difference) {
  if (difference.low > 0) return "better";
  return difference.high < 0 ? "worse" : "no difference shown";
}

int64_t tokens_of(const std::vector<Answers>& answers) {
  int64_t tokens = 0;
  for (const Answers& one : answers) {
    tokens += one.greedy.tokens;
    for (const Answer& sample : one.samples) tokens += sample.tokens;
  }
  return tokens;
}

double share_right(const std::vector<Answers>& answers) {
  double sum = 0;
  for (const Answers& one : answers) sum += right(one.greedy);
  return answers.empty() ? 0 : sum / static_cast<double>(answers.size());
}

std::vector<std::pair<std::string, int64_t>> reasons_of(const std::vector<Answers>& answers) {
  std::map<std::string, int64_t> counts;
  const auto count = [&](const Answer& answer) {
    if (right(answer) == 0) ++counts[answer.verdict.reason];
  };
  for (const Answers& one : answers) {
    count(one.greedy);
    for (const Answer& sample : one.samples) count(sample);
  }
  std::vector<std::pair<std::string, int64_t>> reasons(counts.begin(), counts.end());
  std::stable_sort(reasons.begin(), reasons.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  return reasons;
}

}  // namespace hone::evaluate
