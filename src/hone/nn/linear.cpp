#include "hone/nn/linear.h"

#include "hone/nn/fused.h"
#include "hone/nn/products.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

namespace hone::nn {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

at::Tensor as_rows(const at::Tensor& x) { return x.reshape({-1, x.size(-1)}); }

struct LinearFunction : torch::autograd::Function<LinearFunction> {
  // a and b are delta's tensors: libtorch must be shown every tensor that a gradient flows to.
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& x, const at::Tensor& weight,
                            const MaybeTensor& maybe_bias, const MaybeTensor& a, const MaybeTensor& b,
                            const LowRank& delta) {
    const auto bias = tensor_of(maybe_bias);
    auto sizes = x.sizes().vec();
    sizes.back() = weight.size(0);
    const auto y = at::empty(sizes, x.options());
    const auto y_rows = as_rows(y);
    project(as_rows(x), weight, y_rows);
    if (bias.defined()) y_rows.add_(bias);
    const auto h = add_low_rank(delta, as_rows(x), y_rows);
    ctx->save_for_backward({x, weight, bias, tensor_of(a), tensor_of(b), h});
    ctx->saved_data["delta"] = numbers_of(delta);
    return y;
  }

  static variable_list backward(AutogradContext* ctx, variable_list grads) {
    require_first_derivative();
    const auto saved = ctx->get_saved_variables();
    const auto &x = saved[0], &weight = saved[1], &bias = saved[2];
    const auto delta = low_rank_of(saved[3], saved[4], ctx->saved_data["delta"].toIntVector());
    const auto dy = as_rows(grads[0].contiguous());
    const LowRankGradient low_rank(delta, saved[5], dy);
    at::Tensor dx;
    if (ctx->needs_input_grad(0)) {
      dx = at::empty(x.sizes(), x.options());
      project_back(dy, weight, as_rows(dx));
      low_rank.add_to_input(as_rows(dx));
    }
    low_rank.add_to_parameters(as_rows(x));
    const auto dweight = gradient_of(weight), dbias = gradient_of(bias);
    if (dweight.sum.defined()) add_weight_gradient(dy, as_rows(x), dweight.sum);
    if (dbias.sum.defined()) add_bias_gradient(dy, dbias.sum);
    return {dx, dweight.returned, dbias.returned, low_rank.returned_a(), low_rank.returned_b(), {}};
  }
};

}  // namespace

at::Tensor as_dtype_of(const at::Tensor& x, const at::Tensor& parameter) {
  return parameter.defined() ? parameter.to(x.scalar_type()) : parameter;
}

at::Tensor apply(const Linear& linear, const at::Tensor& x) {
  const LowRank& delta = linear.delta;
  if (x.dim() < 2 || x.numel() == 0 || !takes_kernels({x, linear.weight, linear.bias, delta.a, delta.b}))
    return plus_low_rank(at::linear(x, as_dtype_of(x, linear.weight), as_dtype_of(x, linear.bias)), delta, x);
  return LinearFunction::apply(x, linear.weight, maybe(linear.bias), maybe(delta.a), maybe(delta.b), delta);
}

at::Tensor merged_weight(const Linear& linear) {
  if (!linear.delta.defined()) return linear.weight.detach();
  const auto weight = linear.weight.detach().clone();
  add_product(linear.delta, weight);
  return weight;
}

}  // namespace hone::nn
