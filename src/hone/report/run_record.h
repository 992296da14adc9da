// The record of a run: what the program writes while it works, and the only thing reports are made from.
//   metrics.jsonl   {"phase","step", metrics…, "time":{"at","elapsed","tokens_per_s"…}}   one line a logged step
//   samples.jsonl   rollouts worth reading, with phase and step
//   events.jsonl    phases, warnings, decisions
//   tb/events.out.tfevents.*   the same scalars for TensorBoard
// Everything that depends on the clock or the machine sits under the key "time"; the rest is equal for equal seeds,
// interrupted or not.
#pragma once

#include "hone/base/files.h"
#include "hone/base/json.h"
#include "hone/report/progress.h"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hone::report {

using Metrics = std::vector<std::pair<std::string, double>>;

/// `time` as "2026-08-04T12:00:00Z".
std::string utc_text(std::chrono::system_clock::time_point time);

/// A point in the record that a checkpoint can return to.
struct Mark {
  int64_t metrics_bytes = 0, samples_bytes = 0, events_bytes = 0;
};
Json to_json(const Mark& mark);
Mark mark_from_json(const Json& json, std::string_view where);

class TensorBoardWriter;

/// Writes the logs of one run folder. Thread-compatible: call from one thread.
class RunRecord {
 public:
  /// Opens the record in `dir`. `from` = nullptr starts empty; otherwise the logs are cut back to that mark and a new
  /// TensorBoard file is begun. `progress` may be nullptr. Errors: io, e.g. a log shorter than its mark.
  RunRecord(const std::filesystem::path& dir, Progress* progress, const Mark* from);
  ~RunRecord();

  /// One logged step. `timings` go under "time", beside "at" (UTC) and "elapsed" (seconds since opening).
  /// Non-finite values are written as null with their name in "nonfinite". TensorBoard tags are "<phase>/<name>".
  /// Errors: internal if a name is "phase", "step", "time" or "nonfinite".
  void metrics(std::string_view phase, int64_t step, const Metrics& values, const Metrics& timings = {});
  /// A rollout or another thing to read; gets "phase" and "step".
  void sample(std::string_view phase, int64_t step, Json fields);
  /// Something that happened: {"event": kind, …, "time": {…}}.
  void event(std::string_view kind, Json fields);

  /// Fsyncs the logs and says where they stand.
  Mark mark();
  Progress* progress() { return progress_; }

 private:
  base::LineLog metrics_, samples_, events_;
  std::unique_ptr<TensorBoardWriter> board_;
  Progress* progress_;
  std::chrono::steady_clock::time_point opened_;
};

}  // namespace hone::report
