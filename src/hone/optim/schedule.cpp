#include "hone/base/error.h"
#include "hone/optim/options.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace hone::optim {

double learning_rate(const OptimOptions& options, int64_t step, int64_t steps) {
  require(step >= 0 && steps >= 1, ErrorKind::internal, "learning rate: step {} of {}", step, steps);
  // Dividing by warmup + 1 keeps the first step above 0 and reaches the peak once, at step = warmup.
  if (step < options.warmup)
    return options.lr * static_cast<double>(step + 1) / static_cast<double>(options.warmup + 1);
  if (options.schedule == "constant") return options.lr;

  const int64_t last = steps - 1;
  const double length = static_cast<double>(std::max<int64_t>(last - options.warmup, 1));
  const double progress = std::min(static_cast<double>(step - options.warmup) / length, 1.0);
  if (options.schedule == "linear") return options.lr * (1 + (options.final_lr - 1) * progress);
  if (options.schedule == "cosine") {
    const double height = 0.5 * (1 + std::cos(std::numbers::pi * progress));  // 1 → 0
    return options.lr * (options.final_lr + (1 - options.final_lr) * height);
  }
  throw Error(ErrorKind::usage, fmt::format("unknown schedule \"{}\"", options.schedule),
              "use constant, linear or cosine");
}

}  // namespace hone::optim
