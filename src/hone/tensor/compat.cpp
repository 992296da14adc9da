#include "hone/tensor/compat.h"

#include "hone/base/error.h"

#include <ATen/ATen.h>
#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <dlfcn.h>

#include <exception>
#include <limits>

#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace hone::tensor {
namespace {

// OpenBLAS is found by name at run time: which BLAS libtorch calls is decided by the system, not by the build.
void set_openblas_threads(int threads) {
  using SetThreads = void (*)(int);
  if (void* symbol = dlsym(RTLD_DEFAULT, "openblas_set_num_threads")) reinterpret_cast<SetThreads>(symbol)(threads);
}

}  // namespace

std::string torch_version() { return TORCH_VERSION; }

bool has_cuda() { return at::hasCUDA(); }

// The hooks of a CUDA build are registered when its library is loaded, with or without a driver.
bool built_with_cuda() { return at::globalContext().hasCUDART(); }

at::Tensor scaled_dot_product([[maybe_unused]] const at::Tensor& q, [[maybe_unused]] const at::Tensor& k,
                              [[maybe_unused]] const at::Tensor& v, [[maybe_unused]] const at::Tensor& mask) {
#if HONE_HAS_SDPA
  if (!mask.defined()) return at::scaled_dot_product_attention(q, k, v, {}, 0.0, /*is_causal=*/true);
  return at::scaled_dot_product_attention(q, k, v, mask);
#else
  fail(ErrorKind::internal, "libtorch {} has no scaled_dot_product_attention", torch_version());
#endif
}

bool has_fused_adamw(const at::Device& device) {
  constexpr int kVersion = 100 * TORCH_VERSION_MAJOR + TORCH_VERSION_MINOR;
  return device.is_cpu() ? kVersion >= 204 : device.is_cuda() && kVersion >= 200;
}

void fused_adamw(const FusedAdamW& u) {
  require(!u.parameters.empty() && has_fused_adamw(u.parameters[0].device()), ErrorKind::internal,
          "libtorch {} has no fused AdamW here", torch_version());
#if HONE_HAS_SDPA
  const auto step = at::full({}, static_cast<double>(u.step), u.parameters[0].options().dtype(at::kFloat));
  const std::vector<at::Tensor> steps(u.parameters.size(), step);
  at::_fused_adamw_(u.parameters, u.gradients, u.first_moments, u.second_moments, {}, steps, u.lr, u.beta1, u.beta2,
                    u.weight_decay, u.eps, /*amsgrad=*/false, /*maximize=*/false);
#endif
}

int configure_threads(int threads) {
  require(threads >= 1, ErrorKind::usage, "threads is {}; it must be 1 or above", threads);
  at::set_num_threads(threads);
  set_openblas_threads(threads);
  try {
    at::set_num_interop_threads(1);
  } catch (const std::exception&) {
    // libtorch refuses once its pool has started; hone starts no inter-op work, so the number does not matter then.
  }
  return at::get_num_threads();
}

void set_single_threaded() { at::set_num_threads(1); }

void tune_malloc() {
#ifdef __GLIBC__
  constexpr int kTopPad = 64 << 20;  // bytes asked from the system at a time
  mallopt(M_MMAP_MAX, 0);            // large blocks from the heap as well
  mallopt(M_TRIM_THRESHOLD, std::numeric_limits<int>::max());
  mallopt(M_TOP_PAD, kTopPad);
#endif
}

}  // namespace hone::tensor
