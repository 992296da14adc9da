#include "hone/nn/fused.h"

#include "hone/base/error.h"
#include "hone/kernels/common.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>

namespace hone::nn {
namespace {

thread_local bool direct_gradients = false;

}  // namespace

bool takes_kernels(std::initializer_list<at::Tensor> tensors) {
  return kernels::mode() == kernels::Mode::fused &&
         std::all_of(tensors.begin(), tensors.end(), [](const at::Tensor& t) {
           return !t.defined() || (t.device().is_cpu() && t.scalar_type() == at::kFloat && t.is_contiguous());
         });
}

DirectGradients::DirectGradients() : before_(direct_gradients) { direct_gradients = true; }
DirectGradients::~DirectGradients() { direct_gradients = before_; }

ParameterGradient gradient_of(const at::Tensor& parameter) {
  if (!parameter.defined() || !parameter.requires_grad()) return {};
  if (direct_gradients && parameter.is_leaf()) {
    const at::Tensor& own = parameter.grad();
    if (own.defined() && own.is_contiguous() && own.scalar_type() == at::kFloat) return {own, {}};
  }
  const auto zeros = at::zeros_like(parameter);
  return {zeros, zeros};
}

void require_first_derivative() {
  require(!c10::GradMode::is_enabled(), ErrorKind::usage,
          "the fused CPU kernels have no second derivative; a gradient of a gradient needs HONE_KERNELS=reference");
}

}  // namespace hone::nn
