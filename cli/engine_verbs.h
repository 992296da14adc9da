// The verbs that need the engine, as both programs know them: the front program checks the words and starts the
// engine, which understands the same words by the same tables.
#pragma once

#include "cli/command.h"
#include "hone/base/options.h"
#include "hone/bench/bench.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace hone::cli {

/// "run", "demo", "bench" or "inspect" with what this program does for it.
Command engine_verb(std::string_view name, int (*run)(const Call& call));

/// `hone demo …` as the `hone run score --preset demo …` that it stands for.
Call run_of_demo(const Call& demo);

/// What `hone inspect logits` is asked for.
struct InspectPlan {
  std::filesystem::path model;
  std::vector<int64_t> ids;       ///< of one sequence; in the vocabulary, at most the context
  std::filesystem::path adapter;  ///< PEFT's folder; empty = none
};
/// Reads the model's config, and the adapter's. Errors: usage (ids), format (config), io.
InspectPlan inspect_plan(const Call& call);

/// What `hone bench` is asked to measure, by name: the one operand, or everything. Errors: usage with the nearest name.
std::vector<std::string> benches_of(const Call& call);

/// How `what` is to be measured: shapes, batches, family, repetitions. Errors: usage with the nearest shape, or the
/// range.
bench::Plan bench_plan(const Call& call, const std::string& what);

}  // namespace hone::cli
