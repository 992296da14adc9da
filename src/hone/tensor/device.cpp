#include "hone/tensor/device.h"

#include "hone/base/error.h"
#include "hone/tensor/compat.h"

#include <ATen/ATen.h>

namespace hone::tensor {

at::Device device_named(std::string_view name) {
  if (name == "cpu") return at::kCPU;
  require(name == "cuda", ErrorKind::usage, "device \"{}\" is neither cpu nor cuda", name);
  if (!has_cuda())
    throw Error(ErrorKind::usage,
                fmt::format("device cuda: libtorch {} {}", torch_version(),
                            built_with_cuda() ? "finds no GPU that it can use" : "was built without CUDA"),
                built_with_cuda() ? "look at what nvidia-smi says, or use device cpu"
                                  : "build hone against a libtorch with CUDA (-DTorch_DIR=…), or use device cpu");
  return at::kCUDA;
}

at::ScalarType activations_on(const at::Device& device) { return device.is_cpu() ? at::kFloat : at::kBFloat16; }

Batch to_device(const Batch& batch, const at::Device& device) {
  const auto moved = [&](const at::Tensor& t) { return t.defined() ? t.to(device, /*non_blocking=*/true) : t; };
  return {moved(batch.ids_BT),       moved(batch.positions_BT), moved(batch.segments_BT),  moved(batch.loss_mask_BT),
          moved(batch.advantage_BT), moved(batch.behavior_BT),  moved(batch.reference_BT), moved(batch.kl_weight_BT),
          moved(batch.shared_B)};
}

}  // namespace hone::tensor
