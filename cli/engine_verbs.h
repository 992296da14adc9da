// The verbs that need the engine, as both programs know them: the front program checks the words and starts the
// engine, which understands the same words by the same tables.
#pragma once

#include "cli/command.h"
#include "hone/base/options.h"

#include <string_view>

namespace hone::cli {

/// "run", "demo" or "bench" with what this program does for it.
Command engine_verb(std::string_view name, int (*run)(const Call& call));

/// `hone demo …` as the `hone run score --preset demo …` that it stands for.
Call run_of_demo(const Call& demo);

/// What `hone bench` measures: "train", "generate". Errors: usage with the nearest name.
std::vector<std::string> bench_names(const Call& call);

}  // namespace hone::cli
