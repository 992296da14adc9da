#include "hone/report/summary.h"

#include "hone/base/error.h"
#include "hone/report/run_record.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <set>

namespace hone::report {
namespace {

Json interval_json(const Interval& interval) {
  return {{"mean", base::finite_or_null(interval.mean)},
          {"low", base::finite_or_null(interval.low)},
          {"high", base::finite_or_null(interval.high)}};
}

bool has_vectors(const SeedOutcomes& seed, const std::string& arm, const MetricSpec& metric) {
  const auto found = seed.arms.find(arm);
  if (found == seed.arms.end()) return false;
  return std::all_of(metric.terms.begin(), metric.terms.end(), [&](const auto& term) {
    const auto vector = found->second.find(term.first);
    return vector != found->second.end() && !vector->second.empty();
  });
}

std::vector<ArmLabel> all_arms(const std::vector<SeedOutcomes>& seeds, std::vector<ArmLabel> labels) {
  std::set<std::string> known;
  for (const ArmLabel& label : labels) known.insert(label.name);
  for (const SeedOutcomes& seed : seeds) {
    for (const auto& [arm, metrics] : seed.arms) {
      if (known.insert(arm).second) labels.push_back({arm, arm});
    }
  }
  return labels;
}

std::size_t problem_count(const std::vector<SeedOutcomes>& seeds) {
  if (seeds.empty() || seeds[0].arms.empty() || seeds[0].arms.begin()->second.empty()) return 0;
  return seeds[0].arms.begin()->second.begin()->second.size();
}

Json metric_json(const MetricSpec& metric) {
  Json terms = Json::array();
  for (const auto& [vector, weight] : metric.terms) terms.push_back({{"outcome", vector}, {"weight", weight}});
  return {{"name", metric.name}, {"label", metric.label}, {"unit", metric.unit}, {"terms", std::move(terms)}};
}

// A difference of shares shown without its sign would hide a loss.
Json with_signed_units(Json summary) {
  const std::vector<MetricSpec> specs = metric_specs(summary);
  if (!member(summary, "metrics").is_array()) return summary;
  for (Json& metric : summary["metrics"]) {
    const std::string name = text_at(metric, "name");
    if (text_at(metric, "unit") != "%") continue;
    for (const MetricSpec& spec : specs) {
      const bool negative =
          std::any_of(spec.terms.begin(), spec.terms.end(), [](const auto& t) { return t.second < 0; });
      if (spec.name == name && negative) metric["unit"] = "pts";
    }
  }
  return summary;
}

// "Acc@t1 52.6 → 60.0 %, …": the first three metrics of the base and the improved arm.
std::string default_headline(const Json& summary) {
  const Json &metrics = member(summary, "metrics"), &arms = member(summary, "arms");
  const Json& base = member(member(arms, text_at(summary, "base")), "values");
  const Json& improved = member(member(arms, text_at(summary, "improved")), "values");
  std::string text;
  for (std::size_t i = 0; metrics.is_array() && i < std::min<std::size_t>(3, metrics.size()); ++i) {
    const std::string name = text_at(metrics[i], "name"), unit = text_at(metrics[i], "unit");
    const double after = number_at(member(improved, name), "mean");
    if (!std::isfinite(after)) continue;
    text += fmt::format("{}{} {} → {}{}", text.empty() ? "" : ", ", text_at(metrics[i], "label"),
                        format_number(number_at(member(base, name), "mean"), unit), format_number(after, unit),
                        unit_suffix(unit));
  }
  return text;
}

// Wall time and tokens add up over seeds; memory and parameters are the largest.
Json cost_of(const RunFolder& folder) {
  Json cost = Json::object();
  for (const RunFolder* seed : seed_folders(folder)) {
    const Json& one = member(seed->summary, "cost");
    if (!one.is_object()) continue;
    for (const auto& [name, value] : one.items()) {
      const double number = number_at(one, name), before = number_at(cost, name);
      if (std::isnan(number) || std::isnan(before)) {
        if (!cost.contains(name)) cost[name] = value;
        continue;
      }
      const bool is_peak = name.starts_with("peak") || name.ends_with("parameters");
      const double both = is_peak ? std::max(before, number) : before + number;
      if (value.is_number_integer())
        cost[name] = static_cast<int64_t>(both);
      else
        cost[name] = both;
    }
  }
  return cost;
}

Json seeds_of(const RunFolder& folder) {
  const Json& seeds = member(folder.run, "seeds");
  if (seeds.is_array()) return seeds;
  const Json& seed = member(folder.run, "seed");
  return seed.is_null() ? Json::array() : Json::array({seed});
}

// Weighs a claim; one whose arms were not run can't be decided, and says so.
Json claim_json(const Claim& claim, const std::vector<SeedOutcomes>& seeds) {
  Json json{{"id", claim.id}, {"statement", claim.statement}, {"verdict", name_of(Verdict::inconclusive)}};
  Json contrasts = Json::array();
  try {
    const ClaimResult result = judge(claim, seeds, interval_rng());
    json["verdict"] = name_of(result.verdict);
    for (const ContrastResult& one : result.contrasts) {
      // Terms that are all shares of problems make a difference that reads best in points; one alone is no difference.
      const std::vector<Term>& terms = one.contrast.terms;
      const bool is_level = terms.size() == 1 && terms[0].weight > 0;
      const bool is_share = std::all_of(terms.begin(), terms.end(), [&](const Term& term) {
        const std::vector<double>& values = seeds[0].arms.at(term.arm).at(term.metric);
        return std::all_of(values.begin(), values.end(), [](double value) { return value >= 0 && value <= 1; });
      });
      Json contrast{{"label", one.contrast.label}};
      contrast.update(interval_json(one.interval));
      contrast["margin"] = one.contrast.margin;
      contrast["unit"] = !is_share ? "" : is_level ? "%" : "pts";
      contrast["per_seed"] = one.per_seed;
      contrasts.push_back(std::move(contrast));
    }
    if (seeds.size() < 3) json["note"] = fmt::format("{} seed(s); a verdict needs 3", seeds.size());
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::data) throw;
    json["note"] = error.what();
  }
  json["contrasts"] = std::move(contrasts);
  return json;
}

}  // namespace

