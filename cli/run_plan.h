// What one `hone run` is to do, understood from its words without writing anything.
#pragma once

#include "cli/inputs.h"
#include "cli/recipe_args.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace hone::cli {

enum class Start { fresh, resume };
/// one: the run folder is the run. many: it holds seed-1, seed-2, … and is judged as a whole.
enum class Seeds { one, many };

struct RunPlan {
  Recipe recipe;
  Start start = Start::fresh;
  std::filesystem::path dir;  ///< resume: the run. fresh: --out, or empty (a new folder under call.runs)
  Seeds how_many = Seeds::one;
  std::vector<uint64_t> seeds;
  int threads = 1;
  double checkpoint_seconds = 30;
  std::string device = "cpu";  ///< or "cuda", as the run began
};

/// Errors: usage — the words contradict each other or name nothing; those of resolve_recipe and recipe_of_run.
RunPlan plan_run(const Call& call);

/// Where the run of one seed lives.
std::filesystem::path seed_dir(const RunPlan& plan, uint64_t seed);
/// Whether the run of one seed has come to its end.
bool is_finished(const std::filesystem::path& seed_dir);
bool is_finished(const RunPlan& plan);

/// "run score · preset demo · seed 1 · 2 threads"
std::string plan_line(const RunPlan& plan);

}  // namespace hone::cli
