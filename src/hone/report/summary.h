// The numbers of a run, once: every report (terminal, Markdown, HTML, JSON) takes them from here.
//
// Shares are fractions in all files and JSON (0.644, not 64.4); a metric's unit says how people see it: "%" times 100,
// "pts" a difference of two such shares, times 100 and with its sign, anything else as it is.
#pragma once

#include "hone/base/json.h"
#include "hone/report/claims.h"
#include "hone/report/run_folder.h"

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hone::report {

/// A number shown for every arm: Σ weight · mean of one of the arm's outcome vectors.
struct MetricSpec {
  std::string name;                                   ///< key in JSON: "delta"
  std::string label;                                  ///< "Δ(t1→t2)"
  std::string unit;                                   ///< "%", "pts" or anything else
  std::vector<std::pair<std::string, double>> terms;  ///< {{"t2", 1}, {"t1", -1}}
};

/// The five numbers of self-correction, of vectors "t1", "t2" and those that add_two_turn_metrics() makes:
/// acc_t1, acc_t2, delta = acc_t2 − acc_t1, wrong_to_right and right_to_wrong (shares of all problems).
/// delta = wrong_to_right − right_to_wrong.
std::vector<MetricSpec> two_turn_metrics();

/// The mean of one outcome vector of the same name, e.g. mean_metric("pass1", "pass@1", "%").
MetricSpec mean_metric(std::string name, std::string label, std::string unit);

/// The metrics that a summary.json lists; where it doesn't say of which outcomes a number is made, by its name.
std::vector<MetricSpec> metric_specs(const Json& summary);

/// Adds to every arm that has "t1" and "t2" the vectors "w2r" = (1 − t1)·t2 and "r2w" = t1·(1 − t2).
/// Errors: data if the two differ in length.
void add_two_turn_metrics(SeedOutcomes& outcomes);

/// An arm as shown.
struct ArmLabel {
  std::string name, label;
};

/// The stream that all reported intervals are drawn from, so that a number has the same interval wherever it is shown.
Rng interval_rng();

/// The parts "metrics", "arms" and "held_out" of summary.json, with 95 % intervals of the paired bootstrap:
///   {"metrics":[{"name","label","unit","terms":[{"outcome":"t2","weight":1},…]}],
///    "arms":{"score":{"label","values":{"acc_t1":{"mean","low","high","per_seed":[…]}}}},"held_out":500}
/// Two-turn vectors are added where they can be. An arm lacks the metrics whose vectors it lacks in some seed; arms not
/// named in `labels` come last, under their own name. `per_seed` is written for several seeds only.
Json build_arm_summary(std::vector<SeedOutcomes> seeds, const std::vector<MetricSpec>& metrics,
                       const std::vector<ArmLabel>& labels, Rng rng);

/// The summary to report: summary.json as the recipe wrote it; for a run over several seeds the parts of the first
/// seed, with arms weighed anew over all seeds and costs added up. Differences of shares (a negative weight and unit
/// "%") get the unit "pts". Empty object if there is none.
Json summary_of(const RunFolder& folder);

/// "52.6", "−4.4" or "1.83": a number in its unit, without the unit, with a true minus sign; "–" for NaN.
std::string format_number(double value, std::string_view unit);
/// " %", " pts" or "".
std::string unit_suffix(std::string_view unit);

/// "3.10M" of anything that is counted; "412 MB".
std::string format_count(double value);
std::string format_bytes(double bytes);

/// How the run went in one line: the judged claims if any, and the recipe's headline or else "Acc@t2 41.4 → 64.4 %, …".
std::string verdict_line(const RunFolder& folder, const Json& summary);

/// {"schema":1,"run","recipe","preset","seeds","held_out","base":{"acc_t1":{"mean","low","high"},…},"improved":{…},
///  "headline","base_arm","improved_arm","metrics","arms","claims","cost","missing"}; "base" and "improved" are null
/// if the run has no such arm.
Json report_json(const std::filesystem::path& run_dir);
/// The same of a folder already read; `summary` is summary_of(folder).
Json report_json(const RunFolder& folder, const Json& summary);

/// Weighs the claims on the outcomes of a run, or of several of other seeds (read_pooled_runs); the JSON of
/// results.json:
///   {"schema":1,"recipe","preset","recorded_at","seeds":[…],"held_out","machine","minutes","peak_rss_bytes","commit",
///    "metrics","arms","claims":[{"id","statement","verdict","contrasts":[{"label","mean","low","high","margin","unit",
///    "per_seed"}]}]}
/// A claim on arms that the run doesn't have is INCONCLUSIVE, with the reason under "note".
/// Errors: data if no seed has outcomes; those of read_pooled_runs.
Json judge_runs(const std::vector<std::filesystem::path>& runs, const std::vector<Claim>& claims);
/// The same of a single run.
Json judge_run(const std::filesystem::path& run_dir, const std::vector<Claim>& claims);

}  // namespace hone::report
