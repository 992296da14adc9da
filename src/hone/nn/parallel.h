// Parallelism inside one operation, for models too large to run one micro-batch a thread.
#pragma once

#include "hone/base/pool.h"

#include <cstdint>
#include <functional>

namespace hone::nn {

/// While one lives, for_ranges() calls of this thread share their ranges among the pool's threads.
class ParallelScope {
 public:
  explicit ParallelScope(base::Pool& pool);
  ~ParallelScope();
  ParallelScope(const ParallelScope&) = delete;
  ParallelScope& operator=(const ParallelScope&) = delete;

 private:
  base::Pool* before_;
};

/// Ranges that for_ranges(count, grain, …) makes: 1 outside a ParallelScope, ⌈count / grain⌉ inside, whatever the
/// number of threads; 0 for an empty count.
int64_t range_count(int64_t count, int64_t grain);

/// Calls work(begin, end, index) for consecutive ranges that cover [0, count), without recording gradients.
///
/// Inside a ParallelScope the ranges have `grain` elements each and run on the pool; where they end does not depend on
/// the number of threads, so neither do the bits. Outside there is one range, run here.
///
///   work  must touch nothing that another range writes; calls of for_ranges inside it run in the calling worker
void for_ranges(int64_t count, int64_t grain,
                const std::function<void(int64_t begin, int64_t end, int64_t index)>& work);

/// y[width] += what `work(begin, end, sum)` adds to sum[width], for ranges as above: partial sums of the ranges are
/// kept apart and added in ascending order.
void sum_over_ranges(int64_t count, int64_t grain, int64_t width, float* y,
                     const std::function<void(int64_t begin, int64_t end, float* sum)>& work);

/// Rows of tokens a range takes.
inline constexpr int64_t kRowGrain = 128;

}  // namespace hone::nn
