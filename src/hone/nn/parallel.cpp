#include "hone/nn/parallel.h"

#include "hone/kernels/common.h"
#include "hone/kernels/elementwise.h"

#include <ATen/ATen.h>
#include <ATen/core/LegacyTypeDispatch.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <utility>

namespace hone::nn {
namespace {

thread_local base::Pool* current_pool = nullptr;

}  // namespace

ParallelScope::ParallelScope(base::Pool& pool) : before_(std::exchange(current_pool, &pool)) {}
ParallelScope::~ParallelScope() { current_pool = before_; }

int64_t range_count(int64_t count, int64_t grain) {
  if (count <= 0) return 0;
  return current_pool ? (count + grain - 1) / grain : 1;
}

void for_ranges(int64_t count, int64_t grain, const std::function<void(int64_t, int64_t, int64_t)>& work) {
  const int64_t ranges = range_count(count, grain);
  const auto run = [&](int64_t index) {
    // Gradients are the business of the function that called; without the dispatch to autograd an operation costs less.
    const at::NoGradGuard no_grad;
    const at::AutoDispatchBelowADInplaceOrView below_autograd;
    work(index * grain, ranges == 1 ? count : std::min(count, (index + 1) * grain), index);
  };
  if (ranges <= 1) {
    if (ranges == 1) run(0);
    return;
  }
  // Taken away while the ranges run: a range that this thread works on must not enter the pool again.
  struct Restore {
    base::Pool* pool = std::exchange(current_pool, nullptr);
    ~Restore() { current_pool = pool; }
  } restore;
  restore.pool->for_each(ranges, [&](int64_t index, int) { run(index); });
}

void sum_over_ranges(int64_t count, int64_t grain, int64_t width, float* y,
                     const std::function<void(int64_t, int64_t, float*)>& work) {
  const int64_t ranges = range_count(count, grain);
  if (ranges <= 1) return for_ranges(count, grain, [&](int64_t begin, int64_t end, int64_t) { work(begin, end, y); });
  kernels::Floats parts(ranges * width);
  for_ranges(count, grain, [&](int64_t begin, int64_t end, int64_t index) {
    float* part = parts.data() + index * width;
    std::fill_n(part, width, 0.0f);
    work(begin, end, part);
  });
  for (int64_t i = 0; i < ranges; ++i) kernels::add(parts.data() + i * width, width, y);
}

}  // namespace hone::nn
