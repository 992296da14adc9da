// Several runs side by side: what they share, how every arm differs from the first run, and what can't be compared.
#pragma once

#include "hone/report/claims.h"
#include "hone/report/run_folder.h"
#include "hone/report/summary.h"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace hone::report {

/// One run of a comparison.
struct ComparedRun {
  std::string letter;  ///< "A": how charts and tables call it
  RunFolder folder;
  Json summary;                     ///< summary_of(folder)
  std::vector<SeedOutcomes> seeds;  ///< with the two-turn vectors added
  std::vector<MetricSpec> metrics;  ///< all that it reports
  std::string base, improved;       ///< arms; `improved` is always one that it has
  std::string unpaired;             ///< why its problems aren't the first run's; "" if they are
};

/// A metric that at least two runs report. "greedy" and "acc_t1" are one: the first answer, taken greedily.
struct SharedMetric {
  std::string name, label, unit;
  std::string meaning;  ///< which outcomes it is made of; what makes metrics of two runs one
};

/// What is known of one arm and one shared metric. NaN where the run doesn't report it.
struct Cell {
  Interval value, difference;  ///< the difference to the reference; NaN for the reference itself
  std::vector<double> per_seed;
};

/// A row: an arm of a run.
struct ComparedArm {
  std::size_t run = 0;
  std::string name, label;
  std::string kind;         ///< "improved", "base" or "other"
  std::vector<Cell> cells;  ///< in the order of Comparison::metrics
};

struct Comparison {
  std::vector<ComparedRun> runs;
  std::vector<SharedMetric> metrics;  ///< in the first run's order
  std::vector<ComparedArm> arms;      ///< by run
  std::size_t reference = 0;          ///< the arm that differences are taken to: the first run's improved one
  std::string headline;               ///< who leads by how much, and whether that is certain
  std::vector<std::string> notes;     ///< what can't be compared and why, what is missing
};

/// Reads and compares. A run named twice is compared once, and a note says so.
///
/// Differences come from the two-level bootstrap: within the first run arms are paired by seed and problem; arms of
/// other runs are paired by problem where both runs hold out the same problems, as their options say, else not at all.
/// Errors: usage if fewer than two different runs are left, or one lies in another; format or data, naming the file, if
/// a summary.json or outcomes.json is spoiled or a run has no results; those of read_run_folder.
Comparison compare(const std::vector<std::filesystem::path>& runs);

/// Why the held-out problems of two runs can't be taken for the same; "" if their options and numbers agree.
std::string why_unpaired(const ComparedRun& first, const ComparedRun& other);

/// Whether two arms are compared problem by problem.
bool is_paired(const Comparison& all, const ComparedArm& left, const ComparedArm& right);

/// left − right for every shared metric; NaN where one of them lacks it. Cost: 2000 resamples of both runs.
std::vector<Interval> arm_differences(const Comparison& all, const ComparedArm& left, const ComparedArm& right);

}  // namespace hone::report
