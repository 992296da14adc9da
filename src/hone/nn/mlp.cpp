#include "hone/nn/mlp.h"

#include "hone/kernels/elementwise.h"
#include "hone/nn/fused.h"
#include "hone/nn/parallel.h"
#include "hone/nn/products.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

namespace hone::nn {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

const float* data(const at::Tensor& t) { return t.defined() ? t.data_ptr<float>() : nullptr; }

at::Tensor as_rows(const at::Tensor& x) { return x.view({-1, x.size(-1)}); }

// act [N, F] from pre [N, F] or [N, 2F].
void activate(Activation kind, const at::Tensor& pre, const at::Tensor& bias, const at::Tensor& act) {
  const int64_t width = act.size(1), pre_width = pre.size(1);
  for_ranges(act.size(0), kRowGrain, [&](int64_t begin, int64_t end, int64_t) {
    float* to = act.data_ptr<float>() + begin * width;
    const float* from = data(pre) + begin * pre_width;
    if (kind == Activation::gelu_tanh)
      kernels::bias_gelu(from, {end - begin, width}, data(bias), to);
    else
      kernels::swiglu(from, {end - begin, width}, to);
  });
}

struct ActivationGradient {
  at::Tensor dact;         // [N, F]; may be overwritten
  at::Tensor act;          // [N, F]; the activation once more
  float* dbias = nullptr;  // [F], added to
};

// The gradient of pre.
at::Tensor deactivate(Activation kind, const at::Tensor& pre, const at::Tensor& bias, const ActivationGradient& g) {
  const int64_t width = g.act.size(1);
  float *dact = g.dact.data_ptr<float>(), *act = g.act.data_ptr<float>();
  if (kind == Activation::gelu_tanh) {
    sum_over_ranges(
        g.act.size(0), kRowGrain, g.dbias ? width : 0, g.dbias, [&](int64_t begin, int64_t end, float* sum) {
          const int64_t at = begin * width;
          kernels::bias_gelu_backward({data(pre) + at, data(bias), dact + at, act + at, g.dbias ? sum : nullptr},
                                      {end - begin, width});
        });
    return g.dact;
  }
  const auto dpre = at::empty(pre.sizes(), pre.options());
  float* out = dpre.data_ptr<float>();
  for_ranges(g.act.size(0), kRowGrain, [&](int64_t begin, int64_t end, int64_t) {
    const int64_t at = begin * width;
    kernels::swiglu_backward({data(pre) + 2 * at, dact + at, out + 2 * at, act + at}, {end - begin, width});
  });
  return dpre;
}

// What is not a tensor. A delta's tensors are arguments of their own: libtorch must be shown every tensor that a
// gradient flows to.
struct Setting {
  Activation kind;
  LowRank up, down;
};

struct MlpFunction : torch::autograd::Function<MlpFunction> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& x, const at::Tensor& up_weight,
                            const MaybeTensor& maybe_up_bias, const at::Tensor& down_weight,
                            const MaybeTensor& maybe_down_bias, const MaybeTensor& up_a, const MaybeTensor& up_b,
                            const MaybeTensor& down_a, const MaybeTensor& down_b, const Setting& setting) {
    const auto up_bias = tensor_of(maybe_up_bias), down_bias = tensor_of(maybe_down_bias);
    const auto x_rows = as_rows(x);
    const auto pre = at::empty({x_rows.size(0), up_weight.size(0)}, x.options());
    const auto act = at::empty({x_rows.size(0), down_weight.size(1)}, x.options());
    const auto y = at::empty(x.sizes(), x.options()), y_rows = as_rows(y);
    project(x_rows, up_weight, pre);
    const auto up_h = add_low_rank(setting.up, x_rows, pre);
    activate(setting.kind, pre, up_bias, act);
    project(act, down_weight, y_rows);
    if (down_bias.defined()) y_rows.add_(down_bias);
    const auto down_h = add_low_rank(setting.down, act, y_rows);
    ctx->save_for_backward({x, up_weight, up_bias, down_weight, down_bias, pre, tensor_of(up_a), tensor_of(up_b), up_h,
                            tensor_of(down_a), tensor_of(down_b), down_h});
    ctx->saved_data["kind"] = static_cast<int64_t>(setting.kind);
    ctx->saved_data["up"] = numbers_of(setting.up);
    ctx->saved_data["down"] = numbers_of(setting.down);
    return y;
  }

  static variable_list backward(AutogradContext* ctx, variable_list grads) {
    require_first_derivative();
    const auto saved = ctx->get_saved_variables();
    const auto &x = saved[0], &pre = saved[5];
    const auto kind = static_cast<Activation>(ctx->saved_data["kind"].toInt());
    const auto up = low_rank_of(saved[6], saved[7], ctx->saved_data["up"].toIntVector());
    const auto down = low_rank_of(saved[9], saved[10], ctx->saved_data["down"].toIntVector());
    const auto dup = gradient_of(saved[1]), dup_bias = gradient_of(saved[2]);
    const auto ddown = gradient_of(saved[3]), ddown_bias = gradient_of(saved[4]);
    const auto dy = as_rows(grads[0].contiguous());
    const auto act = at::empty({dy.size(0), saved[3].size(1)}, x.options());
    const auto dact = at::empty_like(act);
    const LowRankGradient low_down(down, saved[11], dy);
    project_back(dy, saved[3], dact);
    low_down.add_to_input(dact);
    const auto dpre = deactivate(kind, pre, saved[2], {dact, act, dup_bias.data()});
    const LowRankGradient low_up(up, saved[8], dpre);
    low_down.add_to_parameters(act);
    low_up.add_to_parameters(as_rows(x));
    if (ddown.sum.defined()) add_weight_gradient(dy, act, ddown.sum);
    if (ddown_bias.sum.defined()) add_bias_gradient(dy, ddown_bias.sum);
    if (dup.sum.defined()) add_weight_gradient(dpre, as_rows(x), dup.sum);
    at::Tensor dx;
    if (ctx->needs_input_grad(0)) {
      dx = at::empty(x.sizes(), x.options());
      project_back(dpre, saved[1], as_rows(dx));
      low_up.add_to_input(as_rows(dx));
    }
    return {dx,
            dup.returned,
            dup_bias.returned,
            ddown.returned,
            ddown_bias.returned,
            low_up.returned_a(),
            low_up.returned_b(),
            low_down.returned_a(),
            low_down.returned_b(),
            {}};
  }
};

}  // namespace

at::Tensor mlp(const Linear& up, const Linear& down, Activation activation, const at::Tensor& x) {
  const bool swiglu = activation == Activation::swiglu;
  const bool fused = takes_kernels(
      {x, up.weight, up.bias, down.weight, down.bias, up.delta.a, up.delta.b, down.delta.a, down.delta.b});
  if (x.numel() > 0 && fused && !(swiglu && up.bias.defined()))
    return MlpFunction::apply(x, up.weight, maybe(up.bias), down.weight, maybe(down.bias), maybe(up.delta.a),
                              maybe(up.delta.b), maybe(down.delta.a), maybe(down.delta.b),
                              Setting{activation, up.delta, down.delta});
  const auto pre = apply(up, x);
  if (!swiglu) return apply(down, at::gelu(pre, "tanh"));
  const auto halves = pre.chunk(2, -1);
  return apply(down, at::silu(halves[0]) * halves[1]);
}

}  // namespace hone::nn
