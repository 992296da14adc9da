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
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& x, const at::Tensor& weight,
                            const MaybeTensor& maybe_bias) {
    const auto bias = tensor_of(maybe_bias);
    ctx->save_for_backward({x, weight, bias});
    auto sizes = x.sizes().vec();
    sizes.back() = weight.size(0);
    const auto y = at::empty(sizes, x.options());
    const auto y_rows = as_rows(y);
    project(as_rows(x), weight, y_rows);
    if (bias.defined()) y_rows.add_(bias);
    return y;
  }

  static variable_list backward(AutogradContext* ctx, variable_list grads) {
    require_first_derivative();
    const auto saved = ctx->get_saved_variables();
    const auto &x = saved[0], &weight = saved[1], &bias = saved[2];
    const auto dy = as_rows(grads[0].contiguous());
    at::Tensor dx;
    if (ctx->needs_input_grad(0)) {
      dx = at::empty(x.sizes(), x.options());
      project_back(dy, weight, as_rows(dx));
    }
    const auto dweight = gradient_of(weight), dbias = gradient_of(bias);
    if (dweight.sum.defined()) add_weight_gradient(dy, as_rows(x), dweight.sum);
    if (dbias.sum.defined()) add_bias_gradient(dy, dbias.sum);
    return {dx, dweight.returned, dbias.returned};
  }
};

}  // namespace

at::Tensor apply(const Linear& linear, const at::Tensor& x) {
  if (x.dim() < 2 || x.numel() == 0 || !takes_kernels({x, linear.weight, linear.bias}))
    return at::linear(x, linear.weight, linear.bias);
  return LinearFunction::apply(x, linear.weight, maybe(linear.bias));
}

}  // namespace hone::nn
