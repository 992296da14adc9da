// Claims and their verdicts. A claim is data fixed before the run; the verdict comes from paired bootstrap intervals
// over seeds and problems.
#pragma once

#include "hone/base/json.h"
#include "hone/base/rng.h"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace hone::report {

/// Outcomes of one seed: for every arm and metric one number per held-out problem, all in the same problem order.
struct SeedOutcomes {
  uint64_t seed = 0;
  std::map<std::string, std::map<std::string, std::vector<double>>> arms;  ///< arms["score"]["t1"][problem]
};
/// {"seed":1,"arms":{"score":{"t1":[0,1,…]}}}; whole numbers are written without a fraction.
Json to_json(const SeedOutcomes& outcomes);
/// Errors: format, naming `where` and the arm and metric (not an array, not a finite number, a negative seed).
SeedOutcomes outcomes_from_json(const Json& json, std::string_view where);

/// weight · mean over problems of arms[arm][metric].
struct Term {
  std::string arm, metric;
  double weight = 1;
};

/// A number claimed to be above `margin`: the sum of its terms.
struct Contrast {
  std::string label;  ///< "Δ of SCoRe"
  std::vector<Term> terms;
  double margin = 0;
};

/// A statement that holds if every contrast does.
struct Claim {
  std::string id;         ///< "A"
  std::string statement;  ///< "the second attempt helps: Δ > 0 and Δ above the base model's"
  std::vector<Contrast> contrasts;
  std::string preset{};  ///< the preset whose runs it is weighed on; "" = all that have no claims of their own
};

/// Mean and 95 % interval.
struct Interval {
  double mean = 0, low = 0, high = 0;
};

/// A number weighed over seeds.
struct Estimate {
  Interval interval;
  std::vector<double> per_seed;  ///< Σ terms of each seed alone, in the order of the seeds
};

/// Σ terms with a two-level paired bootstrap (seeds with replacement, then problems with replacement, the same
/// problems for every arm): percentiles 2.5 and 97.5 of `draws` resamples. One seed: problems only.
///
/// Seeds of equal length share the drawn problems, so that a held-out set common to all seeds is not counted as that
/// many independent ones; seeds whose problems differ get the same variance either way.
/// Errors: data naming a missing arm or metric, or arms of different lengths.
Interval estimate(const std::vector<SeedOutcomes>& seeds, const std::vector<Term>& terms, Rng rng, int draws = 2000);

/// Many sums of terms under the same resamples; equal to estimate() of each, at about the cost of one.
std::vector<Estimate> estimate_all(const std::vector<SeedOutcomes>& seeds, const std::vector<std::vector<Term>>& sums,
                                   Rng rng, int draws = 2000);

enum class Verdict { reproduced, not_reproduced, inconclusive };
const char* name_of(Verdict verdict);  ///< "REPRODUCED", "NOT REPRODUCED", "INCONCLUSIVE"

struct ContrastResult {
  Contrast contrast;
  Interval interval;
  std::vector<double> per_seed;
};
struct ClaimResult {
  Claim claim;
  Verdict verdict = Verdict::inconclusive;
  std::vector<ContrastResult> contrasts;
};

/// REPRODUCED if every contrast's lower end is above its margin; NOT REPRODUCED if one contrast's upper end is below
/// its margin; otherwise, and always with fewer than 3 seeds, INCONCLUSIVE.
ClaimResult judge(const Claim& claim, const std::vector<SeedOutcomes>& seeds, Rng rng);

}  // namespace hone::report
