#include "hone/tasks/helpful.h"

#include "hone/base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <set>

namespace hone::tasks {
namespace {

constexpr std::array<std::string_view, kHelpfulItems> kItems = {
    "apples", "beans",  "bread",   "butter", "candles", "carrots", "cheese", "coffee", "corn",   "eggs",
    "figs",   "flour",  "garlic",  "ginger", "grapes",  "honey",   "jam",    "leeks",  "lemons", "lentils",
    "milk",   "mint",   "mustard", "nuts",   "oats",    "oil",     "olives", "onions", "pears",  "pepper",
    "plums",  "radish", "rice",    "salt",   "soap",    "spinach", "sugar",  "tea",    "thyme",  "wine"};
constexpr std::string_view kComma = ",";

// The item's number, −1 for another word.
int64_t item_of(std::string_view word) {
  const auto found = std::find(kItems.begin(), kItems.end(), word);
  return found == kItems.end() ? -1 : found - kItems.begin();
}

bool is_requested(const Problem& problem, int64_t item) {
  return std::find(problem.numbers.begin(), problem.numbers.end(), item) != problem.numbers.end();
}

std::string list_of(std::span<const int64_t> items) {
  std::string text;
  for (const int64_t item : items) {
    if (!text.empty()) text += fmt::format(" {} ", kComma);
    text += kItems[static_cast<std::size_t>(item)];
  }
  return text;
}

bool is_held_out(std::span<const int64_t> items) {
  std::vector<int64_t> sorted(items.begin(), items.end());
  std::sort(sorted.begin(), sorted.end());
  uint64_t set = 0;
  for (const int64_t item : sorted) set = set * kHelpfulItems + static_cast<uint64_t>(item);
  return Rng(0).fork("helpful", {set}).below(10) == 0;
}

int64_t unrequested_item(const Problem& problem, Rng& rng) {
  for (;;) {
    const auto item = static_cast<int64_t>(rng.below(kHelpfulItems));
    if (!is_requested(problem, item)) return item;
  }
}

}  // namespace

Problem make_helpful(std::span<const int64_t> items) {
  const std::set<int64_t> different(items.begin(), items.end());
  const bool fits = items.size() == kHelpfulRequests && different.size() == kHelpfulRequests &&
                    *different.begin() >= 0 && *different.rbegin() < kHelpfulItems;
  require(fits, ErrorKind::usage, "a request takes {} different items from 0 to {}, not [{}]", kHelpfulRequests,
          kHelpfulItems - 1, fmt::join(items, ", "));
  Problem problem;
  problem.id = fmt::format("helpful:{}", fmt::join(items, ","));
  problem.numbers.assign(items.begin(), items.end());
  problem.prompt = "please";
  for (const int64_t item : items) problem.prompt += fmt::format(" {}", kItems[static_cast<std::size_t>(item)]);
  problem.prompt += " :";
  problem.answer = list_of(items);
  return problem;
}

std::vector<Problem> draw_helpful(HelpfulSplit split, int64_t count, Rng rng) {
  require(count >= 0, ErrorKind::usage, "{} requests asked; allowed: 0 or more", count);
  std::vector<Problem> problems;
  std::vector<int64_t> all(kHelpfulItems);
  while (static_cast<int64_t>(problems.size()) < count) {
    std::iota(all.begin(), all.end(), 0);
    rng.shuffle(all);
    const auto items = std::span<const int64_t>(all).first(kHelpfulRequests);
    if (is_held_out(items) == (split == HelpfulSplit::held_out)) problems.push_back(make_helpful(items));
  }
  return problems;
}

HelpfulParts helpful_parts(const Problem& problem, std::string_view response, text::Finish finish) {
  HelpfulParts parts;
  std::set<int64_t> seen;
  std::string_view last;
  for (std::size_t begin = response.find_first_not_of(' '); begin != std::string_view::npos;) {
    const std::size_t end = std::min(response.find(' ', begin), response.size());
    last = response.substr(begin, end - begin);
    begin = response.find_first_not_of(' ', end);
    ++parts.words;
    const int64_t item = item_of(last);
    if (item < 0) continue;
    if (!seen.insert(item).second)
      ++parts.repeated;
    else
      ++(is_requested(problem, item) ? parts.requested : parts.unrequested);
  }
  parts.ended = finish == text::Finish::stop && item_of(last) >= 0;
  return parts;
}

double helpful_reward(const HelpfulParts& p) {
  constexpr int64_t kFreeWords = 12;
  const auto beyond = static_cast<double>(std::max<int64_t>(0, p.words - kFreeWords));
  return static_cast<double>(p.requested) - 0.5 * static_cast<double>(p.unrequested) -
         0.3 * static_cast<double>(p.repeated) - 0.02 * beyond + 0.5 * static_cast<double>(p.ended);
}

std::string annotated(const Problem& problem, const AnnotatorOptions& o, Rng rng) {
  constexpr std::size_t kMostItems = 8;
  constexpr double kStop[kHelpfulRequests + 1] = {0.05, 0.05, 0.1, 0.25, 0.5, 0.9};
  const double care = o.care + o.spread * (2 * rng.uniform() - 1);
  std::vector<int64_t> items;
  std::size_t met = 0;
  while (items.size() < kMostItems) {
    if (!items.empty() && rng.uniform() < o.repeat)
      items.push_back(items[rng.below(items.size())]);
    else if (rng.uniform() < care && met < problem.numbers.size())
      items.push_back(problem.numbers[met++]);
    else
      items.push_back(unrequested_item(problem, rng));
    if (rng.uniform() < kStop[met]) break;
  }
  std::string text = list_of(items);
  if (rng.uniform() < o.unfinished) text += fmt::format(" {}", kComma);
  return text;
}

double chosen_probability(double a, double b) { return 1 / (1 + std::exp(b - a)); }

std::vector<std::string> helpful_words() {
  std::vector<std::string> words(kItems.begin(), kItems.end());
  for (const char* word : {"please", ":", ","}) words.emplace_back(word);
  return words;
}

}  // namespace hone::tasks
