#include "hone/optim/adamw.h"

#include "hone/base/error.h"
#include "hone/kernels/adamw.h"
#include "hone/tensor/compat.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

namespace hone::optim {
namespace {

// Elements a worker takes at a time: a megabyte of the four buffers. A multiple of the norm's chunk.
constexpr int64_t kBlock = 16 * kernels::kNormChunk;

// Largest gradient norm whose square a float32 second moment can hold.
constexpr double kLargestNorm = 1e19;

bool takes_kernel(const at::Tensor& parameters) {
  return parameters.device().is_cpu() && parameters.scalar_type() == at::kFloat;
}

int64_t blocks_of(int64_t count, int64_t size) { return (count + size - 1) / size; }

// Bias corrections 1 − βᵗ, in double: 1 − 0.999 has no good float.
struct Corrections {
  double first, second;
};

Corrections corrections(const OptimOptions& options, int64_t t) {
  const double power = static_cast<double>(t);
  return {1 - std::pow(options.beta1, power), 1 - std::pow(options.beta2, power)};
}

void check_options(const OptimOptions& o) {
  require(o.eps > 0, ErrorKind::usage, "optim.eps is {}; it must be above 0", o.eps);
  require(o.beta1 >= 0 && o.beta1 < 1, ErrorKind::usage, "optim.beta1 is {}; allowed is [0, 1)", o.beta1);
  require(o.beta2 >= 0 && o.beta2 < 1, ErrorKind::usage, "optim.beta2 is {}; allowed is [0, 1)", o.beta2);
  require(o.clip >= 0, ErrorKind::usage, "optim.clip is {}; it must be 0 (off) or above", o.clip);
}

void check_segments(const std::vector<Segment>& segments, int64_t count) {
  int64_t covered = 0;
  for (const Segment& s : segments) {
    require(s.begin == covered && s.end >= s.begin, ErrorKind::internal,
            "AdamW: segment [{}, {}) does not start where the one before ended ({})", s.begin, s.end, covered);
    require(s.weight_decay >= 0, ErrorKind::usage, "weight decay is {}; it must be 0 or above", s.weight_decay);
    covered = s.end;
  }
  require(covered == count, ErrorKind::internal, "AdamW: the segments cover {} of {} parameters", covered, count);
}

}  // namespace

AdamW::AdamW(const at::Tensor& parameters, std::vector<Segment> segments, const OptimOptions& options)
    : parameters_(parameters.detach()), segments_(std::move(segments)), options_(options) {
  require(parameters.dim() == 1 && parameters.is_contiguous() && parameters.is_floating_point(), ErrorKind::internal,
          "AdamW: parameters must be one flat, contiguous, floating tensor; got {} dimensions", parameters.dim());
  check_options(options_);
  check_segments(segments_, parameters_.numel());
  m_ = at::zeros_like(parameters_);
  v_ = at::zeros_like(parameters_);
}

void AdamW::check(const at::Tensor& grad) const {
  // The moments too: whoever restores a checkpoint may have put other tensors there.
  for (const at::Tensor* t : {&grad, &m_, &v_}) {
    require(t->defined() && t->sizes() == parameters_.sizes() && t->scalar_type() == parameters_.scalar_type() &&
                t->device() == parameters_.device() && t->is_contiguous(),
            ErrorKind::internal,
            "AdamW: gradient and moments must be contiguous and have the shape, dtype and device of the {} parameters",
            parameters_.numel());
  }
}

double AdamW::squared_norm(const at::Tensor& grad, base::Pool& pool) const {
  if (!takes_kernel(parameters_)) return std::pow(at::norm(grad.detach(), 2, at::kDouble).item<double>(), 2);
  const float* values = grad.data_ptr<float>();
  const int64_t count = grad.numel();
  std::vector<double> chunks(static_cast<size_t>(blocks_of(count, kernels::kNormChunk)));
  pool.for_each(blocks_of(count, kBlock), [&](int64_t block, int) {
    const int64_t end = std::min(count, (block + 1) * kBlock);
    for (int64_t at = block * kBlock; at < end; at += kernels::kNormChunk) {
      chunks[static_cast<size_t>(at / kernels::kNormChunk)] =
          kernels::squared_norm(values + at, std::min(kernels::kNormChunk, end - at));
    }
  });
  return kernels::sum_in_pairs(chunks.data(), static_cast<int64_t>(chunks.size()));
}

StepInfo AdamW::step(const at::Tensor& grad, double grad_scale, double lr, base::Pool& pool) {
  check(grad);
  require(std::isfinite(lr) && lr >= 0, ErrorKind::internal, "AdamW: learning rate {}", lr);
  require(std::isfinite(grad_scale), ErrorKind::numeric,
          "update {}: the gradient's scale is {}; did the loss count nothing?", steps_ + 1, grad_scale);
  const double norm = std::sqrt(squared_norm(grad, pool)) * std::abs(grad_scale);
  require(std::isfinite(norm), ErrorKind::numeric, "update {}: the gradient is not finite (norm {})", steps_ + 1, norm);
  const double scale = options_.clip > 0 && norm > options_.clip ? grad_scale * (options_.clip / norm) : grad_scale;
  const double used = std::min(norm, options_.clip > 0 ? options_.clip : norm);
  require(used < kLargestNorm, ErrorKind::numeric,
          "update {}: the gradient's norm {} is too large for its square to fit in a float", steps_ + 1, used);

  ++steps_;
  if (takes_kernel(parameters_)) {
    update_fused(grad, scale, lr, pool);
  } else if (tensor::has_fused_adamw(parameters_.device())) {
    update_device(grad, scale, lr);
  } else {
    update_tensors(grad, scale, lr);
  }
  return {.grad_norm = norm, .lr = lr};
}

void AdamW::update_fused(const at::Tensor& grad, double scale, double lr, base::Pool& pool) {
  const Corrections bias = corrections(options_, steps_);
  float *p = parameters_.data_ptr<float>(), *m = m_.data_ptr<float>(), *v = v_.data_ptr<float>();
  const float* g = grad.data_ptr<float>();
  const int64_t count = parameters_.numel();
  pool.for_each(blocks_of(count, kBlock), [&](int64_t block, int) {
    const int64_t begin = block * kBlock, end = std::min(count, begin + kBlock);
    for (const Segment& s : segments_) {
      const int64_t from = std::max(begin, s.begin), to = std::min(end, s.end);
      if (from >= to) continue;
      kernels::adamw({p + from, m + from, v + from, g + from, to - from},
                     {.grad_scale = static_cast<float>(scale),
                      .one_minus_beta1 = static_cast<float>(1 - options_.beta1),
                      .one_minus_beta2 = static_cast<float>(1 - options_.beta2),
                      .step_size = static_cast<float>(lr / bias.first),
                      .root_scale = static_cast<float>(1 / std::sqrt(bias.second)),
                      .eps = static_cast<float>(options_.eps),
                      .decay = static_cast<float>(lr * s.weight_decay)});
    }
  });
}

// One call for every decay among the segments: there are two.
void AdamW::update_device(const at::Tensor& grad, double scale, double lr) {
  const at::NoGradGuard no_grad;
  const at::Tensor g = grad * scale;
  std::map<double, tensor::FusedAdamW> updates;
  for (const Segment& s : segments_) {
    if (s.begin == s.end) continue;
    tensor::FusedAdamW& u = updates[s.weight_decay];
    u.parameters.push_back(parameters_.slice(0, s.begin, s.end));
    u.gradients.push_back(g.slice(0, s.begin, s.end));
    u.first_moments.push_back(m_.slice(0, s.begin, s.end));
    u.second_moments.push_back(v_.slice(0, s.begin, s.end));
  }
  for (auto& [decay, u] : updates) {
    u.step = steps_;
    u.lr = lr;
    u.beta1 = options_.beta1, u.beta2 = options_.beta2, u.eps = options_.eps;
    u.weight_decay = decay;
    tensor::fused_adamw(u);
  }
}

void AdamW::update_tensors(const at::Tensor& grad, double scale, double lr) {
  const at::NoGradGuard no_grad;
  const Corrections bias = corrections(options_, steps_);
  const at::Tensor g = grad * scale;
  m_.mul_(options_.beta1).add_(g, 1 - options_.beta1);
  v_.mul_(options_.beta2).addcmul_(g, g, 1 - options_.beta2);
  at::Tensor change = m_ / ((v_ / bias.second).sqrt_().add_(options_.eps)) * (lr / bias.first);
  for (const Segment& s : segments_) {
    if (s.weight_decay == 0) continue;
    change.slice(0, s.begin, s.end).add_(parameters_.slice(0, s.begin, s.end), lr * s.weight_decay);
  }
  parameters_.sub_(change);
}

}  // namespace hone::optim
