#include "recipes/reward_model/measure.h"

#include "hone/evaluate/best_of_n.h"

#include <algorithm>

namespace hone::recipes::reward_model {
namespace {

// 1 for a above b, ½ for equal ones.
double above(double a, double b) { return a > b ? 1 : a == b ? 0.5 : 0; }

}  // namespace

Agreement agreement(std::span<const double> score, std::span<const double> gold) {
  double right = 0, different = 0, coin = 0, ceiling = 0, pairs = 0;
  for (std::size_t i = 0; i < score.size(); ++i) {
    for (std::size_t j = i + 1; j < score.size(); ++j) {
      const double prefers = above(score[i], score[j]), chosen = tasks::chosen_probability(gold[i], gold[j]);
      coin += prefers * chosen + (1 - prefers) * (1 - chosen);
      ceiling += std::max(chosen, 1 - chosen);
      ++pairs;
      if (gold[i] == gold[j]) continue;
      right += gold[i] > gold[j] ? prefers : 1 - prefers;
      ++different;
    }
  }
  Agreement out;
  if (different > 0) out.accuracy = right / different;
  if (pairs > 0) out.coin = coin / pairs, out.ceiling = ceiling / pairs;
  return out;
}

Values accuracies(const std::vector<Responses>& responses, const Scores& score) {
  Values values;
  for (std::size_t p = 0; p < responses.size(); ++p) {
    const auto found = agreement(score[p], responses[p].gold);
    values["accuracy"].push_back(found.accuracy);
    values["coin"].push_back(found.coin);
    values["ceiling"].push_back(found.ceiling);
  }
  return values;
}

Values best_of(const std::vector<Responses>& responses, const Scores& score, const Scores& shown, int64_t n) {
  Values values;
  for (std::size_t p = 0; p < responses.size(); ++p) {
    values["gold"].push_back(evaluate::best_of_n(score[p], responses[p].gold, n));
    values["score"].push_back(evaluate::best_of_n(score[p], shown[p], n));
  }
  return values;
}

}  // namespace hone::recipes::reward_model
