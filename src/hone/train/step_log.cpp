#include "hone/train/step_log.h"

namespace hone::train {

report::Metrics metrics_of(const StepReport& r) {
  report::Metrics metrics = {
      {"loss", r.loss}, {"grad_norm", r.grad_norm}, {"lr", r.lr}, {"tokens", static_cast<double>(r.tokens)}};
  for (const auto& [name, value] : r.metrics) metrics.emplace_back(name, value);
  return metrics;
}

double StepLog::stop(double tokens) {
  seconds_ = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  return rate_ = tokens / seconds_;
}

void StepLog::write(const report::Metrics& metrics, const std::vector<std::pair<std::string, std::string>>& shown) {
  env_.record.metrics(phase_, step_, metrics, {{"seconds", seconds_}, {"tokens_per_s", rate_}});
  if (auto* progress = env_.record.progress()) progress->step(step_ + 1, shown);
}

}  // namespace hone::train
