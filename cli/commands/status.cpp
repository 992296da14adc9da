// Bare `hone`: where one stands, and what one could do next.
#include "cli/commands/verbs.h"
#include "cli/console.h"
#include "cli/inputs.h"
#include "cli/machine.h"
#include "cli/runs.h"
#include "hone/report/recipe_card.h"

namespace hone::cli {
namespace {

constexpr std::size_t kRunsShown = 5;

std::vector<std::pair<std::string, std::string>> suggestions(const std::vector<RunInfo>& runs) {
  if (runs.empty()) {
    return {{"hone demo", "a model that learns to correct itself"},
            {"hone ls", "the recipes"},
            {"hone run sft --data chat.jsonl", "a recipe on your own data"}};
  }
  const RunInfo& last = runs.front();
  if (last.state == RunState::stopped) {
    return {{fmt::format("hone run --resume {}", last.name), "go on where it stopped"},
            {fmt::format("hone show {}", last.name), "its options"},
            {"hone ls", "the recipes"}};
  }
  return {{"hone report latest", "what came out"},
          {fmt::format("hone show {}", last.recipe), "the method and its options"},
          {fmt::format("hone cp {} my.toml", last.recipe), "change something, run it again"}};
}

}  // namespace

int print_status(const Call& call) {
  const std::vector<RunInfo> runs = known_runs(call.runs, kRunsShown);
  const auto next = suggestions(runs);
  if (call.has("--json")) {
    Json list = Json::array(), commands = Json::array();
    for (const RunInfo& run : runs) list.push_back(to_json(run));
    for (const auto& [command, why] : next) commands.push_back(command);
    const Json out = {{"version", version()}, {"threads", thread_count(call)}, {"runs", list}, {"next", commands}};
    put("{}\n", base::dump(out, 2));
    return 0;
  }
  const Console console = Console::of(stdout);
  const int threads = thread_count(call);
  put("{} {} · {} thread{} · {} · {} recipes\n", console.paint(Tone::bold, "hone"), version(), threads,
      threads == 1 ? "" : "s", simd_level(), report::recipe_cards().size());
  if (!runs.empty()) {
    Table table({"  last runs", "preset", "state", "started"});
    for (const RunInfo& run : runs) table.row({"  " + run.name, run.preset, name_of(run.state), run.started_at});
    put("\n{}", table.text(console));
  }
  put("\n{}\n", console.paint(Tone::dim, "  next"));
  std::size_t width = 0;
  for (const auto& [command, why] : next) width = std::max(width, command.size());
  for (const auto& [command, why] : next) {
    put("  {}{:{}}  {}\n", console.paint(Tone::accent, command), "", width - command.size(), why);
  }
  put("\n  hone --help lists every command\n");
  return 0;
}

}  // namespace hone::cli
