// Where tensors live. Everything follows the model: a training step, an optimiser or an engine works on the device that
// holds the model's parameters.
#pragma once

#include "hone/tensor/batch.h"

#include <ATen/core/Tensor.h>

#include <string_view>

namespace hone::tensor {

/// The device called "cpu" or "cuda" (the current one).
/// Errors: usage for another name, and for "cuda" where has_cuda() is false, naming the libtorch.
at::Device device_named(std::string_view name);

/// What activations and matrix products are computed in on a device: float32 on the CPU, bfloat16 elsewhere.
at::ScalarType activations_on(const at::Device& device);

/// A batch with every column on the device; the same tensors when they are there already.
Batch to_device(const Batch& batch, const at::Device& device);

}  // namespace hone::tensor
