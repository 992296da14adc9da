// What differs between libtorch versions and builds, and the process-wide settings of the libraries under it. Nothing
// else in hone looks at the version of libtorch.
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/version.h>

#include <string>
#include <vector>

namespace hone::tensor {

/// Whether at::scaled_dot_product_attention exists under its public name (libtorch 2.0 and later).
/// It is a macro because code for a missing function cannot even be parsed.
#define HONE_HAS_SDPA (TORCH_VERSION_MAJOR >= 2)
inline constexpr bool kHasSdpa = HONE_HAS_SDPA;

/// Version of the libtorch that hone was compiled against, e.g. "1.13.1".
std::string torch_version();

/// Whether this libtorch was built with CUDA and a device can be used now.
bool has_cuda();

/// Whether this libtorch was built with CUDA, whatever this machine has.
bool built_with_cuda();

/// softmax(q kᵀ/√d + mask) v by at::scaled_dot_product_attention.
///
///   q, k, v  [B, H, T, d], one dtype;  mask  additive, [1 or B, 1, T, T]; undefined = causal
///   result   [B, H, T, d]; gradient flows once
///   errors   internal unless kHasSdpa
at::Tensor scaled_dot_product(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const at::Tensor& mask);

/// One AdamW update of many tensors that share their settings, by libtorch's fused operation.
struct FusedAdamW {
  std::vector<at::Tensor> parameters, gradients, first_moments, second_moments;  ///< parameters and moments change
  int64_t step = 1;                                                              ///< updates done, this one included
  double lr = 0, beta1 = 0, beta2 = 0, eps = 0, weight_decay = 0;
};

/// Whether libtorch has that operation on the device: 2.0 on CUDA, 2.4 on the CPU.
bool has_fused_adamw(const at::Device& device);

/// Runs it. Errors: internal unless has_fused_adamw().
void fused_adamw(const FusedAdamW& update);

/// Number of threads that one tensor operation may use. Call it once, first thing in the program.
///
///   threads  ≥ 1; hone's training and generation use 1, since they run whole sequences side by side
///   sets     libtorch's intra-op threads of the calling thread, OpenBLAS's threads of the process when OpenBLAS is
///            what libtorch calls, and one inter-op thread
///   result   the intra-op threads libtorch reports afterwards
///   errors   usage: threads < 1
int configure_threads(int threads);

/// One thread per tensor operation in the calling thread. Call it at the start of every worker thread: libtorch's
/// OpenMP setting belongs to the thread that makes it.
void set_single_threaded();

/// Makes malloc keep the memory it has: activations are freed and asked for again thousands of times a second, and
/// with the default settings large ones go back to the system and cost page faults each time. Once, before other
/// threads start; does nothing outside glibc. Cost: freed memory stays with the process.
void tune_malloc();

}  // namespace hone::tensor
