// hone check: would this run start, and what would it take?
#include "cli/chat_report.h"
#include "cli/commands/verbs.h"
#include "cli/console.h"
#include "cli/inputs.h"
#include "hone/base/error.h"
#include "hone/base/files.h"

namespace hone::cli {
namespace {

// Without a recipe: the chat template of a model folder alone.
int check_model(const Call& call) {
  const auto model = call.value("--model");
  if (!model) throw Error(ErrorKind::usage, "hone check needs a recipe or a model folder", "--model DIR");
  const ChatReport report = report_chat(*model, sample_conversation());
  if (call.has("--json")) {
    put("{}\n", base::dump(Json{{"ok", true}, {"model", *model}, {"chat", to_json(report)}}, 2));
  } else {
    put("{}", to_text(report, Console::of(stdout)));
  }
  return 0;
}

int run_check(const Call& call) {
  if (call.operands.empty()) return check_model(call);
  const Recipe recipe = recipe_for_seed(resolve_recipe(call), 1);
  const Inputs inputs = check_inputs(recipe);
  const int threads = thread_count(call);
  const Estimate needs = estimate(recipe, inputs, threads);
  const std::vector<base::OptionEntry> changed = changed_options(recipe);
  const std::string model = call.has("--model") ? text_value(recipe, "model") : "";
  const ChatReport chat = model.empty() ? ChatReport{} : report_chat(model, sample_conversation());
  if (call.has("--json")) {
    put("{}\n", base::dump(Json{{"ok", true},
                                {"recipe", recipe.card.name},
                                {"preset", recipe.preset},
                                {"rows", inputs.rows},
                                {"parameters", needs.parameters},
                                {"memory_bytes", needs.memory_bytes},
                                {"chat", to_json(chat)},
                                {"options", recipe.set->to_json()}},
                           2));
    return 0;
  }
  const Console console = Console::of(stdout);
  put("{} {} · preset {} · {} option{} differ{} from the defaults\n", console.paint(Tone::good, "ok"), recipe.card.name,
      recipe.preset, changed.size(), changed.size() == 1 ? "" : "s", changed.size() == 1 ? "s" : "");
  if (call.has("--quiet")) return 0;
  if (inputs.rows > 0) put("rows        {}\n", count_text(inputs.rows));
  if (needs.parameters > 0) {
    put("parameters  about {}\nmemory      about {} with {} threads\n", count_text(needs.parameters),
        size_text(needs.memory_bytes), threads);
  }
  if (!model.empty()) put("{}", to_text(chat, console));
  if (!changed.empty()) {
    Table table({"option", "value", "default", "from"});
    for (const base::OptionEntry& entry : changed) {
      const std::string from = entry.origin == base::Origin::preset ? "preset " + recipe.preset : entry.place;
      table.row({entry.path, entry.value, entry.standard, from});
    }
    put("\n{}", table.text(console));
  }
  return 0;
}

constexpr Option kThreads = {"--threads", "N", "threads to estimate for"};

std::span<const Option> check_options() {
  static const std::vector<Option> options = [] {
    std::vector<Option> all(recipe_options().begin(), recipe_options().end());
    all.push_back(kThreads);
    return all;
  }();
  return options;
}

}  // namespace

Command check_verb() {
  return {"check",
          "validate a recipe file, estimate its needs",
          "<recipe|file.toml> [options] | --model DIR",
          0,
          1,
          "Finds everything that can be known to be wrong with a run before it starts: unknown keys, values out of "
          "range, a data file with a bad line, a spoiled model folder. Prints what the run would need. With --model it "
          "says whether "
          "the folder's chat template keeps its prefix over turns, and which tokens carry loss; without a recipe that "
          "is all it does.",
          "hone check my.toml\n"
          "hone check score --preset laptop --set stage2.steps=50\n"
          "hone check --model runs/latest/model",
          check_options(),
          &run_check};
}

}  // namespace hone::cli
