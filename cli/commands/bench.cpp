// hone bench: how fast this machine trains and generates.
#include "hone/train/bench.h"
#include "cli/commands/engine.h"
#include "cli/console.h"
#include "cli/engine_verbs.h"
#include "cli/inputs.h"
#include "hone/base/pool.h"
#include "hone/tensor/compat.h"

namespace hone::cli {
namespace {

// One row a measurement: {"name", "mean", "sd", "unit", …}.
void print_rows(const Json& rows) {
  const Console console = Console::of(stdout);
  Table table({"what", "mean", "sd", "unit", "GFLOP/s"});
  for (const Json& row : rows) {
    table.row({base::get_string(row, "name", "bench"),
               fmt::format("{:.0f}", base::get_number_or(row, "mean", 0, "bench")),
               fmt::format("{:.0f}", base::get_number_or(row, "sd", 0, "bench")),
               base::get_string_or(row, "unit", "tokens/s", "bench"),
               fmt::format("{:.1f}", base::get_number_or(row, "gflops", 0, "bench"))});
  }
  put("{}", table.text(console));
}

}  // namespace

int run_bench(const Call& call) {
  base::Pool pool(thread_count(call), tensor::set_single_threaded);
  Json rows = Json::array();
  for (const std::string& name : bench_names(call)) {
    for (const Json& row : train::bench(name, pool)) rows.push_back(row);
  }
  if (call.has("--json")) {
    put("{}\n", base::dump(Json{{"threads", pool.threads()}, {"rows", rows}}, 2));
  } else {
    print_rows(rows);
  }
  return 0;
}

}  // namespace hone::cli
