// What tests of this folder and of those above it share: a run in a folder that goes away, records without times, and
// small examples.
#pragma once

#include "hone/base/json.h"
#include "hone/base/options.h"
#include "hone/checkpoint/test_files.h"
#include "hone/data/example.h"
#include "hone/models/decoder.h"
#include "hone/tensor/compat.h"
#include "hone/train/env.h"
#include "hone/train/session.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

namespace hone::train {

using checkpoint::expect_error;
using checkpoint::TempFolder;

/// One thread per tensor operation, as in the program.
inline int test_threads(int threads) {
  tensor::configure_threads(1);
  return threads;
}

/// A run in `dir` as the program sets it up: anew, or going on where an earlier one in the folder ended.
struct TestRun {
  explicit TestRun(const std::filesystem::path& dir, int threads = 1, uint64_t seed = 1)
      : pool(test_threads(threads), tensor::set_single_threaded),
        mark(Session::resume_mark(dir)),
        record(dir, nullptr, mark ? &*mark : nullptr),
        env{.rng = Rng(seed), .dir = dir, .pool = pool, .record = record, .stop = stop} {}

  base::Pool pool;
  std::optional<report::Mark> mark;
  report::RunRecord record;
  std::atomic<bool> stop{false};
  Env env;
};

/// A recipe's run() in `dir`; returns summary.json without its cost.
inline Json run_recipe(void (*recipe)(Env&, const base::Options&), const base::Options& options,
                       const std::filesystem::path& dir, int threads = 1, uint64_t seed = 1) {
  TestRun run(dir, threads, seed);
  recipe(run.env, options);
  Json summary = base::parse_json(checkpoint::read_bytes(dir / "summary.json"), "summary.json");
  summary.erase("cost");
  return summary;
}

/// The lines of a log without what depends on the clock.
inline std::vector<std::string> lines_without_times(const std::filesystem::path& log) {
  std::istringstream text(checkpoint::read_bytes(log));
  std::vector<std::string> lines;
  for (std::string line; std::getline(text, line);) {
    Json row = base::parse_json(line, log.string());
    row.erase("time");
    lines.push_back(base::dump(row));
  }
  return lines;
}

/// The rows of a run's metrics, those of one phase when it is named.
inline std::vector<Json> metric_rows(const std::filesystem::path& dir, const std::string& phase = "") {
  std::vector<Json> rows;
  for (const auto& line : lines_without_times(dir / "metrics.jsonl")) {
    Json row = base::parse_json(line, "metrics.jsonl");
    if (phase.empty() || row.at("phase") == phase) rows.push_back(std::move(row));
  }
  return rows;
}

/// The numbers of a model, for comparing bits.
inline std::vector<float> numbers_of(const models::Decoder& model) {
  const float* begin = model.flat.data_ptr<float>();
  return {begin, begin + model.flat.numel()};
}

/// Loss on every token but the first `prompt` ones.
inline data::Example example_of(text::Ids ids, std::size_t prompt = 1) {
  data::Example e{.ids = std::move(ids)};
  e.loss_mask.assign(e.ids.size(), 1);
  for (std::size_t t = 0; t < std::min(prompt, e.ids.size()); ++t) e.loss_mask[t] = 0;
  return e;
}

/// `count` examples of random ids and lengths from `shortest` to `longest`, prompts of one to three tokens.
inline std::vector<data::Example> random_examples(int64_t count, int64_t shortest, int64_t longest, int64_t vocab,
                                                  uint64_t seed = 5) {
  Rng rng(seed);
  std::vector<data::Example> examples;
  for (int64_t i = 0; i < count; ++i) {
    const auto range = static_cast<uint64_t>(longest - shortest + 1);
    text::Ids ids(static_cast<std::size_t>(shortest) + rng.below(range));
    for (auto& id : ids) id = static_cast<int32_t>(rng.below(static_cast<uint64_t>(vocab)));
    examples.push_back(example_of(std::move(ids), 1 + rng.below(3)));
  }
  return examples;
}

/// Called at every point of a run at which it may end.
using Hook = std::function<void(const std::string& point)>;

/// Does `work` in a child that ends at once (code 50) when its `visits`-th point comes, or is killed after
/// `microseconds`, 0 = never. Returns its code, −signal for one that was killed, 99 for one that threw.
inline int in_child(const std::function<void(const Hook& hook)>& work, int visits, useconds_t microseconds) {
  const pid_t child = ::fork();
  if (child == 0) {
    int code = 99;
    try {
      work([&](const std::string&) {
        if (visits-- == 0) ::_exit(50);
      });
      code = 0;
    } catch (...) {
      // Reported as 99: a child has no other way to fail a test.
    }
    ::_exit(code);
  }
  if (microseconds > 0) {
    ::usleep(microseconds);
    ::kill(child, SIGKILL);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

}  // namespace hone::train
