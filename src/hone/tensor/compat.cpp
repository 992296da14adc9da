#include "hone/tensor/compat.h"

#include "hone/base/error.h"

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
