// What a recipe is given to run with.
#pragma once

#include "hone/base/pool.h"
#include "hone/base/rng.h"
#include "hone/report/run_record.h"

#include <c10/core/Device.h>

#include <atomic>
#include <filesystem>

namespace hone::train {

/// Lives as long as one run of one seed. Only a recipe's run() takes it; lower functions take just what they use.
struct Env {
  Rng rng;                              ///< of this run's seed
  std::filesystem::path dir;            ///< run folder, exists
  base::Pool& pool;
  report::RunRecord& record;
  const std::atomic<bool>& stop;        ///< set by Ctrl-C: checkpoint and throw Interrupted
  double checkpoint_seconds = 30;       ///< time between checkpoints
  std::string command;                  ///< as typed, for the next commands shown at the end
  c10::Device device = c10::kCPU;       ///< where the run's models live; see on_device
};

}  // namespace hone::train
