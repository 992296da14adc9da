// A run as a chain of units that each end in a commit: phases of training steps, and once-only computations. Kill the
// program at any instant; on resume, finished units are loaded, the current phase goes on from its last checkpoint, and
// the record is cut back to it, so that the whole equals an uninterrupted run.
//
// Rule for recipes: write to the record only inside a phase's body or inside once(); otherwise a resumed run would
// write it twice.
#pragma once

#include "hone/checkpoint/train_state.h"
#include "hone/models/decoder.h"
#include "hone/optim/adamw.h"
#include "hone/train/env.h"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace hone::train {

/// What a phase trains: all of a model, or its adapter; checkpoints hold that, and the hash of an adapter's base. `notes` holds whatever else the body carries from step to step (running means, best so far);
/// it is saved with every checkpoint.
struct TrainState {
  models::Decoder& model;
  optim::AdamW& optimizer;
  Json notes = Json::object();

  /// A model that changes with the one that is trained, and is saved and restored with it: a critic with its optimiser,
  /// a reference that is renewed without one.
  struct Companion {
    std::string name;
    models::Decoder& model;
    optim::AdamW* optimizer = nullptr;
  };
  std::vector<Companion> companions = {};
};

enum class Next { go_on, stop };

class Session {
 public:
  /// Finds what an earlier, interrupted run left in env.dir. Construct it before the record is opened for writing:
  /// `resume_mark` tells the record where to go on.
  static std::optional<report::Mark> resume_mark(const std::filesystem::path& dir);

  explicit Session(Env& env);

  /// Calls body(step) for step = 0, 1, … until `steps` or until it says stop; commits every env.checkpoint_seconds and
  /// at the end. A phase that an earlier run finished only loads its final model, optimiser and notes.
  /// Errors: data when a checkpoint's adapter belongs to another base than the model's.
  /// Throws Interrupted after a commit when env.stop is set.
  void phase(std::string_view name, int64_t steps, TrainState& state, const std::function<Next(int64_t step)>& body);

  /// The value of compute(), computed once in the life of the run.
  Json once(std::string_view name, const std::function<Json()>& compute);
  /// Whether once(name) has its value already: what leads up to it need not be done again.
  bool has(std::string_view name) const;

 private:
  void announce(std::string_view name, const models::Decoder& model);
  void commit(std::string_view label, const Json& state, TrainState* tensors);
  Env& env_;
  std::filesystem::path root_;
  std::vector<checkpoint::Saved> saved_;
  int64_t sequence_ = 0;
};

}  // namespace hone::train