std::vector<MetricSpec> two_turn_metrics() {
  return {{"acc_t1", "Acc@t1", "%", {{"t1", 1}}},
          {"acc_t2", "Acc@t2", "%", {{"t2", 1}}},
          {"delta", "Δ(t1→t2)", "pts", {{"t2", 1}, {"t1", -1}}},
          {"wrong_to_right", "wrong→right", "%", {{"w2r", 1}}},
          {"right_to_wrong", "right→wrong", "%", {{"r2w", 1}}}};
}

MetricSpec mean_metric(std::string name, std::string label, std::string unit) {
  MetricSpec spec{std::move(name), std::move(label), std::move(unit), {}};
  spec.terms = {{spec.name, 1.0}};
  return spec;
}

void add_two_turn_metrics(SeedOutcomes& outcomes) {
  for (auto& [arm, metrics] : outcomes.arms) {
    const auto first = metrics.find("t1"), second = metrics.find("t2");
    if (first == metrics.end() || second == metrics.end()) continue;
    const std::vector<double> t1 = first->second, t2 = second->second;
    require(t1.size() == t2.size(), ErrorKind::data, "seed {}: arm \"{}\" has {} first but {} second attempts",
            outcomes.seed, arm, t1.size(), t2.size());
    std::vector<double>&gained = metrics["w2r"], &lost = metrics["r2w"];
    gained.resize(t1.size());
    lost.resize(t1.size());
    for (std::size_t p = 0; p < t1.size(); ++p) {
      gained[p] = (1 - t1[p]) * t2[p];
      lost[p] = t1[p] * (1 - t2[p]);
    }
  }
}

std::vector<MetricSpec> metric_specs(const Json& summary) {
  std::vector<MetricSpec> specs;
  const std::vector<MetricSpec> two_turn = two_turn_metrics();
  const Json& list = member(summary, "metrics");
  if (!list.is_array()) return specs;
  for (const Json& item : list) {
    MetricSpec spec = mean_metric(text_at(item, "name"), text_at(item, "label"), text_at(item, "unit"));
    for (const MetricSpec& known : two_turn) {
      if (known.name == spec.name) spec.terms = known.terms;
    }
    const Json& terms = member(item, "terms");
    if (terms.is_array() && !terms.empty()) spec.terms.clear();
    for (const Json& term : terms) {
      const double weight = number_at(term, "weight");
      if (std::isfinite(weight)) spec.terms.emplace_back(text_at(term, "outcome"), weight);
    }
    if (!spec.terms.empty()) specs.push_back(std::move(spec));
  }
  return specs;
}

