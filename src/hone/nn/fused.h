// What nn's fused functions share: when they are taken, and where the gradient of a parameter goes.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/util/Optional.h>

#include <initializer_list>

namespace hone::nn {

/// Whether an operation on these tensors runs hone's own kernels: all defined ones are float32 on the CPU and
/// contiguous, and kernels::mode() is fused. Otherwise tensor operations of libtorch compute the same.
bool takes_kernels(std::initializer_list<at::Tensor> tensors);

/// A tensor that may be undefined, as an argument of a torch::autograd::Function: undefined ones must not be
/// registered.
using MaybeTensor = c10::optional<at::Tensor>;
inline MaybeTensor maybe(const at::Tensor& t) { return t.defined() ? MaybeTensor(t) : MaybeTensor(); }
inline at::Tensor tensor_of(const MaybeTensor& t) { return t ? *t : at::Tensor(); }

/// While one lives, the fused functions whose backward pass runs on this thread add the gradient of a leaf parameter
/// straight into its defined, contiguous `.grad()` and hand nothing to libtorch: no copy of every weight's gradient is
/// made and added. Sums are the same as without, up to rounding.
///
///   use     around torch::autograd::backward() on a model whose gradients are bound to buffers (train::Slots). Not
///           around torch::autograd::grad(), which would find those gradients undefined; hooks on parameters don't run
///   thread  CPU backward passes run on the thread that calls them
class DirectGradients {
 public:
  DirectGradients();
  ~DirectGradients();
  DirectGradients(const DirectGradients&) = delete;
  DirectGradients& operator=(const DirectGradients&) = delete;

 private:
  bool before_;
};

/// The gradient of one parameter inside a backward pass.
struct ParameterGradient {
  at::Tensor sum;       ///< add to it; undefined when no gradient is wanted
  at::Tensor returned;  ///< what the backward function returns for the parameter

  float* data() const { return sum.defined() ? sum.data_ptr<float>() : nullptr; }
};

/// The parameter's own gradient buffer under DirectGradients, fresh zeros otherwise, nothing when `parameter` is
/// undefined or needs no gradient. `parameter` is what the forward pass saved.
ParameterGradient gradient_of(const at::Tensor& parameter);

/// Errors: usage when the backward pass is itself recorded (create_graph): the fused functions have no second
/// derivative.
void require_first_derivative();

}  // namespace hone::nn
