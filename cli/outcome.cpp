#include "cli/outcome.h"

#include "hone/base/toml_text.h"
#include "hone/report/run_folder.h"
#include "hone/report/summary.h"

#include <cmath>

namespace hone::cli {
namespace {

using report::member;
using report::number_at;
using report::text_at;

// "52.6 % [50.4, 54.8]"
std::string number_cell(const Json& value, const std::string& unit) {
  if (!std::isfinite(number_at(value, "mean"))) return "–";
  return fmt::format("{}{} [{}, {}]", report::format_number(number_at(value, "mean"), unit), report::unit_suffix(unit),
                     report::format_number(number_at(value, "low"), unit),
                     report::format_number(number_at(value, "high"), unit));
}

std::string arm_label(const Json& summary, const std::string& arm) {
  const std::string label = text_at(member(member(summary, "arms"), arm), "label");
  return base::printable(label.empty() ? arm : label);
}

// One row a metric, one column for each of the two arms.
std::string before_and_after(const Json& summary, const Console& console) {
  const std::string base = text_at(summary, "base"), improved = text_at(summary, "improved");
  const Json& arms = member(summary, "arms");
  const Json &before = member(member(arms, base), "values"), &after = member(member(arms, improved), "values");
  const Json& metrics = member(summary, "metrics");
  if (!metrics.is_array() || !after.is_object()) return "";
  const bool both = before.is_object() && base != improved;
  std::vector<std::string> header = {"held-out problems, 95 % intervals"};
  if (both) header.push_back("before: " + arm_label(summary, base));
  header.push_back((both ? "after: " : "") + arm_label(summary, improved));
  Table table(header);
  for (const Json& metric : metrics) {
    const std::string name = text_at(metric, "name"), unit = text_at(metric, "unit");
    std::vector<std::string> cells = {base::printable(text_at(metric, "label"))};
    if (both) cells.push_back(number_cell(member(before, name), unit));
    cells.push_back(console.paint(Tone::bold, number_cell(member(after, name), unit)));
    table.row(std::move(cells));
  }
  return table.text(console);
}

std::string transcripts_text(const Json& summary, const Console& console) {
  std::string text;
  const Json& transcripts = member(summary, "transcripts");
  if (!transcripts.is_array()) return text;
  for (const Json& transcript : transcripts) {
    text += fmt::format("\n{}  {}\n", console.paint(Tone::bold, base::printable(text_at(transcript, "kind"))),
                        console.paint(Tone::dim, base::printable(text_at(transcript, "rule"))));
    text += fmt::format("  problem   {}\n", base::printable(text_at(transcript, "prompt")));
    const Json& turns = member(transcript, "turns");
    for (std::size_t i = 0; turns.is_array() && i < turns.size(); ++i) {
      const std::string verdict = text_at(turns[i], "verdict");
      text += fmt::format("  attempt {} {}   {}\n", i + 1, base::printable(text_at(turns[i], "text")),
                          console.paint(verdict == "right" ? Tone::good : Tone::bad, base::printable(verdict)));
    }
  }
  return text;
}

std::vector<std::string> next_commands(const report::RunFolder& folder, const Json& summary) {
  std::vector<std::string> commands;
  if (const Json& next = member(summary, "next"); next.is_array()) {
    for (const Json& command : next) commands.push_back(base::printable(report::text_of(command)));
  }
  const std::string recipe = text_at(folder.run, "recipe"), preset = text_at(folder.run, "preset");
  if (!commands.empty()) return commands;
  if ((preset == "smoke" || preset == "demo") && !recipe.empty()) {
    commands.push_back(
        fmt::format("hone run {} --preset laptop --seeds 3   # the full comparison, with verdicts", recipe));
  } else {
    commands.push_back(fmt::format("hone judge {}   # verdicts on the claims", folder.name));
  }
  commands.push_back(fmt::format("hone cp {} my.toml   # change something, then: hone run my.toml", recipe));
  return commands;
}

}  // namespace

std::string outcome_text(const std::filesystem::path& run, const std::string& page, const Console& console) {
  const report::RunFolder folder = report::read_run_folder(run);
  const Json summary = report::summary_of(folder);
  std::string text;
  if (const std::string line = report::verdict_line(folder, summary); !line.empty()) {
    text += base::printable(line) + "\n\n";
  }
  text += before_and_after(summary, console) + transcripts_text(summary, console);
  text += fmt::format("\nreport  {}\nnext", page);
  for (const std::string& command : next_commands(folder, summary)) text += fmt::format("    {}\n    ", command);
  while (text.ends_with(' ')) text.pop_back();
  return text;
}

}  // namespace hone::cli
