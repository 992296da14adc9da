#include "recipes/dno/pairs.h"

#include <cmath>
#include <numeric>
#include <set>

namespace hone::recipes::dno {
namespace {

bool is_teacher(const Candidate& c) { return c.from == Candidate::From::teacher; }
bool is_repetitive(const Candidate& c) { return c.form == Candidate::Form::repetitive; }

bool passes(const Candidate& chosen, const Candidate& rejected, const FilterOptions& o) {
  if (is_repetitive(chosen) || chosen.score < o.least) return false;
  if (is_repetitive(rejected)) return true;
  return chosen.score - rejected.score >= (is_teacher(chosen) ? o.margin : o.student_margin);
}

std::vector<Choice> disjoint_pairs(const std::vector<Candidate>& candidates, Rng rng) {
  std::vector<std::size_t> order(candidates.size());
  std::iota(order.begin(), order.end(), 0);
  rng.shuffle(order);
  std::vector<Choice> out;
  for (std::size_t i = 0; i + 1 < order.size(); i += 2) {
    const bool first = candidates[order[i]].win_rate >= candidates[order[i + 1]].win_rate;
    out.push_back({order[first ? i : i + 1], order[first ? i + 1 : i]});
  }
  return out;
}

}  // namespace

std::vector<Choice> choose_pairs(const std::vector<Candidate>& candidates, PairRule rule, const FilterOptions& options,
                                 Rng rng) {
  if (rule == PairRule::disjoint) return disjoint_pairs(candidates, rng);
  std::vector<Choice> out;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    for (std::size_t j = 0; j < candidates.size(); ++j) {
      if (i == j) continue;
      const bool gold = is_teacher(candidates[i]) && !is_teacher(candidates[j]);
      const bool fits = rule == PairRule::gold
                            ? gold
                            : passes(candidates[i], candidates[j], options) && (rule == PairRule::filtered || gold);
      if (fits) out.push_back({i, j});
    }
  }
  return out;
}

const char* kind_of(const std::vector<Candidate>& candidates, const Choice& choice) {
  if (is_teacher(candidates[choice.chosen])) return "teacher_over_student";
  return is_teacher(candidates[choice.rejected]) ? "student_over_teacher" : "student_over_student";
}

double repeated_share(std::string_view text, int64_t n) {
  std::vector<std::string_view> words;
  for (std::size_t begin = text.find_first_not_of(' '); begin != std::string_view::npos;) {
    const std::size_t end = std::min(text.find(' ', begin), text.size());
    words.push_back(text.substr(begin, end - begin));
    begin = text.find_first_not_of(' ', end);
  }
  const auto size = static_cast<std::size_t>(n);
  if (words.size() < size) return 0;
  std::set<std::vector<std::string_view>> seen;
  std::size_t repeated = 0;
  const std::size_t count = words.size() - size + 1;
  for (std::size_t i = 0; i < count; ++i) {
    const auto from = words.begin() + static_cast<std::ptrdiff_t>(i);
    if (!seen.insert({from, from + n}).second) ++repeated;
  }
  return static_cast<double>(repeated) / static_cast<double>(count);
}

std::size_t replayed(std::size_t pairs, int64_t age, double share) {
  return static_cast<std::size_t>(
      std::floor(static_cast<double>(pairs) * share * std::pow(2.0, 1.0 - static_cast<double>(age))));
}

}  // namespace hone::recipes::dno
