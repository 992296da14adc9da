// hone bench: how fast this machine trains, generates, starts.
#include "hone/bench/bench.h"
#include "cli/commands/engine.h"
#include "cli/console.h"
#include "cli/engine_verbs.h"
#include "cli/inputs.h"
#include "cli/launch.h"
#include "cli/machine.h"
#include "hone/base/pool.h"
#include "hone/tensor/compat.h"

#include <cstdio>
#include <iostream>
#include <string>

namespace hone::cli {
namespace {

constexpr const char* kFields[] = {"mean", "sd", "best"};

std::string number_text(const Json& row, const char* key) {
  if (!row.contains(key)) return "";
  const double value = row[key].get<double>();
  return fmt::format("{:.{}f}", value, value >= 100 ? 0 : value >= 1 ? 1 : 3);
}

std::string share_text(const Json& row) {
  return row.contains("roof") ? fmt::format("{:.0f} %", 100 * row["roof"].get<double>()) : "";
}

int64_t vocab_of(const Json& row) {
  const Json& holder = row.contains("shape") ? row["shape"] : row;
  return base::get_int_or(holder, "vocab", 0, 0, INT64_MAX, "bench");
}

void print_table(const Json& rows, const Call& call) {
  const Console console = Console::of(stdout);
  Table table({"what", "parameters", "vocab", "mean", "sd", "best", "unit", "GFLOP/s", "roof"});
  for (const Json& row : rows) {
    const int64_t parameters = base::get_int_or(row, "parameters", 0, 0, INT64_MAX, "bench"), vocab = vocab_of(row);
    std::vector<std::string> cells = {base::get_string(row, "name", "bench"),
                                      parameters > 0 ? count_text(parameters) : "", vocab > 0 ? count_text(vocab) : ""};
    for (const char* field : kFields) cells.push_back(number_text(row, field));
    cells.insert(cells.end(), {base::get_string(row, "unit", "bench"), number_text(row, "gflops"), share_text(row)});
    table.row(std::move(cells));
  }
  put("{}", table.text(console));
  if (call.has("--quiet")) return;
  say("GFLOP/s: 6 operations a parameter and token in training, 2 in generation, position table left out; attention\n"
      "over the whole square. roof: share of the rate that the products alone reach by sgemm in the same shapes on "
      "all\n"
      "threads at once, in training with the attention kernel added.\n");
}

void print_csv(const Json& rows) {
  put("name,family,parameters,vocab,unit,mean,sd,best,gflops,roof\n");
  for (const Json& row : rows) {
    const auto value = [&](const char* key) {
      return row.contains(key) ? fmt::format("{:.6g}", row[key].get<double>()) : std::string();
    };
    const int64_t vocab = vocab_of(row);
    put("\"{}\",{},{},{},{},{},{},{},{},{}\n", base::get_string(row, "name", "bench"),
        base::get_string_or(row, "family", "", "bench"), value("parameters"), vocab > 0 ? std::to_string(vocab) : "",
        base::get_string(row, "unit", "bench"), value("mean"), value("sd"), value("best"), value("gflops"),
        value("roof"));
  }
}

// Another program says when to measure, so that it can measure something else in between.
void follow_stdin(bench::Pace& pace) {
  pace.next = []() -> std::optional<double> {
    std::string line;
    while (std::getline(std::cin, line)) {
      if (line.empty()) continue;
      char* end = nullptr;
      const double seconds = std::strtod(line.c_str(), &end);
      require(end != line.c_str() && *end == '\0' && seconds >= 0 && seconds <= 3600, ErrorKind::usage,
              "stdin: \"{}\" is not a number of seconds from 0 to 3600", line.substr(0, 40));
      return seconds;
    }
    return std::nullopt;
  };
  pace.tell = [](const Json& line) {
    put("{}\n", base::dump(line));
    finish_output();
  };
}

}  // namespace

int run_bench(const Call& call) {
  base::Pool pool(thread_count(call), tensor::set_single_threaded);
  Json rows = Json::array();
  for (const std::string& name : benches_of(call)) {
    bench::Plan plan = bench_plan(call, name);
    plan.programs = engine_path().parent_path();
    if (call.has("--paced")) follow_stdin(plan.pace);
    for (const Json& row : bench::bench(name, plan, pool)) rows.push_back(row);
  }
  if (call.has("--paced")) return 0;
  if (call.has("--json")) {
    const Json out = {{"version", version()},
                      {"commit", commit()},
                      {"machine", machine()},
                      {"threads", pool.threads()},
                      {"rows", rows}};
    put("{}\n", base::dump(out, 2));
  } else if (call.has("--csv")) {
    print_csv(rows);
  } else {
    print_table(rows, call);
  }
  return 0;
}

}  // namespace hone::cli
