#include "hone/nn/norm.h"

#include "hone/kernels/norm.h"
#include "hone/nn/fused.h"
#include "hone/nn/parallel.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

namespace hone::nn {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

const float* data(const at::Tensor& t) { return t.defined() ? t.data_ptr<float>() : nullptr; }

// What a backward pass needs beside the stream itself: mean and 1/σ of every row.
at::Tensor run_forward(const Norm& norm, double eps, kernels::NormForward pass, kernels::Rows all) {
  const auto stats = at::empty({2, all.count}, norm.weight.options());
  pass.mean = stats.data_ptr<float>();
  pass.rstd = pass.mean + all.count;
  const kernels::NormWeights weights{data(norm.weight), data(norm.bias), static_cast<float>(eps)};
  for_ranges(all.count, kRowGrain, [&](int64_t begin, int64_t end, int64_t) {
    const int64_t at = begin * all.width;
    kernels::NormForward part{.x = pass.x + at, .y = pass.y + at, .mean = pass.mean + begin, .rstd = pass.rstd + begin};
    if (pass.delta) part.delta = pass.delta + at, part.sum = pass.sum + at;
    kernels::norm_forward(part, {end - begin, all.width}, weights);
  });
  return stats;
}

struct NormGradients {
  at::Tensor dx, dweight, dbias;
};

// saved = {normed input, weight, bias, stats}
NormGradients run_backward(const variable_list& saved, const at::Tensor& dy, const at::Tensor& dsum) {
  const auto &x = saved[0], &stats = saved[3];
  const kernels::NormWeights weights{data(saved[1]), data(saved[2]), 0};
  const auto dweight = gradient_of(saved[1]), dbias = gradient_of(saved[2]);
  const int64_t width = x.size(-1), count = x.numel() / width;
  const auto dx = at::empty(x.sizes(), x.options());
  const float* other = data(dsum);
  // One buffer for the ranges' partial sums: the weight's, then the bias's.
  const int64_t sums = (dweight.sum.defined() ? width : 0) + (dbias.sum.defined() ? width : 0);
  at::Tensor both = at::zeros({sums}, x.options());
  sum_over_ranges(count, kRowGrain, sums, both.data_ptr<float>(), [&](int64_t begin, int64_t end, float* sum) {
    const int64_t at = begin * width;
    kernels::NormBackward part{data(x) + at, data(stats) + begin, data(stats) + count + begin, data(dy) + at};
    part.dsum = other ? other + at : nullptr;
    part.dx = dx.data_ptr<float>() + at;
    if (dweight.sum.defined()) part.dweight = sum, sum += width;
    if (dbias.sum.defined()) part.dbias = sum;
    kernels::norm_backward(part, {end - begin, width}, weights);
  });
  int64_t offset = 0;
  for (const auto& into : {dweight, dbias}) {
    if (!into.sum.defined()) continue;
    at::Tensor(into.sum).add_(both.narrow(0, offset, width));
    offset += width;
  }
  return {dx, dweight.returned, dbias.returned};
}

// {norm(x)}, or with a defined delta {norm(x + delta), x + delta}.
struct NormFunction : torch::autograd::Function<NormFunction> {
  static variable_list forward(AutogradContext* ctx, const at::Tensor& x, const MaybeTensor& maybe_delta,
                               const at::Tensor& weight, const MaybeTensor& maybe_bias, double eps) {
    const auto delta = tensor_of(maybe_delta), bias = tensor_of(maybe_bias);
    ctx->set_materialize_grads(false);  // a gradient that does not exist is not a tensor of zeros
    const auto y = at::empty(x.sizes(), x.options());
    const auto sum = delta.defined() ? at::empty(x.sizes(), x.options()) : at::Tensor();
    kernels::NormForward pass{.x = data(x), .delta = data(delta), .y = y.data_ptr<float>()};
    if (sum.defined()) pass.sum = sum.data_ptr<float>();
    const auto stats = run_forward({weight, bias}, eps, pass, {x.numel() / x.size(-1), x.size(-1)});
    ctx->save_for_backward({sum.defined() ? sum : x, weight, bias, stats});
    return sum.defined() ? variable_list{y, sum} : variable_list{y};
  }

  static variable_list backward(AutogradContext* ctx, variable_list grads) {
    require_first_derivative();
    const auto dsum = grads.size() == 2 && grads[1].defined() ? grads[1].contiguous() : at::Tensor();
    if (!grads[0].defined()) return {dsum, dsum, {}, {}, {}};
    const auto g = run_backward(ctx->get_saved_variables(), grads[0].contiguous(), dsum);
    return {g.dx, grads.size() == 2 ? g.dx : at::Tensor(), g.dweight, g.dbias, {}};
  }
};

}  // namespace

at::Tensor apply(const Norm& norm, const at::Tensor& x, double eps) {
  if (x.numel() > 0 && takes_kernels({x, norm.weight, norm.bias}))
    return NormFunction::apply(x, MaybeTensor(), norm.weight, maybe(norm.bias), eps)[0];
  if (norm.bias.defined()) return at::layer_norm(x, {x.size(-1)}, norm.weight, norm.bias, eps);
  return x * at::rsqrt(x.pow(2).mean(-1, true) + eps) * norm.weight;
}

Normed add_apply(const Norm& norm, const at::Tensor& x, const at::Tensor& delta, double eps) {
  if (x.numel() > 0 && takes_kernels({x, delta, norm.weight, norm.bias})) {
    const auto both = NormFunction::apply(x, maybe(delta), norm.weight, maybe(norm.bias), eps);
    return {both[1], both[0]};
  }
  const auto sum = x + delta;
  return {sum, apply(norm, sum, eps)};
}

}  // namespace hone::nn
