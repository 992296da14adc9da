// Game of 24: a small decoder, trained from scratch on generated searches, solves puzzles that it has not seen by
// searching in its own text; measured with the strict judge against writing the derivation down at once.
//
// How this differs from Tree of Thoughts (arXiv:2305.10601), whose task this is: there a large general model is asked
// for moves and for opinions of positions, and a program does the searching; here a specialist of a few million
// parameters does all of it in one completion. The paper's log counts a puzzle as solved when any of its five final
// answers is right; here there is one.
#include "hone/data/example.h"
#include "hone/evaluate/pass_at_k.h"
#include "hone/evaluate/summary_file.h"
#include "hone/tasks/game24_search.h"
#include "hone/train/base_model.h"
#include "recipes/game24/options.h"

#include <algorithm>

namespace hone::recipes::game24 {
namespace {

using Numbers = std::vector<int64_t>;
using Problems = std::vector<tasks::Problem>;

// Puzzles to learn from, and to look at while training: every eighth solvable one of the training half.
struct Puzzles {
  std::vector<Numbers> train, validation;
};

Puzzles training_side() {
  const auto solvable = tasks::all_game24();
  Puzzles side;
  int64_t seen = 0;
  for (const auto& numbers : tasks::game24_training_multisets()) {
    const bool puzzle = std::binary_search(solvable.begin(), solvable.end(), numbers);
    (puzzle && ++seen % 8 == 0 ? side.validation : side.train).push_back(numbers);
  }
  return side;
}

// The held-out half, numbers in random order; the same for every seed.
std::vector<Numbers> held_out(int64_t count) {
  std::vector<Numbers> puzzles;
  const auto all = tasks::all_game24();
  for (std::size_t i = 1; i < all.size(); i += 2) puzzles.push_back(all[i]);
  Rng rng = Rng(20261126).fork("held-out puzzles");
  rng.shuffle(puzzles);
  puzzles.resize(std::min(puzzles.size(), static_cast<std::size_t>(count)));
  for (auto& numbers : puzzles) rng.shuffle(numbers);
  return puzzles;
}

Problems problems_of(const std::vector<Numbers>& puzzles, const std::string& arm) {
  Problems problems;
  for (const auto& numbers : puzzles) {
    problems.push_back(tasks::game24_search_problem(numbers));
    if (arm != "search") problems.back().prompt = tasks::game24_prompt(numbers);
  }
  return problems;
}

// A puzzle in random order: of the training side, or with a number above 13.
Numbers draw_puzzle(const Options& o, const Puzzles& side, Rng rng) {
  Numbers numbers;
  if (rng.uniform() < o.wide) {
    const auto high = static_cast<uint64_t>(o.highest);
    for (int i = 0; i < 3; ++i) numbers.push_back(1 + static_cast<int64_t>(rng.below(high)));
    numbers.push_back(14 + static_cast<int64_t>(rng.below(high - 13)));
  } else {
    numbers = side.train[rng.below(side.train.size())];
  }
  rng.shuffle(numbers);
  return numbers;
}

void append_words(data::Example& example, const tasks::MarkedWords& text, const text::Tokenizer& tokenizer) {
  for (std::size_t i = 0; i < text.words.size(); ++i)
    data::append(example, {tokenizer.id(text.words[i])}, text.learned[i]);
}

// One record: verdicts on positions, a search, or a derivation alone.
data::Example record(const Options& o, const Puzzles& side, const text::Tokenizer& tokenizer, Rng rng) {
  data::Example example;
  data::append(example, {tokenizer.bos()}, 0);
  const double kind = rng.fork("kind").uniform();
  if (kind < o.checks) {
    std::vector<Numbers> puzzles;
    for (uint64_t i = 0; i < static_cast<uint64_t>(o.checks_each); ++i)
      puzzles.push_back(draw_puzzle(o, side, rng.fork("checked", {i})));
    append_words(example, tasks::game24_checks(puzzles, o.checks_each, rng.fork("checks")), tokenizer);
    return example;
  }
  const bool search = kind < o.checks + o.search;
  // Most puzzles have a solution; some of those without are for searches, which can say so. A search that is too long
  // for the context is drawn again.
  for (uint64_t i = 0;; ++i) {
    const Numbers numbers = draw_puzzle(o, side, rng.fork("puzzle", {i}));
    const auto text = search ? tasks::game24_search(numbers, o.doubt, rng.fork("doubt"))
                             : tasks::game24_derivation(numbers, rng.fork("derivation"));
    constexpr int64_t kPromptTokens = 10;
    const bool hopeless = search && text.words.back() == "back";
    if (hopeless && rng.fork("hopeless", {i}).uniform() >= o.hopeless) continue;
    if (text.words.empty() || static_cast<int64_t>(text.words.size()) + kPromptTokens > o.fresh.context) continue;
    data::append(example, tokenizer.encode(search ? tasks::game24_search_prompt(numbers) : tasks::game24_prompt(numbers)), 0);
    append_words(example, text, tokenizer);
    data::append(example, {tokenizer.end()}, 1);
    return example;
  }
}

train::ExampleSource source_of(train::Env& env, const Options& o, const Puzzles& side, const text::Tokenizer& tokenizer) {
  return train::made(env, o.fit.batch, [&](int64_t, Rng rng) { return record(o, side, tokenizer, rng); });
}

std::vector<double> greedy(const models::Model& model, const Problems& problems, int64_t max_tokens, base::Pool& pool) {
  evaluate::TwoTurnOptions options;
  options.dialogue = {1, "auto", max_tokens};
  std::vector<double> right;
  for (const auto& outcome : evaluate::two_turn(model, problems, tasks::verify_game24, options, pool, Rng(1)))
    right.push_back(outcome.first.verdict.reward);
  return right;
}

// Per puzzle the share of its orders that are solved greedily.
std::vector<double> over_orders(const models::Model& model, const std::vector<Numbers>& puzzles, const std::string& arm,
                                const Options& o, base::Pool& pool) {
  std::vector<Numbers> orders;
  std::vector<std::size_t> puzzle;
  for (std::size_t i = 0; i < puzzles.size(); ++i) {
    Numbers numbers = puzzles[i];
    if (o.orders == "all") std::sort(numbers.begin(), numbers.end());
    do {
      orders.push_back(numbers);
      puzzle.push_back(i);
    } while (o.orders == "all" && std::next_permutation(numbers.begin(), numbers.end()));
  }
  const auto right = greedy(model, problems_of(orders, arm), o.max_tokens, pool);
  std::vector<double> share(puzzles.size()), count(puzzles.size());
  for (std::size_t i = 0; i < right.size(); ++i) share[puzzle[i]] += right[i], count[puzzle[i]] += 1;
  for (std::size_t i = 0; i < share.size(); ++i) share[i] /= count[i];
  return share;
}

// What an arm says to every held-out puzzle; "orders" beside the outcomes of pass_at_k.
Json measured(train::Env& env, const models::Model& model, const std::vector<Numbers>& puzzles, const std::string& arm,
              const Options& o) {
  const evaluate::PassOptions options{.samples = o.samples, .max_tokens = o.max_tokens};
  const auto passes = evaluate::pass_at_k(model, problems_of(puzzles, arm), tasks::verify_game24, options, env.pool,
                                          env.rng.fork("evaluate " + arm));
  return {{"passes", evaluate::to_json(passes)}, {"orders", over_orders(model, puzzles, arm, o, env.pool)}};
}

void add_arm(evaluate::SummaryFile& file, const std::string& arm, const Json& value) {
  auto& outcomes = file.outcomes.arms[arm];
  for (const auto& p : evaluate::pass_from_json(value.at("passes"))) {
    outcomes["greedy"].push_back(p.greedy.verdict.reward);
    for (int64_t k = 1; k <= p.samples; k *= 4)
      outcomes["pass" + std::to_string(k)].push_back(evaluate::pass_at_k_estimate(p.samples, p.right, k));
    const auto& text = p.greedy.text;
    outcomes["tokens"].push_back(text.empty() ? 0.0 : 1.0 + static_cast<double>(std::count(text.begin(), text.end(), ' ')));
  }
  outcomes["orders"] = value.at("orders").get<std::vector<double>>();
  file.arms.push_back(arm);
}

// The first puzzle that the search solves, and the first that it doesn't.
void add_transcripts(evaluate::SummaryFile& file, const Problems& problems, const Json& value) {
  const auto passes = evaluate::pass_from_json(value.at("passes"));
  for (const bool right : {true, false}) {
    for (std::size_t i = 0; i < passes.size(); ++i) {
      const auto& a = passes[i].greedy;
      if ((a.verdict.reward > 0.5) != right) continue;
      const std::string kind = right ? "right" : "wrong";
      file.transcripts.push_back({{"kind", kind}, {"rule", "the first held-out puzzle whose greedy search is " + kind},
                                  {"arm", "search"}, {"prompt", problems[i].prompt},
                                  {"turns", {{{"text", a.text}, {"verdict", evaluate::verdict_text(a.verdict)}}}}});
      break;
    }
  }
}

}  // namespace

void run(train::Env& env, const base::Options& given) {
  const auto& o = dynamic_cast<const Options&>(given);
  if (auto* progress = env.record.progress()) progress->plan({{"train", o.fit.steps, 1.0}});
  const Puzzles side = training_side();
  auto model =
      train::fresh_model(env, o.fresh, text::Tokenizer::symbols(text::standard_specials(), tasks::game24_words()));
  const auto validation = problems_of(side.validation, "search");

  train::Session session(env);
  train::fit(env, session, "train", model.decoder, o.fit, source_of(env, o, side, model.tokenizer), [&](int64_t, Json&) {
    const auto right = greedy(model, validation, o.max_tokens, env.pool);
    double share = 0;
    for (const double r : right) share += r / static_cast<double>(right.size());
    return train::Check{{{"validation_solved", share}}};
  });

  const auto puzzles = held_out(o.test_puzzles);
  evaluate::SummaryFile file{.improved = "search", .held_out = static_cast<int64_t>(puzzles.size())};
  file.labels = {{"base", "derivation at once"}, {"search", "search in text"}};
  file.metrics.push_back({"greedy", "one greedy sample", "%", {{"greedy", 1}}});
  for (int64_t k = 1; k <= o.samples; k *= 4)
    file.metrics.push_back({"pass" + std::to_string(k), "best of " + std::to_string(k), "%", {{"pass" + std::to_string(k), 1}}});
  file.metrics.push_back({"orders", "greedy, every order of the numbers", "%", {{"orders", 1}}});
  file.metrics.push_back({"tokens", "tokens of a greedy sample", "", {{"tokens", 1}}});
  for (const std::string arm : {"base", "search"}) {
    const auto value = session.once("outcomes." + arm, [&] {
      if (arm == "base") evaluate::save_model(env, "search", model);
      return measured(env, model, puzzles, arm, o);
    });
    add_arm(file, arm, value);
    if (arm == "search") add_transcripts(file, problems_of(puzzles, arm), value);
  }
  evaluate::write_summary(env, file);
}

}  // namespace hone::recipes::game24
