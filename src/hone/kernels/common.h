// What all kernels share: the switch between their two forms, the shape of a range of rows, aligned storage.
// Kernels are loops on raw pointers, free of libtorch and of threads: the caller cuts the work into ranges of rows.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <string_view>

#ifdef __linux__
#include <sys/mman.h>
#endif

namespace hone::kernels {

/// Every kernel has a plain loop that defines what it computes (reference) and a SIMD form of the same (fused).
/// Fused results are the same bits on every CPU with fused multiply-add, whatever its vector width, and a row's result
/// does not depend on how many rows are computed with it. Between the two forms results differ by rounding.
enum class Mode { fused, reference };

namespace detail {
inline std::atomic<Mode> current_mode{Mode::fused};
}

/// Chooses the form for the whole process. Set it before work starts: a switch in between mixes roundings.
inline void set_mode(Mode mode) { detail::current_mode.store(mode, std::memory_order_relaxed); }
inline Mode mode() { return detail::current_mode.load(std::memory_order_relaxed); }

/// The mode that HONE_KERNELS asks for: "fused" (also when empty) or "reference".
/// Errors: usage — another word, with the nearest of the two.
Mode named_mode(std::string_view name);

/// What becomes of a result: it takes the place of what is there, or is added to it.
enum class Into { store, add };

/// A contiguous range of `count` rows of `width` floats.
struct Rows {
  int64_t count = 0, width = 0;
};

/// Floats on a cache-line boundary; contents undefined. Move-only. Large ones ask the system for huge pages: walking
/// page tables costs half the memory bandwidth where many megabytes are streamed, most of all in a virtual machine.
class Floats {
 public:
  Floats() = default;
  explicit Floats(int64_t size) : size_(size) {
    constexpr std::size_t kLine = 64, kHugePage = std::size_t{2} << 20;
    const std::size_t bytes = static_cast<std::size_t>(size) * sizeof(float);
    const std::size_t unit = bytes >= 2 * kHugePage ? kHugePage : kLine;
    const std::size_t rounded = bytes == 0 ? unit : (bytes + unit - 1) / unit * unit;
    data_.reset(static_cast<float*>(std::aligned_alloc(unit, rounded)));
    if (!data_) throw std::bad_alloc();
#ifdef __linux__
    if (unit == kHugePage) madvise(data_.get(), rounded, MADV_HUGEPAGE);  // a wish: small pages do as well
#endif
  }

  float* data() { return data_.get(); }
  const float* data() const { return data_.get(); }
  int64_t size() const { return size_; }

 private:
  struct Free {
    void operator()(float* p) const { std::free(p); }
  };
  std::unique_ptr<float, Free> data_;
  int64_t size_ = 0;
};

}  // namespace hone::kernels
