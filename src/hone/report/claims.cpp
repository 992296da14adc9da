#include "hone/report/claims.h"

#include "hone/base/error.h"

#include <algorithm>
#include <cmath>

namespace hone::report {
namespace {

constexpr std::size_t kSeedsForVerdict = 3;

Json number_json(double value) {
  if (value == std::floor(value) && std::abs(value) < 1e15) return Json(static_cast<int64_t>(value));
  return base::finite_or_null(value);
}

const std::vector<double>& outcomes_of(const SeedOutcomes& seed, const Term& term) {
  const auto arm = seed.arms.find(term.arm);
  require(arm != seed.arms.end(), ErrorKind::data, "seed {}: no outcomes of arm \"{}\"", seed.seed, term.arm);
  const auto metric = arm->second.find(term.metric);
  require(metric != arm->second.end(), ErrorKind::data, "seed {}: arm \"{}\" has no metric \"{}\"", seed.seed, term.arm,
          term.metric);
  return metric->second;
}

// One seed's sums problem by problem: values[problem * sums + sum]. Pairing of the arms happens here.
struct SeedTable {
  std::size_t problems = 0;
  std::vector<double> values;
};

SeedTable table_of(const SeedOutcomes& seed, const std::vector<std::vector<Term>>& sums) {
  SeedTable table;
  const Term* first = nullptr;
  for (std::size_t k = 0; k < sums.size(); ++k) {
    for (const Term& term : sums[k]) {
      const std::vector<double>& outcomes = outcomes_of(seed, term);
      if (!first) {
        first = &term;
        table.problems = outcomes.size();
        require(table.problems > 0, ErrorKind::data, "seed {}: arm \"{}\" has no outcomes of \"{}\"", seed.seed,
                term.arm, term.metric);
        table.values.assign(table.problems * sums.size(), 0.0);
      }
      require(outcomes.size() == table.problems, ErrorKind::data,
              "seed {}: {}.{} has {} problems but {}.{} has {}; arms are compared problem by problem", seed.seed,
              term.arm, term.metric, outcomes.size(), first->arm, first->metric, table.problems);
      for (std::size_t p = 0; p < table.problems; ++p) {
        table.values[p * sums.size() + k] += term.weight * outcomes[p];
      }
    }
  }
  require(first != nullptr, ErrorKind::internal, "an estimate needs at least one term");
  return table;
}

// How often each of `n` things is drawn in n draws with replacement. Four 32-bit words of one Philox block at a time;
// taking the high half of word · n has a bias below n / 2^32.
void draw_counts(uint64_t key, std::vector<uint32_t>& counts) {
  const std::size_t n = counts.size();
  std::fill(counts.begin(), counts.end(), 0);
  const uint32_t key_words[2] = {static_cast<uint32_t>(key), static_cast<uint32_t>(key >> 32)};
  for (std::size_t i = 0; i < n; i += 4) {
    const uint32_t counter[4] = {static_cast<uint32_t>(i / 4), 0, 0, 0};
    uint32_t words[4];
    philox4x32(counter, key_words, words);
    for (std::size_t j = 0; j < std::min<std::size_t>(4, n - i); ++j) ++counts[(uint64_t{words[j]} * n) >> 32];
  }
}

// sums[k] += weight · mean over the drawn problems. Added up before it is divided: whole outcomes stay exact.
void add_resampled(const SeedTable& table, const std::vector<uint32_t>& counts, double weight,
                   std::vector<double>& sums) {
  std::vector<double> totals(sums.size(), 0.0);
  for (std::size_t p = 0; p < table.problems; ++p) {
    if (counts[p] == 0) continue;
    const double times = counts[p];
    const double* row = &table.values[p * sums.size()];
    for (std::size_t k = 0; k < sums.size(); ++k) totals[k] += times * row[k];
  }
  for (std::size_t k = 0; k < sums.size(); ++k) sums[k] += weight * (totals[k] / static_cast<double>(table.problems));
}

// The sums of one resample: seeds with replacement, then problems with replacement.
std::vector<double> resample(const std::vector<SeedTable>& tables, std::size_t sum_count, const Rng& draw) {
  std::vector<uint32_t> seed_counts(tables.size());
  draw_counts(draw.fork("seeds").key(), seed_counts);
  const bool shared =
      std::all_of(tables.begin(), tables.end(), [&](const SeedTable& t) { return t.problems == tables[0].problems; });
  std::vector<double> sums(sum_count, 0.0);
  std::vector<uint32_t> counts(tables[0].problems);
  if (shared) draw_counts(draw.fork("problems").key(), counts);
  for (std::size_t s = 0; s < tables.size(); ++s) {
    if (seed_counts[s] == 0) continue;
    if (!shared) {
      counts.resize(tables[s].problems);
      draw_counts(draw.fork("problems", {s}).key(), counts);
    }
    add_resampled(tables[s], counts, static_cast<double>(seed_counts[s]) / static_cast<double>(tables.size()), sums);
  }
  return sums;
}

double percentile(const std::vector<double>& sorted, double q) {
  const double at = q * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (at - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

}  // namespace

Json to_json(const SeedOutcomes& outcomes) {
  Json arms = Json::object();
  for (const auto& [arm, metrics] : outcomes.arms) {
    Json& arm_json = arms[arm] = Json::object();
    for (const auto& [metric, values] : metrics) {
      Json list = Json::array();
      for (const double value : values) list.push_back(number_json(value));
      arm_json[metric] = std::move(list);
    }
  }
  Json json;
  json["seed"] = outcomes.seed;
  json["arms"] = std::move(arms);
  return json;
}

SeedOutcomes outcomes_from_json(const Json& json, std::string_view where) {
  require(json.is_object(), ErrorKind::format, "{}: expected an object, found {}", where, json.type_name());
  SeedOutcomes outcomes;
  const auto seed = json.find("seed");
  require(seed != json.end() && seed->is_number_integer() && (seed->is_number_unsigned() || seed->get<int64_t>() >= 0),
          ErrorKind::format, "{}: \"seed\" must be a whole number, not negative", where);
  outcomes.seed = seed->get<uint64_t>();
  const auto arms = json.find("arms");
  require(arms != json.end() && arms->is_object(), ErrorKind::format, "{}: \"arms\" must be an object", where);
  for (const auto& [arm, metrics] : arms->items()) {
    require(metrics.is_object(), ErrorKind::format, "{}: arms.{} must be an object", where, arm);
    for (const auto& [metric, values] : metrics.items()) {
      require(values.is_array(), ErrorKind::format, "{}: arms.{}.{} must be an array of numbers", where, arm, metric);
      std::vector<double>& list = outcomes.arms[arm][metric];
      list.reserve(values.size());
      for (const Json& value : values) {
        require(value.is_number() && std::isfinite(value.get<double>()), ErrorKind::format,
                "{}: arms.{}.{}[{}] must be a finite number", where, arm, metric, list.size());
        list.push_back(value.get<double>());
      }
    }
  }
  return outcomes;
}

std::vector<Estimate> estimate_all(const std::vector<SeedOutcomes>& seeds, const std::vector<std::vector<Term>>& sums,
                                   Rng rng, int draws) {
  require(!seeds.empty(), ErrorKind::data, "no seeds to estimate from");
  require(draws >= 1, ErrorKind::internal, "draws must be at least 1, not {}", draws);
  if (sums.empty()) return {};
  std::vector<SeedTable> tables;
  for (const SeedOutcomes& seed : seeds) tables.push_back(table_of(seed, sums));

  std::vector<Estimate> estimates(sums.size());
  for (const SeedTable& table : tables) {
    std::vector<double> means(sums.size(), 0.0);
    add_resampled(table, std::vector<uint32_t>(table.problems, 1), 1.0, means);
    for (std::size_t k = 0; k < sums.size(); ++k) {
      estimates[k].per_seed.push_back(means[k]);
      estimates[k].interval.mean += means[k] / static_cast<double>(tables.size());
    }
  }
  std::vector<std::vector<double>> drawn(sums.size());
  for (int d = 0; d < draws; ++d) {
    const std::vector<double> one = resample(tables, sums.size(), rng.fork("bootstrap", {static_cast<uint64_t>(d)}));
    for (std::size_t k = 0; k < sums.size(); ++k) drawn[k].push_back(one[k]);
  }
  for (std::size_t k = 0; k < sums.size(); ++k) {
    std::sort(drawn[k].begin(), drawn[k].end());
    estimates[k].interval.low = percentile(drawn[k], 0.025);
    estimates[k].interval.high = percentile(drawn[k], 0.975);
  }
  return estimates;
}

Interval estimate(const std::vector<SeedOutcomes>& seeds, const std::vector<Term>& terms, Rng rng, int draws) {
  return estimate_all(seeds, {terms}, rng, draws).front().interval;
}

const char* name_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::reproduced:
      return "REPRODUCED";
    case Verdict::not_reproduced:
      return "NOT REPRODUCED";
    case Verdict::inconclusive:
      return "INCONCLUSIVE";
  }
  return "UNKNOWN";
}

ClaimResult judge(const Claim& claim, const std::vector<SeedOutcomes>& seeds, Rng rng) {
  require(!claim.contrasts.empty(), ErrorKind::internal, "claim {} has no contrast, so it can't fail", claim.id);
  std::vector<std::vector<Term>> sums;
  for (const Contrast& contrast : claim.contrasts) sums.push_back(contrast.terms);
  std::vector<Estimate> estimates = estimate_all(seeds, sums, rng);

  ClaimResult result{claim, Verdict::inconclusive, {}};
  bool all_above = true, one_below = false;
  for (std::size_t k = 0; k < claim.contrasts.size(); ++k) {
    const Interval& interval = estimates[k].interval;
    all_above = all_above && interval.low > claim.contrasts[k].margin;
    one_below = one_below || interval.high < claim.contrasts[k].margin;
    result.contrasts.push_back({claim.contrasts[k], interval, std::move(estimates[k].per_seed)});
  }
  if (seeds.size() < kSeedsForVerdict) return result;
  if (all_above) result.verdict = Verdict::reproduced;
  if (one_below) result.verdict = Verdict::not_reproduced;
  return result;
}

}  // namespace hone::report
