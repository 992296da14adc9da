// A run folder as a report reads it: whatever is there, with a list of what is missing or can't be read. The files may
// come from a killed run, another version or another person, so nothing in them is taken for granted.
#pragma once

#include "hone/base/json.h"
#include "hone/report/claims.h"

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hone::report {

/// A metric's values over the steps of one phase, in the order written; NaN where a value was not finite.
struct Curve {
  std::string metric, phase;
  std::vector<double> steps, values;
};

/// What metrics.jsonl says of one phase.
struct PhaseRecord {
  std::string name;
  double first_step = 0, last_step = 0;
  double seconds = 0;            ///< between its logged steps; 0 if unknown
  double tokens_per_second = 0;  ///< median; 0 if unknown
};

struct RunFolder {
  std::filesystem::path dir;
  std::string name;                 ///< of the folder, links resolved
  Json run = Json::object();        ///< run.json
  Json options = Json::array();     ///< options.json
  Json summary = Json::object();    ///< summary.json
  Json results = Json::object();    ///< results.json, if the run has been judged
  std::vector<PhaseRecord> phases;  ///< in order of appearance
  std::vector<Curve> curves;        ///< in order of appearance
  std::vector<Json> samples;        ///< the last ones of samples.jsonl
  std::vector<Json> warnings;       ///< events whose kind is "warning"
  std::optional<SeedOutcomes> outcomes;
  bool has_seeds = false;            ///< run.json lists several seeds, each in its own sub folder
  std::vector<RunFolder> seeds;      ///< those sub folders, seed-<n>, that exist
  std::vector<std::string> missing;  ///< "metrics.jsonl is missing", "samples.jsonl: line 7: …"
};

/// Reads what there is. Errors: usage if `dir` is no folder or holds none of a run's files.
RunFolder read_run_folder(const std::filesystem::path& dir);

/// Runs of one recipe with the same preset and options and other seeds, on other days or machines, as one run of all
/// those seeds: run.json is the first one's, with every seed and, separated by ", ", every commit and processor that
/// took part. Errors: those of read_run_folder; data where recipe, preset or options differ or a seed comes twice;
/// internal without a run.
RunFolder read_pooled_runs(const std::vector<std::filesystem::path>& dirs);

/// The outcomes of every seed that has them: of the sub folders, or of the run itself.
std::vector<SeedOutcomes> outcomes_of(const RunFolder& folder);

/// The folders that hold one seed each: the sub folders, or the run itself.
std::vector<const RunFolder*> seed_folders(const RunFolder& folder);

/// The member `key`, or null if `object` is no object or has no such member.
const Json& member(const Json& object, std::string_view key);
/// A string as it is, a number or bool as written, "" for null, compact JSON otherwise.
std::string text_of(const Json& value);
std::string text_at(const Json& object, std::string_view key);
/// A finite number, or NaN.
double number_at(const Json& object, std::string_view key);

}  // namespace hone::report