Rng interval_rng() { return Rng(17).fork("interval"); }

Json build_arm_summary(std::vector<SeedOutcomes> seeds, const std::vector<MetricSpec>& metrics,
                       const std::vector<ArmLabel>& labels, Rng rng) {
  for (SeedOutcomes& seed : seeds) add_two_turn_metrics(seed);
  Json arms = Json::object(), metric_list = Json::array();
  for (const MetricSpec& metric : metrics) metric_list.push_back(metric_json(metric));

  for (const ArmLabel& arm : all_arms(seeds, labels)) {
    std::vector<std::vector<Term>> sums;
    std::vector<std::string> names;
    for (const MetricSpec& metric : metrics) {
      const bool everywhere = std::all_of(
          seeds.begin(), seeds.end(), [&](const SeedOutcomes& seed) { return has_vectors(seed, arm.name, metric); });
      if (!everywhere) continue;
      names.push_back(metric.name);
      sums.emplace_back();
      for (const auto& [vector, weight] : metric.terms) sums.back().push_back({arm.name, vector, weight});
    }
    if (sums.empty() || seeds.empty()) continue;
    // The same stream for every arm: the same problems are drawn, so that intervals of arms can be compared.
    const std::vector<Estimate> estimates = estimate_all(seeds, sums, rng);
    Json values = Json::object();
    for (std::size_t k = 0; k < names.size(); ++k) {
      values[names[k]] = interval_json(estimates[k].interval);
      if (seeds.size() > 1) values[names[k]]["per_seed"] = estimates[k].per_seed;
    }
    arms[arm.name] = {{"label", arm.label}, {"values", std::move(values)}};
  }
  return {{"metrics", std::move(metric_list)}, {"arms", std::move(arms)}, {"held_out", problem_count(seeds)}};
}

Json summary_of(const RunFolder& folder) {
  if (!folder.has_seeds) return with_signed_units(folder.summary);
  Json summary = Json::object();
  for (const RunFolder& seed : folder.seeds) {
    if (summary.empty()) summary = seed.summary;
  }
  if (summary.empty()) return summary;
  // The headline of one seed says nothing of all of them.
  summary.erase("headline");
  summary["cost"] = cost_of(folder);
  std::vector<ArmLabel> labels;
  const Json& arms = member(summary, "arms");
  if (arms.is_object()) {
    for (const auto& [name, arm] : arms.items()) labels.push_back({name, text_at(arm, "label")});
  }
  const std::vector<SeedOutcomes> seeds = outcomes_of(folder);
  const std::vector<MetricSpec> metrics = metric_specs(summary);
  if (seeds.empty() || metrics.empty()) {
    summary.erase("arms");
    return summary;
  }
  summary.update(build_arm_summary(seeds, metrics, labels, interval_rng()));
  return with_signed_units(std::move(summary));
}

std::string format_number(double value, std::string_view unit) {
  if (!std::isfinite(value)) return "–";
  const double size = std::abs(value);
  std::string digits;
  if (unit == "%" || unit == "pts")
    digits = fmt::format("{:.1f}", 100 * size);
  else if (size >= 1000 && size < 1e7)
    digits = fmt::format("{:.0f}", size);
  else
    digits = fmt::format("{:.3g}", size);
  const bool is_zero = digits.find_first_of("123456789") == std::string::npos;  // what rounds to nothing has no sign
  if (is_zero) return digits;
  return (value < 0 ? "−" : unit == "pts" ? "+" : "") + digits;
}

std::string unit_suffix(std::string_view unit) { return unit == "%" ? " %" : unit == "pts" ? " pts" : ""; }

std::string format_count(double value) {
  if (!std::isfinite(value)) return "–";
  const double size = std::abs(value);
  if (size >= 1e9) return fmt::format("{:.2f}G", value / 1e9);
  if (size >= 1e6) return fmt::format("{:.2f}M", value / 1e6);
  if (size >= 1e4) return fmt::format("{:.1f}k", value / 1e3);
  return fmt::format("{:.0f}", value);
}

