// What the engine does for gen, chat and eval, one file of this folder each.
#pragma once

#include "cli/command.h"

namespace hone::cli {

int run_gen(const Call& call);
int run_chat(const Call& call);
int run_eval(const Call& call);

}  // namespace hone::cli
