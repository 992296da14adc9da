// hone doctor: a block to paste into a bug report.
#include "cli/commands/verbs.h"
#include "cli/console.h"
#include "cli/inputs.h"
#include "cli/launch.h"
#include "cli/machine.h"
#include "hone/base/files.h"

#include <cstdlib>

namespace hone::cli {
namespace {

std::string engine_state() {
  try {
    return engine_path().string();
  } catch (const Error&) {
    return "missing: make build";
  }
}

std::string environment_text() {
  std::string text;
  for (const char* name : {"HONE_RUNS", "HONE_THREADS", "HONE_KERNELS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS",
                           "OPENBLAS_CORETYPE", "NO_COLOR", "CLICOLOR_FORCE", "TERM", "CI"}) {
    if (const char* value = std::getenv(name)) text += fmt::format("{}{}={}", text.empty() ? "" : " ", name, value);
  }
  return text;
}

int run_doctor(const Call& call) {
  Json facts = {{"hone", version()}, {"commit", commit()}, {"compiler", __VERSION__}};
  const Json machine_facts = machine();
  for (const auto& [key, value] : machine_facts.items()) facts[key] = value;
  facts["threads"] = thread_count(call);
  facts["engine"] = engine_state();
  facts["runs"] = call.runs.string();
  facts["disk_free_bytes"] = base::free_bytes(call.runs);
  facts["environment"] = environment_text();
  if (call.has("--json")) {
    put("{}\n", base::dump(facts, 2));
    return 0;
  }
  for (const auto& [key, value] : facts.items()) {
    const bool bytes = key.ends_with("_bytes");
    const std::string text = value.is_string() ? value.get<std::string>()
                             : bytes           ? size_text(value.get<uint64_t>())
                                               : base::dump(value);
    put("{:<12} {}\n", bytes ? key.substr(0, key.size() - 6) : key, text);
  }
  return 0;
}

}  // namespace

Command doctor_verb() {
  return {"doctor",
          "versions, processor, threads, disk",
          "",
          0,
          0,
          "Prints what a bug report needs: versions, processor and vector instructions, threads, memory, free disk, "
          "and whether the engine is there. Nothing is sent anywhere.",
          "hone doctor\n"
          "hone doctor --json\n"
          "hone doctor --runs /data/runs",
          {},
          &run_doctor};
}

}  // namespace hone::cli
