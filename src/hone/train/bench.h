// Throughput of training and generation on this machine, as a table's rows.
#pragma once

#include "hone/base/json.h"
#include "hone/base/pool.h"

#include <string>

namespace hone::train {

/// "train": full steps (forward, backward, update) of decoders on random tokens; "generate": two-turn rollouts.
/// Per shape the mean and standard deviation of tokens/s over 5 repeats after one warm-up:
///   [{"name","mean","sd","unit","parameters","gflops"}]
/// gflops counts 6 (training) or 2 (generation) operations a parameter and token.
/// Errors: usage for an unknown `what`.
Json bench(const std::string& what, base::Pool& pool);

}  // namespace hone::train
