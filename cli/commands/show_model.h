// The other things that `hone show` explains, besides recipes.
#pragma once

#include "cli/command.h"

#include <filesystem>

namespace hone::cli {

/// A model folder: architecture, sizes, tensors, tokenizer, hashes. Errors: those of checkpoint::ModelDir.
void show_model(const Call& call, const std::filesystem::path& dir);

}  // namespace hone::cli
