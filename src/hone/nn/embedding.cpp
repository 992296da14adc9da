#include "hone/nn/embedding.h"

#include "hone/kernels/elementwise.h"
#include "hone/nn/fused.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

namespace hone::nn {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct PickRows : torch::autograd::Function<PickRows> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& table, const at::Tensor& index) {
    auto sizes = index.sizes().vec();
    sizes.push_back(table.size(1));
    const auto y = at::empty(sizes, table.options());
    kernels::gather_rows(table.data_ptr<float>(), index.data_ptr<int64_t>(), {index.numel(), table.size(1)},
                         y.data_ptr<float>());
    ctx->save_for_backward({table, index});
    return y;
  }

  static variable_list backward(AutogradContext* ctx, variable_list grads) {
    require_first_derivative();
    const auto saved = ctx->get_saved_variables();
    const auto dtable = gradient_of(saved[0]);
    if (!dtable.sum.defined()) return {{}, {}};
    const auto dy = grads[0].contiguous();
    kernels::scatter_add_rows(dy.data_ptr<float>(), saved[1].data_ptr<int64_t>(), {saved[1].numel(), dy.size(-1)},
                              dtable.data());
    return {dtable.returned, {}};
  }
};

}  // namespace

at::Tensor pick_rows(const at::Tensor& table, const at::Tensor& index) {
  if (takes_kernels({table}) && index.is_contiguous() && index.scalar_type() == at::kLong)
    return PickRows::apply(table, index);
  return at::embedding(table, index);
}

}  // namespace hone::nn
