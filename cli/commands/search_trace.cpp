// hone search-trace (also `hone eval search-trace`): searches that a model has written, parsed, judged and compared
// with the symbolic solvers.
#include "cli/commands/verbs.h"
#include "cli/console.h"
#include "hone/base/error.h"
#include "hone/base/files.h"
#include "hone/base/toml_text.h"
#include "hone/tasks/search/measures.h"
#include "hone/tasks/search/problems.h"

#include <filesystem>

namespace hone::cli {
namespace {

namespace search = tasks::search;

constexpr Option kOptions[] = {
    {"--world", "W", "rules of the solvers (default cd3-wide: no cap)"},
    {"--alone", "", "don't run the solvers beside the traces"},
    {"--faults", "N", "name the mistakes of the first N faulty traces"},
};

struct Faulty {
  std::string place;
  std::vector<search::TraceFault> faults;
};

struct Report {
  search::SearchTable table;
  std::vector<Faulty> faulty;
};

Report report_of(const Call& call) {
  const std::filesystem::path file = call.operands[0];
  const tasks::CountdownWorld& world = tasks::countdown_world(call.value("--world").value_or("cd3-wide"));
  const auto compare = call.has("--alone") ? search::Compare::alone : search::Compare::with_solvers;
  const auto most = static_cast<std::size_t>(call.integer("--faults", 0, 0, 1 << 30));
  Report report;
  search::for_each_trace(base::read_file(file), file.filename().string(), [&](const search::TraceRow& row) {
    report.table.add(search::measure(world, row.numbers, row.target, row.trace, compare), row.solver);
    if (report.faulty.size() >= most) return;
    auto faults = search::build_tree(row.trace, row.numbers, row.target).faults;
    if (!faults.empty()) report.faulty.push_back({row.place, std::move(faults)});
  });
  return report;
}

Json faulty_json(const std::vector<Faulty>& faulty) {
  Json list = Json::array();
  for (const Faulty& one : faulty) {
    Json faults = Json::array();
    for (const search::TraceFault& fault : one.faults) {
      faults.push_back({{"kind", search::name_of(fault.kind)}, {"line", fault.event + 1}, {"what", fault.what}});
    }
    list.push_back({{"place", one.place}, {"faults", faults}});
  }
  return list;
}

std::string percent(const Json& share) {
  return share.is_null() ? "–" : fmt::format("{:.1f} %", 100 * share.get<double>());
}
std::string mean(const Json& value) { return value.is_null() ? "–" : fmt::format("{:.2f}", value.get<double>()); }

void print_solvers(const Json& solvers, const Console& console) {
  Table table({"solver", "solves", "same verdict", "states in common"});
  for (const auto& [name, row] : solvers.items()) {
    table.row({console.paint(Tone::accent, name), percent(row.at("solves")), percent(row.at("same_verdict")),
               percent(row.at("states"))});
  }
  put("\n{}", table.text(console));
}

void print_report(const Json& table, const std::vector<Faulty>& faulty, const Console& console) {
  put("traces      {}\n", count_text(table.at("traces").get<int64_t>()));
  put("solved      {} (strict), {} (official check, which lets a number be used again)\n",
      percent(table.at("accuracy").at("strict")), percent(table.at("accuracy").at("lax")));
  put("goal        {} say that they reached it, {} reached it and called it unequal\n", percent(table.at("says_goal")),
      percent(table.at("denied_goal")));
  std::string faults;
  for (const auto& [kind, count] : table.at("faults").items()) faults += fmt::format(" · {} {}", kind, mean(count));
  put("mistakes    per trace{}\n", faults);
  put("operations  {} tried a trace, {} where solved; {} states\n", mean(table.at("explored").at("all")),
      mean(table.at("explored").at("solved")), mean(table.at("states")));
  for (const auto& [name, meaning] :
       {std::pair{"unsolved", "whose own solver fails"}, {"difficult", "no solver solves"}}) {
    put("{:<11} {} of {} problems {}\n", name, percent(table.at(name).at("solved")),
        count_text(table.at(name).at("problems").get<int64_t>()), meaning);
  }
  if (!table.at("solvers").empty()) print_solvers(table.at("solvers"), console);
  for (const Faulty& one : faulty) {
    put("\n{}\n", console.paint(Tone::accent, one.place));
    for (const search::TraceFault& fault : one.faults) {
      put("  line {}: {}: {}\n", fault.event + 1, search::name_of(fault.kind), base::printable(fault.what));
    }
  }
}

int run_search_trace(const Call& call) {
  const Report report = report_of(call);
  Json table = report.table.to_json();
  if (call.has("--json")) {
    if (call.has("--faults")) table["faulty"] = faulty_json(report.faulty);
    put("{}\n", base::dump(table, 2));
  } else {
    print_report(table, report.faulty, Console::of(stdout));
  }
  return 0;
}

}  // namespace

Command search_trace_verb() {
  return {
      "search-trace",
      "judge searches that a model has written",
      "FILE [options]",
      1,
      1,
      "Reads the searches of a JSONL file (Stream of Search's lines, or hone's compact words) into trees: how many "
      "reach the goal by the strict check and by the official one, mistakes by kind, and how far the states visited "
      "are those of each of the 12 symbolic solvers. The same as hone eval search-trace.",
      "hone data make search --count 500 --out traces.jsonl\n"
      "hone search-trace traces.jsonl --world cd3\n"
      "hone eval search-trace traces.jsonl --faults 3 --json",
      kOptions,
      &run_search_trace};
}

}  // namespace hone::cli
