#include "hone/report/claims.h"

#include "hone/base/error.h"
#include "hone/report/bootstrap.h"

#include <algorithm>
#include <cmath>

namespace hone::report {
namespace {

constexpr std::size_t kSeedsForVerdict = 3;

Json number_json(double value) {
  if (value == std::floor(value) && std::abs(value) < 1e15) return Json(static_cast<int64_t>(value));
  return base::finite_or_null(value);
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
    const Rng draw = rng.fork("bootstrap", {static_cast<uint64_t>(d)});
    const std::vector<double> one = resample(tables, sums.size(), {draw, draw});
    for (std::size_t k = 0; k < sums.size(); ++k) drawn[k].push_back(one[k]);
  }
  for (std::size_t k = 0; k < sums.size(); ++k) set_ends(estimates[k].interval, drawn[k]);
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
