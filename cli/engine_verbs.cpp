#include "cli/engine_verbs.h"

#include "cli/recipe_args.h"
#include "hone/base/error.h"
#include "hone/base/text_match.h"

#include <algorithm>

namespace hone::cli {
namespace {

constexpr Option kSeed = {"--seed", "N", "seed of the run (default 1)"};
constexpr Option kThreads = {"--threads", "N", "threads; results do not depend on it"};
constexpr Option kOut = {"--out", "DIR", "run folder, absent or empty (default runs/…)"};
constexpr Option kCheckpoint = {"--checkpoint", "SECONDS", "time between checkpoints (default 30)"};
constexpr Option kResume = {"--resume", "", "go on with the run named first, or the latest"};

std::span<const Option> run_options() {
  static const std::vector<Option> options = [] {
    std::vector<Option> all(recipe_options().begin(), recipe_options().end());
    all.insert(all.end(), {kSeed,
                           {"--seeds", "K", "K runs with seeds 1..K, judged together"},
                           kThreads,
                           kOut,
                           kResume,
                           kCheckpoint,
                           {"--dry-run", "", "say what would be done, and stop"}});
    return all;
  }();
  return options;
}

constexpr Option kDemoOptions[] = {kSeed, kThreads, kOut, kResume, kCheckpoint};
constexpr Option kBenchOptions[] = {kThreads};

}  // namespace

Command engine_verb(std::string_view name, int (*run)(const Call& call)) {
  if (name == "run") {
    return {"run",
            "train, search or improve by a recipe",
            "[recipe|file.toml|run] [options]",
            0,
            1,
            "Runs a recipe and keeps everything about it in a folder of runs/: options, record, checkpoints, model, "
            "report. Ctrl-C stops after a checkpoint; --resume goes on to the same end.",
            "hone run sft --data chat.jsonl\n"
            "hone run score --preset laptop --seeds 3\n"
            "hone run --resume",
            run_options(),
            run};
  }
  if (name == "demo") {
    return {"demo",
            "a small model learns to correct itself",
            "[options]",
            0,
            1,
            "Trains a small model on number puzzles from scratch, then by reinforcement learning to find and mend its "
            "own mistakes, and measures both on problems it has not seen. The same as: hone run score --preset demo",
            "hone demo\n"
            "hone demo --seed 2\n"
            "hone demo --resume",
            kDemoOptions,
            run};
  }
  require(name == "bench", ErrorKind::internal, "no engine verb {}", name);
  return {"bench",
          "tokens per second of training and generation",
          "[train|generate] [options]",
          0,
          1,
          "Measures this machine on a decoder of about a million parameters; mean and standard deviation.",
          "hone bench\n"
          "hone bench train --threads 1\n"
          "hone bench generate --json",
          kBenchOptions,
          run};
}

Call run_of_demo(const Call& demo) {
  Call run = demo;
  if (run.has("--resume")) return run;
  require(run.operands.empty(), ErrorKind::usage, "hone demo does not know what to do with \"{}\"",
          run.operands.empty() ? "" : run.operands[0]);
  run.operands = {"score"};
  run.options["--preset"] = {"demo"};
  return run;
}

std::vector<std::string> bench_names(const Call& call) {
  const std::vector<std::string> known = {"train", "generate"};
  if (call.operands.empty()) return known;
  const std::string& name = call.operands[0];
  require(std::find(known.begin(), known.end(), name) != known.end(), ErrorKind::usage,
          "nothing to bench called \"{}\"{}", name, base::suggestion(name, known));
  return {name};
}

}  // namespace hone::cli
