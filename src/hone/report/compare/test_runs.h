// Two runs to compare, with made-up numbers.
#pragma once

#include "hone/base/files.h"
#include "hone/base/json.h"
#include "hone/report/fake_run.h"

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace hone::report {

/// Rewrites a JSON file.
inline void edit_json(const std::filesystem::path& file, const std::function<void(Json&)>& change) {
  Json json = base::parse_json(base::read_file(file), file.string());
  change(json);
  base::write_file_atomic(file, base::dump(json));
}

/// Replaces a text in a file wherever it stands.
inline void replace_all(const std::filesystem::path& file, const std::string& from, const std::string& to) {
  std::string text = base::read_file(file);
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
  base::write_file_atomic(file, text);
}

/// Runs "first" and "second" of three seeds of one recipe on the same 500 problems; in the second one every attempt of
/// the improved arm at the first 100 problems is right.
struct TwoRuns {
  TemporaryFolder folder;
  std::filesystem::path first = folder.path() / "first", second = folder.path() / "second";

  TwoRuns() {
    for (const auto& run : {first, second}) {
      std::filesystem::create_directories(run);
      write_fake_seeds(run, 3);
      for (const char* seed : {"seed-1", "seed-2", "seed-3"})
        replace_all(run / seed / "metrics.jsonl", "score stage ", "score.stage");
    }
    edit_seeds("outcomes.json", [](Json& outcomes) {
      for (const char* attempt : {"t1", "t2"}) {
        for (std::size_t p = 0; p < 100; ++p) outcomes["arms"]["score"][attempt][p] = 1;
      }
    });
  }
  /// Changes a file in every seed of the second run.
  void edit_seeds(const char* file, const std::function<void(Json&)>& change) const {
    for (const char* seed : {"seed-1", "seed-2", "seed-3"}) edit_json(second / seed / file, change);
  }
  std::vector<std::filesystem::path> both() const { return {first, second}; }
};

/// Makes the second run one of another recipe, of one attempt, with pass@k, its problems from a Countdown world.
inline void make_one_attempt(const TwoRuns& runs) {
  edit_json(runs.second / "run.json", [](Json& run) { run["recipe"] = "grpo"; });
  runs.edit_seeds("outcomes.json", [](Json& outcomes) {
    for (auto& [name, arm] : outcomes["arms"].items()) {
      const Json first = arm["t1"], second = arm["t2"];
      arm = {{"greedy", first}, {"pass1", first}, {"pass4", second}};
    }
  });
  runs.edit_seeds("summary.json", [](Json& summary) {
    summary["metrics"] = Json::array();
    for (const char* name : {"greedy", "pass1", "pass4"}) {
      summary["metrics"].push_back(
          {{"name", name},
           {"label", std::string(name) == "greedy" ? "greedy accuracy" : std::string("pass@") + name[4]},
           {"unit", "%"},
           {"terms", Json::array({{{"outcome", name}, {"weight", 1}}})}});
    }
  });
}

}  // namespace hone::report
