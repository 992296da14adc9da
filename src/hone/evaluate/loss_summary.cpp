#include "hone/evaluate/loss_summary.h"

#include "hone/base/error.h"
#include "hone/evaluate/summary_file.h"
#include "hone/train/step.h"

namespace hone::evaluate {

std::vector<double> example_losses(const models::Model& model, const std::vector<data::Example>& examples,
                                   base::Pool& pool) {
  const auto logp = train::score_examples(model.decoder, examples, train::own_rows(model.decoder), pool);
  std::vector<double> out;
  for (std::size_t i = 0; i < examples.size(); ++i) {
    double sum = 0, count = 0;
    for (std::size_t t = 0; t < logp[i].size(); ++t) {
      if (!examples[i].loss_mask[t]) continue;
      sum -= logp[i][t];
      count += 1;
    }
    if (count > 0) out.push_back(sum / count);
  }
  require(!out.empty(), ErrorKind::data, "none of the {} held-out examples has a token to be learnt", examples.size());
  return out;
}

Json to_json(const std::vector<double>& losses) {
  Json out = Json::array();
  for (const double loss : losses) out.push_back(base::finite_or_null(loss));
  return out;
}

std::vector<double> losses_from_json(const Json& json) {
  std::vector<double> out;
  for (const auto& value : json) out.push_back(value.get<double>());
  return out;
}

void LossSummary::write(const train::Env& env, const std::string& improved) const {
  SummaryFile file{.improved = improved, .held_out = static_cast<int64_t>(arms_.front().second.size())};
  file.metrics = {{"loss", "held-out loss", "nats/token", {{"loss", 1}}}};
  for (const auto& [arm, losses] : arms_) {
    file.outcomes.arms[arm]["loss"] = losses;
    file.arms.push_back(arm);
  }
  write_summary(env, file);
}

}  // namespace hone::evaluate
