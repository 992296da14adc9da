// hone cp: a recipe with its options as a file of one's own.
#include "cli/commands/verbs.h"
#include "cli/console.h"
#include "cli/recipe_args.h"
#include "hone/base/error.h"
#include "hone/base/files.h"

namespace hone::cli {
namespace {

int run_cp(const Call& call) {
  const std::filesystem::path target = call.operands[1];
  std::error_code code;
  if (target.extension() != ".toml") {
    throw Error(ErrorKind::usage, fmt::format("\"{}\" does not end in .toml", target.string()),
                fmt::format("hone cp {} my.toml", call.operands[0]));
  }
  if (std::filesystem::exists(std::filesystem::symlink_status(target, code))) {
    throw Error(ErrorKind::usage, fmt::format("{} exists already; nothing was written", target.string()),
                "name another file, or remove that one");
  }
  const Recipe recipe = resolve_recipe(call);
  base::write_file_atomic(target, recipe_toml(recipe));
  if (call.has("--json")) {
    put("{}\n", base::dump(Json{{"file", target.string()}, {"recipe", recipe.card.name}}));
  } else if (call.has("--quiet")) {
    put("{}\n", target.string());
  } else {
    put("{}\n", target.string());
    say("edit it, then: hone check {0}; hone run {0}\n", target.string());
  }
  return 0;
}

}  // namespace

Command cp_verb() {
  return {"cp",
          "copy a recipe's options to a file",
          "<recipe|file.toml> <new.toml> [options]",
          2,
          2,
          "Writes every option of a recipe with its value, range and source to a TOML file, to be edited and run.",
          "hone cp score my.toml\n"
          "hone cp grpo fast.toml --preset smoke\n"
          "hone cp sft mine.toml --data chat.jsonl --set fit.steps=500",
          recipe_options(),
          &run_cp};
}

}  // namespace hone::cli
