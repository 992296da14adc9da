// Resampling of seeds and problems: what the intervals of claims and of comparisons are made of.
#pragma once

#include "hone/base/rng.h"
#include "hone/report/claims.h"

#include <cstddef>
#include <vector>

namespace hone::report {

/// One seed's sums problem by problem: values[problem * sums + sum]. Arms are paired here: their outcomes of one
/// problem are added up before anything is drawn.
struct SeedTable {
  std::size_t problems = 0;
  std::vector<double> values;
};
/// Errors: data naming a missing arm or metric, or arms of different lengths.
SeedTable table_of(const SeedOutcomes& seed, const std::vector<std::vector<Term>>& sums);

/// sums[k] += weight · mean over the drawn problems; counts[p] says how often problem p was drawn.
void add_resampled(const SeedTable& table, const std::vector<uint32_t>& counts, double weight,
                   std::vector<double>& sums);

/// Where one resample takes its seeds and its problems from: two sides of a difference may share the latter.
struct Draw {
  Rng seeds, problems;
};
/// The sums of one resample: seeds with replacement, then problems with replacement (the same ones for every seed if
/// all have equally many).
std::vector<double> resample(const std::vector<SeedTable>& tables, std::size_t sum_count, const Draw& draw);

/// Sorts `drawn` and sets low and high to its percentiles 2.5 and 97.5.
void set_ends(Interval& interval, std::vector<double>& drawn);

/// Sums of terms over the seeds of one run; one side of a difference.
struct Side {
  const std::vector<SeedOutcomes>& seeds;
  std::vector<std::vector<Term>> sums;
};
/// Whether both sides were measured on the same problems in the same order.
enum class Pairing { by_problem, none };

/// left.sums[k] − right.sums[k] of two runs, with intervals as estimate() makes them. Seeds of the two sides are drawn
/// independently (equal numbers don't make equal runs). By problem: both sides get the same drawn problems, so that
/// what is hard for both cancels; otherwise, and where sides differ in length, problems are drawn for each side on its
/// own. Errors: those of estimate(), and internal if the sides list different numbers of sums.
std::vector<Interval> differences(const Side& left, const Side& right, Pairing pairing, Rng rng);

}  // namespace hone::report
