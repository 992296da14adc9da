#include "hone/bench/bench.h"
#include "hone/bench/random_model.h"
#include "hone/bench/roof.h"
#include "hone/generate/engine.h"
#include "hone/tensor/device.h"

#include <fmt/format.h>

#include <atomic>
#include <thread>
#include <vector>

#include <algorithm>

namespace hone::bench {
namespace {

std::vector<generate::Request> requests_of(const Shape& s, int64_t batch, int64_t prompt, int64_t sampled) {
  std::vector<generate::Request> requests;
  for (int64_t i = 0; i < batch; ++i) {
    const auto key = static_cast<uint64_t>(i);
    const generate::TurnPlan turn{{}, {{}, {}, sampled}};
    requests.push_back({random_ids(prompt, s.vocab, Rng(3).fork("prompt", {key})), {turn}, 1, key});
  }
  return requests;
}

kernels::WeightFormat format_of(const std::string& name) {
  if (name == "bf16") return kernels::WeightFormat::bf16;
  if (name == "int8") return kernels::WeightFormat::int8;
  require(name == "fp32", ErrorKind::usage, "weights \"{}\" are neither fp32 nor bf16 nor int8", name);
  return kernels::WeightFormat::fp32;
}

// Threads that take processor time, as another program would.
class Spinners {
 public:
  explicit Spinners(int64_t count) {
    for (int64_t i = 0; i < count; ++i)
      threads_.emplace_back([this] {
        while (!stop_.load(std::memory_order_relaxed)) {
        }
      });
  }
  ~Spinners() {
    stop_ = true;
    for (auto& thread : threads_) thread.join();
  }

 private:
  std::atomic<bool> stop_{false};
  std::vector<std::thread> threads_;
};

Json generate_row(const Shape& s, int64_t batch, const Plan& plan, base::Pool& pool) {
  const auto device = tensor::device_named(plan.device);
  auto model = random_model(s, plan.family);
  models::to_device(model, device);
  const generate::EngineOptions options{.weights = format_of(plan.weights)};
  const generate::Engine engine(model, pool, nullptr, options);
  const int64_t prompt = s.context / 8, sampled = s.context - prompt;
  const auto requests = requests_of(s, batch, prompt, sampled);

  Json row = model_row("generate", s, model);
  const std::string numbers = device.is_cpu() ? plan.weights : plan.device;
  row["name"] = fmt::format("generate {} {} {} B{}", s.name, plan.family, numbers, batch);
  row["weights"] = plan.weights;
  if (plan.busy > 0) row["name"] = fmt::format("{}, {} busy", row["name"].get<std::string>(), plan.busy);
  row["shape"].update({{"batch", batch}, {"prompt", prompt}, {"new", sampled}});
  // Per sampled token: prompts cost as well, spread over what is sampled after them.
  const double fed = static_cast<double>(s.context - 1) / static_cast<double>(sampled);
  row["flops_per_unit"] = fed * flops_per_token(model, 2, static_cast<double>(s.context) / 2);
  if (device.is_cpu()) {
    const int64_t busy = std::min<int64_t>(pool.threads(), batch);
    const int64_t together = std::min(options.slots, (batch + busy - 1) / busy);
    const double all = decode_roof(model.config, together, pool);
    row["roof_rate"] = static_cast<double>(busy) / static_cast<double>(pool.threads()) / (fed * all);
  }
  const Spinners others(plan.busy);
  return measured(std::move(row), plan.pace, [&] {
    generate::RollStats stats;
    engine.roll(requests, {}, Rng(4), &stats);
    return static_cast<double>(stats.sampled_tokens);
  });
}

}  // namespace

Json generate_rows(const Plan& plan, base::Pool& pool) {
  Json rows = Json::array();
  for (const Shape& shape : plan.shapes) {
    for (const int64_t batch : plan.batches) rows.push_back(generate_row(shape, batch, plan, pool));
  }
  return rows;
}

}  // namespace hone::bench
