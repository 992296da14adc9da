// What the engine does for its verbs, one file of this folder each.
#pragma once

#include "cli/command.h"

namespace hone::cli {

int run_recipe(const Call& call);
int run_demo(const Call& call);
int run_bench(const Call& call);
int run_inspect(const Call& call);

}  // namespace hone::cli
