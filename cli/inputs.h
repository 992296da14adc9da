// What can be known of a run's inputs and output folder before the engine starts: errors come at once, and before
// anything is written.
#pragma once

#include "cli/recipe_args.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace hone::cli {

/// The options that name things on disk, looked at.
struct Inputs {
  int64_t rows = 0;              ///< of the data file; 0 without one
  int64_t model_parameters = 0;  ///< of the model folder; 0 without one
};

/// Asks the recipe whether its options fit together, and reads the data file (problems when the recipe has a verifier,
/// choices where its card says so, else texts) and the headers of the model folders.
/// Errors: usage, data with file:line, io, format naming the tensor.
Inputs check_inputs(const Recipe& recipe);

/// Refuses a folder for a new run that exists and is not empty, is no folder, or can't be written; creates nothing.
/// Errors: usage, io (also when the disk is all but full).
void check_output(const std::filesystem::path& dir);

/// --threads, else HONE_THREADS, else every core that this process may use. Errors: usage unless in 1..1024.
int thread_count(const Call& call);

/// --device: "cpu" (default) or "cuda". Whether there is one, the engine says. Errors: usage for other words.
std::string device_of(const Call& call);

/// What a run will need, guessed from its options (or the model folder).
struct Estimate {
  int64_t parameters = 0;     ///< 0 = not known
  uint64_t memory_bytes = 0;  ///< weights, gradients of every worker, optimiser, about
};
Estimate estimate(const Recipe& recipe, const Inputs& inputs, int threads);

}  // namespace hone::cli