std::string format_bytes(double bytes) {
  if (!std::isfinite(bytes)) return "–";
  return bytes >= 1e9 ? fmt::format("{:.2f} GB", bytes / 1e9) : fmt::format("{:.0f} MB", bytes / 1e6);
}

std::string verdict_line(const RunFolder& folder, const Json& summary) {
  const Json& claims = member(folder.results, "claims");
  std::string line;
  if (claims.is_array() && !claims.empty()) {
    int reproduced = 0, failed = 0;
    for (const Json& claim : claims) {
      const std::string verdict = text_at(claim, "verdict");
      reproduced += verdict == name_of(Verdict::reproduced);
      failed += verdict == name_of(Verdict::not_reproduced);
    }
    line = fmt::format("{} of {} claims reproduced", reproduced, claims.size());
    if (failed > 0) line += fmt::format(", {} not", failed);
    const auto open = static_cast<int>(claims.size()) - reproduced - failed;
    if (open > 0) line += fmt::format(", {} inconclusive", open);
    line += ".";
  }
  std::string headline = text_at(summary, "headline");
  if (headline.empty()) headline = default_headline(summary);
  if (headline.empty()) return line;
  line += (line.empty() ? "" : " ") + headline;
  if (!line.ends_with('.') && !line.ends_with('!') && !line.ends_with('?')) line += ".";
  return line;
}

Json report_json(const std::filesystem::path& run_dir) {
  const RunFolder folder = read_run_folder(run_dir);
  return report_json(folder, summary_of(folder));
}

Json report_json(const RunFolder& folder, const Json& summary) {
  const auto values_of = [&](const std::string& arm) { return member(member(member(summary, "arms"), arm), "values"); };
  const std::string base = text_at(summary, "base"), improved = text_at(summary, "improved");
  Json json{{"schema", 1}, {"run", folder.name}};
  json["recipe"] = member(folder.run, "recipe");
  json["preset"] = member(folder.run, "preset");
  json["seeds"] = seeds_of(folder);
  json["held_out"] = member(summary, "held_out");
  json["base"] = values_of(base);
  json["improved"] = values_of(improved);
  json["headline"] = verdict_line(folder, summary);
  json["base_arm"] = base;
  json["improved_arm"] = improved;
  json["metrics"] = member(summary, "metrics");
  json["arms"] = member(summary, "arms");
  json["claims"] = member(folder.results, "claims");
  json["cost"] = member(summary, "cost");
  json["missing"] = folder.missing;
  return json;
}

Json judge_run(const std::filesystem::path& run_dir, const std::vector<Claim>& claims) {
  return judge_runs({run_dir}, claims);
}

Json judge_runs(const std::vector<std::filesystem::path>& runs, const std::vector<Claim>& claims) {
  const RunFolder folder = read_pooled_runs(runs);
  std::vector<SeedOutcomes> seeds = outcomes_of(folder);
  if (seeds.empty()) {
    throw Error(ErrorKind::data,
                fmt::format("{} has no outcomes to judge: {}", runs.front().string(), fmt::join(folder.missing, "; ")),
                "let the run finish: hone run --resume");
  }
  for (SeedOutcomes& seed : seeds) add_two_turn_metrics(seed);
  const Json summary = summary_of(folder);
  const double wall = number_at(cost_of(folder), "wall_seconds");
  Json results{{"schema", 1}};
  results["recipe"] = member(folder.run, "recipe");
  results["preset"] = member(folder.run, "preset");
  results["recorded_at"] = utc_text(std::chrono::system_clock::now());
  results["seeds"] = Json::array();
  for (const SeedOutcomes& seed : seeds) results["seeds"].push_back(seed.seed);
  results["held_out"] = problem_count(seeds);
  results["machine"] = member(folder.run, "machine");
  results["minutes"] = base::finite_or_null(std::round(wall / 6) / 10);
  results["peak_rss_bytes"] = member(cost_of(folder), "peak_rss_bytes");
  results["commit"] = member(folder.run, "commit");
  results["metrics"] = member(summary, "metrics");
  results["arms"] = member(summary, "arms");
  results["claims"] = Json::array();
  for (const Claim& claim : claims) results["claims"].push_back(claim_json(claim, seeds));
  return results;
}

}  // namespace hone::report
