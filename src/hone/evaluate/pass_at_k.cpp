#include "hone/evaluate/pass_at_k.h"

#include "hone/base/error.h"

#include <algorithm>

namespace hone::evaluate {
namespace {

std::vector<int64_t> ks_up_to(int64_t samples) {
  std::vector<int64_t> ks;
  for (int64_t k = 1; k <= samples; k *= 4) ks.push_back(k);
  return ks;
}

}  // namespace

double pass_at_k_estimate(int64_t n, int64_t c, int64_t k) {
  require(0 <= c && c <= n && 1 <= k && k <= n, ErrorKind::internal, "pass@{} of {} right among {}", k, c, n);
  if (n - c < k) return 1;
  double none = 1;  // C(n-c, k) / C(n, k) as a product of ratios
  for (int64_t i = n - c + 1; i <= n; ++i) none *= 1.0 - static_cast<double>(k) / static_cast<double>(i);
  return 1 - none;
}

std::vector<Passes> pass_at_k(const models::Model& model, const std::vector<tasks::Problem>& problems,
                              const tasks::Verifier& verifier, const PassOptions& options, base::Pool& pool, Rng rng) {
  TwoTurnOptions greedy;
  greedy.dialogue = {1, "auto", options.max_tokens, options.prompts};
  const auto answers = two_turn(model, problems, verifier, greedy, pool, rng.fork("greedy"));
  const generate::Engine engine(model.decoder, pool, &model.tokenizer);
  const auto requests = rewards::make_requests(problems, rewards::encoder_of(model), greedy.dialogue, options.samples);
  const auto rollouts = engine.roll(requests, {}, rng.fork("samples"));
  const auto attempts = rewards::judge(rollouts, problems, verifier, model.tokenizer, pool);
  std::vector<Passes> out;
  for (const auto& answer : answers) out.push_back({answer.first, options.samples, 0});
  for (std::size_t i = 0; i < rollouts.size(); ++i)
    out[static_cast<std::size_t>(rollouts[i].request)].right += attempts[i][0].verdict.reward > 0.5;
  return out;
}

Json to_json(const std::vector<Passes>& passes) {
  Json out = Json::array();
  for (const auto& p : passes)
    out.push_back({p.greedy.text, p.greedy.verdict.reward, p.greedy.verdict.reason, p.samples, p.right});
  return out;
}

std::vector<Passes> pass_from_json(const Json& json) {
  std::vector<Passes> out;
  for (const auto& p : json)
    out.push_back({{p.at(0).get<std::string>(), {p.at(1).get<double>(), p.at(2).get<std::string>()}},
                   p.at(3).get<int64_t>(), p.at(4).get<int64_t>()});
  return out;
}

void PassSummary::also(const std::string& arm, const ShownMetric& metric, std::vector<double> values) {
  const bool known =
      std::any_of(further_.begin(), further_.end(), [&](const ShownMetric& m) { return m.name == metric.name; });
  if (!known) further_.push_back(metric);
  further_values_[arm][metric.name] = std::move(values);
}

void PassSummary::write(const train::Env& env, const std::string& improved) const {
  SummaryFile file{.improved = improved, .held_out = static_cast<int64_t>(problems_.size())};
  file.metrics.push_back({"greedy", "greedy accuracy", "%", {{"greedy", 1}}});
  for (const int64_t k : ks_up_to(arms_.front().second.front().samples)) {
    const auto name = "pass" + std::to_string(k);
    file.metrics.push_back({name, "pass@" + std::to_string(k), "%", {{name, 1}}});
  }
  file.metrics.insert(file.metrics.end(), further_.begin(), further_.end());
  for (auto name = leading_.rbegin(); name != leading_.rend(); ++name) {
    const auto is_it = [&](const ShownMetric& m) { return m.name == *name; };
    const auto at = std::find_if(file.metrics.begin(), file.metrics.end(), is_it);
    if (at != file.metrics.end()) std::rotate(file.metrics.begin(), at, at + 1);
  }
  for (const auto& [arm, passes] : arms_) {
    auto& values = file.outcomes.arms[arm];
    for (const auto& p : passes) {
      values["greedy"].push_back(p.greedy.verdict.reward);
      for (const int64_t k : ks_up_to(p.samples))
        values["pass" + std::to_string(k)].push_back(pass_at_k_estimate(p.samples, p.right, k));
    }
    if (const auto more = further_values_.find(arm); more != further_values_.end())
      values.insert(more->second.begin(), more->second.end());
    file.arms.push_back(arm);
  }
  const auto& shown = arms_.back().second;
  for (const bool right : {true, false}) {
    for (std::size_t i = 0; i < shown.size(); ++i) {
      if ((shown[i].greedy.verdict.reward > 0.5) != right) continue;
      const auto& a = shown[i].greedy;
      file.transcripts.push_back(
          {{"kind", right ? "right" : "wrong"},
           {"rule", std::string("the first held-out problem whose greedy answer is ") + (right ? "right" : "wrong")},
           {"arm", arms_.back().first}, {"prompt", problem_text(problems_[i])},
           {"turns", {{{"text", a.text}, {"verdict", verdict_text(a.verdict)}}}}});
      break;
    }
  }
  write_summary(env, file);
}

}  // namespace hone::evaluate
