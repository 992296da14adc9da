#include "hone/report/bootstrap.h"

#include "hone/base/error.h"

#include <algorithm>
#include <utility>

namespace hone::report {
namespace {

constexpr int kDraws = 2000;  // of a difference

const std::vector<double>& outcomes_of(const SeedOutcomes& seed, const Term& term) {
  const auto arm = seed.arms.find(term.arm);
  require(arm != seed.arms.end(), ErrorKind::data, "seed {}: no outcomes of arm \"{}\"", seed.seed, term.arm);
  const auto metric = arm->second.find(term.metric);
  require(metric != arm->second.end(), ErrorKind::data, "seed {}: arm \"{}\" has no metric \"{}\"", seed.seed, term.arm,
          term.metric);
  return metric->second;
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

double percentile(const std::vector<double>& sorted, double q) {
  const double at = q * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (at - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

}  // namespace

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

std::vector<double> resample(const std::vector<SeedTable>& tables, std::size_t sum_count, const Draw& draw) {
  std::vector<uint32_t> seed_counts(tables.size());
  draw_counts(draw.seeds.fork("seeds").key(), seed_counts);
  const bool shared =
      std::all_of(tables.begin(), tables.end(), [&](const SeedTable& t) { return t.problems == tables[0].problems; });
  std::vector<double> sums(sum_count, 0.0);
  std::vector<uint32_t> counts(tables[0].problems);
  if (shared) draw_counts(draw.problems.fork("problems").key(), counts);
  for (std::size_t s = 0; s < tables.size(); ++s) {
    if (seed_counts[s] == 0) continue;
    if (!shared) {
      counts.resize(tables[s].problems);
      draw_counts(draw.problems.fork("problems", {s}).key(), counts);
    }
    add_resampled(tables[s], counts, static_cast<double>(seed_counts[s]) / static_cast<double>(tables.size()), sums);
  }
  return sums;
}

void set_ends(Interval& interval, std::vector<double>& drawn) {
  std::sort(drawn.begin(), drawn.end());
  interval.low = percentile(drawn, 0.025);
  interval.high = percentile(drawn, 0.975);
}

std::vector<Interval> differences(const Side& left, const Side& right, Pairing pairing, Rng rng) {
  require(!left.seeds.empty() && !right.seeds.empty(), ErrorKind::data, "no seeds to estimate from");
  const std::size_t count = left.sums.size();
  require(count == right.sums.size(), ErrorKind::internal, "{} sums less {} sums", count, right.sums.size());
  if (count == 0) return {};
  std::vector<SeedTable> lefts, rights;
  for (const SeedOutcomes& seed : left.seeds) lefts.push_back(table_of(seed, left.sums));
  for (const SeedOutcomes& seed : right.seeds) rights.push_back(table_of(seed, right.sums));
  std::vector<Interval> intervals(count);
  for (const auto& [tables, sign] : {std::pair{&lefts, 1.0}, {&rights, -1.0}}) {
    for (const SeedTable& table : *tables) {
      std::vector<double> means(count, 0.0);
      add_resampled(table, std::vector<uint32_t>(table.problems, 1), sign / static_cast<double>(tables->size()), means);
      for (std::size_t k = 0; k < count; ++k) intervals[k].mean += means[k];
    }
  }
  const bool paired = pairing == Pairing::by_problem && lefts[0].problems == rights[0].problems;
  std::vector<std::vector<double>> drawn(count);
  for (int d = 0; d < kDraws; ++d) {
    const Rng draw = rng.fork("bootstrap", {static_cast<uint64_t>(d)});
    const Rng one = draw.fork("left"), other = draw.fork("right");
    const std::vector<double> plus = resample(lefts, count, {one, paired ? draw : one});
    const std::vector<double> minus = resample(rights, count, {other, paired ? draw : other});
    for (std::size_t k = 0; k < count; ++k) drawn[k].push_back(plus[k] - minus[k]);
  }
  for (std::size_t k = 0; k < count; ++k) set_ends(intervals[k], drawn[k]);
  return intervals;
}

}  // namespace hone::report
