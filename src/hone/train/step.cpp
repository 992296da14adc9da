#include "hone/train/step.h"

#include "hone/base/error.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <algorithm>
#include <cmath>

namespace hone::train {
namespace {

// Each slot holds a whole gradient; beyond this many bytes more slots cost more memory traffic than they save.
constexpr int64_t kSlotBytes = int64_t{512} << 20;
constexpr int64_t kMaxSlots = 8;
constexpr int64_t kReduceChunk = int64_t{1} << 16;

int64_t slot_count(const models::Decoder& model) {
  return std::clamp<int64_t>(kSlotBytes / (model.flat.numel() * 4), 2, kMaxSlots);
}

// Points every parameter's gradient into one flat buffer, so that the reduction and the update are single passes.
void bind_gradients(models::Decoder& replica, const at::Tensor& flat) {
  int64_t offset = 0;
  replica.visit([&](const std::string&, at::Tensor& t) {
    t.mutable_grad() = flat.narrow(0, offset, t.numel()).view(t.sizes().vec());
    offset += t.numel();
  });
}

// What one slot's micro-batches added up to.
struct Sums {
  double sum = 0, count = 0;
  int64_t tokens = 0;
  std::map<std::string, double> metrics;

  void add(const tensor::Loss& loss, const tensor::Batch& batch) {
    sum += loss.sum.item<double>();
    count += loss.count;
    tokens += batch.ids_BT.numel();
    for (const auto& [name, value] : loss.metrics) metrics[name] += value;
  }
};

StepReport report_of(const std::vector<Sums>& parts) {
  StepReport r;
  double sum = 0;
  for (const auto& part : parts) {  // ascending slot order: the same bits for any number of threads
    sum += part.sum;
    r.count += part.count;
    r.tokens += part.tokens;
    for (const auto& [name, value] : part.metrics) r.metrics[name] += value;
  }
  require(std::isfinite(sum), ErrorKind::numeric, "the loss is not finite ({})", sum);
  if (r.count <= 0) return r;
  r.loss = sum / r.count;
  for (auto& [name, value] : r.metrics) value /= r.count;
  return r;
}

}  // namespace

Slots::Slots(models::Decoder& model, base::Pool& pool) : model_(model), pool_(pool) {
  for (int64_t i = 0; i < slot_count(model); ++i) {
    slots_.push_back({models::replica(model), at::zeros_like(model.flat)});
    bind_gradients(slots_.back().replica, slots_.back().gradient);
  }
}

void Slots::reduce() {
  const int64_t size = model_.flat.numel();
  pool_.for_each((size + kReduceChunk - 1) / kReduceChunk, [&](int64_t chunk, int) {
    const int64_t begin = chunk * kReduceChunk, end = std::min(size, begin + kReduceChunk);
    float* total = slots_[0].gradient.data_ptr<float>();
    for (std::size_t s = 1; s < slots_.size(); ++s) {
      const float* part = slots_[s].gradient.data_ptr<float>();
      for (int64_t i = begin; i < end; ++i) total[i] += part[i];
    }
  });
}

StepReport Slots::step(std::span<const MicroBatch> micros, const MicroLoss& loss, optim::AdamW& optimizer, double lr) {
  std::vector<Sums> parts(slots_.size());
  const auto slots = static_cast<int64_t>(slots_.size());
  pool_.for_each(slots, [&](int64_t s, int) {
    slots_[s].gradient.zero_();
    for (int64_t i = s; i < static_cast<int64_t>(micros.size()); i += slots) {
      const auto value = loss(slots_[s].replica, micros[i].batch);
      if (value.sum.requires_grad()) torch::autograd::backward({value.sum}, {});
      parts[s].add(value, micros[i].batch);
    }
  });
  StepReport r = report_of(parts);
  reduce();
  if (r.count <= 0) return r;  // nothing carried loss
  const auto info = optimizer.step(slots_[0].gradient, 1.0 / r.count, lr, pool_);
  r.grad_norm = info.grad_norm;
  r.lr = info.lr;
  return r;
}

StepReport Slots::evaluate(std::span<const MicroBatch> micros, const MicroLoss& loss) {
  std::vector<Sums> parts(micros.size());
  pool_.for_each(static_cast<int64_t>(micros.size()), [&](int64_t i, int) {
    at::NoGradGuard no_grad;
    parts[i].add(loss(model_, micros[i].batch), micros[i].batch);
  });
  return report_of(parts);
}

std::vector<optim::Segment> decay_segments(const models::Decoder& model, double weight_decay) {
  std::vector<optim::Segment> segments;
  int64_t offset = 0;
  models::Decoder view = model;
  view.visit([&](const std::string& name, at::Tensor& t) {
    const double decay = t.dim() == 2 && name != "positions.weight" ? weight_decay : 0.0;
    segments.push_back({offset, offset + t.numel(), decay});
    offset += t.numel();
  });
  return segments;
}

std::vector<std::vector<float>> score_examples(const models::Decoder& model, std::span<const data::Example> examples,
                                               const MicroOptions& options, base::Pool& pool, double temperature) {
  require(options.rows == Rows::one_each, ErrorKind::internal, "score_examples needs one sequence a row");
  const auto micros = micro_batches(examples, options);
  std::vector<std::vector<float>> out(examples.size());
  pool.for_each(static_cast<int64_t>(micros.size()), [&](int64_t i, int) {
    at::NoGradGuard no_grad;
    const auto logp = models::logprobs(model, micros[i].batch, temperature);
    const float* values = logp.data_ptr<float>();
    for (std::size_t row = 0; row < micros[i].order.size(); ++row) {
      const auto index = micros[i].order[row];
      const float* begin = values + static_cast<int64_t>(row) * logp.size(1);
      out[index].assign(begin, begin + examples[index].ids.size());
    }
  });
  return out;
}

}  // namespace hone::train
