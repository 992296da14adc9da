#include "hone/base/error.h"
#include "hone/data/search_records.h"
#include "hone/evaluate/test_claims.h"
#include "hone/report/recipe_card.h"
#include "hone/tasks/search/problems.h"
#include "hone/train/test_run.h"
#include "recipes/dno/game.h"
#include "recipes/dno/rounds.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <memory>
#include <numeric>
#include <set>

namespace hone::recipes::dno {

report::RecipeCard card();
void run(train::Env& env, const base::Options& given);

namespace {

namespace fs = std::filesystem;
using train::expect_error;
using train::TempFolder;

// ---- the game ----

TEST(DnoGame, ByHand) {
  const auto game = cyclic_game();
  const Policy reference = {0.6, 0.3, 0.1};
  // Against it A wins 0.3 + 0.27 + 0.02 = 0.59, B 0.06 + 0.15 + 0.09 = 0.30, C 0.48 + 0.03 + 0.05 = 0.56.
  const auto reward = rewards_against(game, reference);
  EXPECT_NEAR(reward[0], 0.59, 1e-12);
  EXPECT_NEAR(reward[1], 0.30, 1e-12);
  EXPECT_NEAR(reward[2], 0.56, 1e-12);
  EXPECT_NEAR(exploitability(game, reference), 0.09, 1e-12);
  const auto next = soft_step(game, reference, 1);
  const double total = 0.6 * std::exp(0.59) + 0.3 * std::exp(0.30) + 0.1 * std::exp(0.56);
  EXPECT_NEAR(next[2], 0.1 * std::exp(0.56) / total, 1e-12);
  EXPECT_NEAR(exploitability(game, {1, 0, 0}), 0.3, 1e-12);
}

// Cyclic preferences: the mixture of the iterates approaches the policy that nothing beats; the iterates themselves go
// round in circles and end worse than they began; and a reward model picks one action, which another beats.
TEST(DnoGame, MixturesConvergeLastIteratesCycleRewardModelsCannot) {
  const auto game = cyclic_game();
  const Policy reference = {0.6, 0.3, 0.1};
  for (const double eta : {1.0, 2.0, 5.0}) {
    const auto policies = iterate(game, reference, eta, 400);
    EXPECT_LE(exploitability(game, average(policies)), 0.02) << eta;
    EXPECT_GE(exploitability(game, average({policies.begin(), policies.begin() + 4})), 0.04)
        << eta << ": it takes time";
    double worst = 0;
    for (std::size_t t = 300; t < 400; ++t) worst = std::max(worst, exploitability(game, policies[t]));
    EXPECT_GT(worst, exploitability(game, reference)) << eta << ": worse than the start";
    EXPECT_GT(worst, 0.15) << eta;
  }
  for (const double beta : {0.1, 0.01})
    EXPECT_GE(exploitability(game, bradley_terry(game, reference, beta)), 0.25) << beta;
}

Preferences random_game(std::size_t actions, Rng rng) {
  Preferences game(actions, std::vector<double>(actions, 0.5));
  for (std::size_t i = 0; i < actions; ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      game[i][j] = rng.uniform();
      game[j][i] = 1 - game[i][j];
    }
  }
  return game;
}

TEST(DnoGame, MixturesConvergeInRandomGames) {
  double sum = 0;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const auto game = random_game(5, Rng(seed));
    const double reached = exploitability(game, average(iterate(game, Policy(5, 0.2), 2, 200)));
    EXPECT_LE(reached, 0.03) << seed;
    sum += reached;
  }
  EXPECT_LE(sum / 20, 0.02);
}

// Where preferences do come from scores, both ways end at the best action.
TEST(DnoGame, WithoutCyclesARewardModelWillDo) {
  const Preferences ordered = {{0.5, 0.7, 0.9}, {0.3, 0.5, 0.7}, {0.1, 0.3, 0.5}};
  const Policy uniform(3, 1.0 / 3);
  EXPECT_LE(exploitability(ordered, bradley_terry(ordered, uniform, 0.05)), 0.01);
  EXPECT_LE(exploitability(ordered, iterate(ordered, uniform, 0.1, 200).back()), 0.01);
}

// ---- pairs ----

using From = Candidate::From;
using Form = Candidate::Form;

std::vector<Choice> chosen(const std::vector<Candidate>& candidates, PairRule rule) {
  return choose_pairs(candidates, rule, {}, Rng(1));
}

TEST(DnoPairs, TheFilterOfAlgorithmTwo) {
  const std::vector<Candidate> pool = {
      {From::teacher, 5, 0.6}, {From::student, 6, 0.9}, {From::student, 4, 0.4}, {From::student, 3, 0.2}};
  // Chosen at 5 or better; the teacher by 2 points, a student by 1.
  EXPECT_EQ(chosen(pool, PairRule::filtered), (std::vector<Choice>{{0, 3}, {1, 0}, {1, 2}, {1, 3}}));
  EXPECT_EQ(chosen(pool, PairRule::restrictive), (std::vector<Choice>{{0, 3}}));
  EXPECT_EQ(chosen(pool, PairRule::gold), (std::vector<Choice>{{0, 1}, {0, 2}, {0, 3}}));
  EXPECT_STREQ(kind_of(pool, {0, 3}), "teacher_over_student");
  EXPECT_STREQ(kind_of(pool, {1, 0}), "student_over_teacher");
  EXPECT_STREQ(kind_of(pool, {1, 3}), "student_over_student");
  EXPECT_TRUE(chosen({{From::teacher, 4, 1}, {From::student, 1, 0}}, PairRule::filtered).empty())
      << "nothing here is good";
}

TEST(DnoPairs, RepetitiveOnesLoseAndAreNeverChosen) {
  const std::vector<Candidate> pool = {{From::teacher, 5, 0.5}, {From::student, 6, 0.9, Form::repetitive}};
  EXPECT_EQ(chosen(pool, PairRule::filtered), (std::vector<Choice>{{0, 1}}));
}

TEST(DnoPairs, DisjointOnesUseEveryCandidateOnce) {
  std::vector<Candidate> pool;
  for (int i = 0; i < 6; ++i) pool.push_back({i == 0 ? From::teacher : From::student, 0, 0.1 * i});
  const auto pairs = chosen(pool, PairRule::disjoint);
  ASSERT_EQ(pairs.size(), 3u);
  std::set<std::size_t> used;
  for (const auto& p : pairs) {
    used.insert(p.chosen);
    used.insert(p.rejected);
    EXPECT_GE(pool[p.chosen].win_rate, pool[p.rejected].win_rate);
  }
  EXPECT_EQ(used.size(), 6u);
}

TEST(DnoPairs, RepeatedShareByHand) {
  EXPECT_EQ(repeated_share("a b c d", 2), 0);
  EXPECT_EQ(repeated_share("a b a b a", 2), 0.5);  // ab ba ab ba: two of four were there before
  EXPECT_EQ(repeated_share("a a a a", 1), 0.75);
  EXPECT_EQ(repeated_share("", 1), 0);
  EXPECT_EQ(repeated_share("  a   b ", 3), 0);
}

TEST(DnoPairs, ReplayHalvesWithAge) {
  EXPECT_EQ(replayed(100, 1, 0.3), 30u);
  EXPECT_EQ(replayed(100, 2, 0.3), 15u);
  EXPECT_EQ(replayed(100, 3, 0.3), 7u);
  std::vector<train::LoopRows> earlier(2);
  for (int i = 0; i < 100; ++i) earlier[0].push_back({{"round", 1}, {"i", i}});
  for (int i = 0; i < 50; ++i) earlier[1].push_back({{"round", 2}, {"i", i}});
  std::map<int, std::set<int>> drawn;
  for (const auto& row : replay(earlier, 0.3, Rng(1))) drawn[row.at("round")].insert(row.at("i").get<int>());
  EXPECT_EQ(drawn[2].size(), 15u);
  EXPECT_EQ(drawn[1].size(), 15u);
  EXPECT_TRUE(replay(earlier, 0, Rng(1)).empty());
}

// ---- searches and the rubric ----

std::unique_ptr<Options> preset(const std::string& name) {
  return std::unique_ptr<Options>(dynamic_cast<Options*>(card().options(name).release()));
}

std::unique_ptr<Options> cut(const std::string& arms) {
  auto o = preset("smoke");
  o->arms = arms;
  o->fresh = {.width = 32, .layers = 1, .heads = 2, .context = 224};
  o->base.steps = 15;
  o->prompts = 16;
  o->test = 8;
  o->traces.check_problems = 8;
  o->filter.least = 2;
  o->filter.student_margin = 0;
  return o;
}

TEST(DnoWorld, RoundsShareNoPrompt) {
  base::Pool pool(1);
  const auto o = cut("dno");
  const auto world = make_world(*o, pool, Rng(1));
  std::set<std::string> seen;
  for (int64_t round = 1; round <= 2; ++round) {
    ASSERT_EQ(world.draw(round).size(), 16u);
    for (const auto& p : world.draw(round)) EXPECT_TRUE(seen.insert(p.id).second) << p.id;
  }
  for (const auto& p : world.held_out) EXPECT_TRUE(seen.insert(p.id).second) << p.id;
  EXPECT_EQ(make_world(*o, pool, Rng(2)).held_out[0].id, world.held_out[0].id) << "held-out prompts are every seed's";
  EXPECT_NE(make_world(*o, pool, Rng(2)).draw(1)[0].id, world.draw(1)[0].id);
}

// Depth-first search by the sum leaves every move of some problems out, "28 25 30 → 10" among them: a teacher without a
// word.
TEST(DnoWorld, TheTeacherHasSomethingToSay) {
  base::Pool pool(2);
  const auto o = cut("dno");
  o->traces.world = "cd3";
  o->prompts = 1000;
  o->max_tokens = 256;
  const auto world = make_world(*o, pool, Rng(1));
  for (int64_t round = 1; round <= 2; ++round)
    for (const auto& p : world.draw(round)) EXPECT_FALSE(world.teacher(p).empty()) << p.id;
}

TEST(DnoWorld, TheRubricOfTheTeacherAndItsMutations) {
  base::Pool pool(1);
  const auto world = make_world(*cut("dno"), pool, Rng(1));
  int solved = 0;
  for (const auto& p : world.draw(1)) {
    const auto gold = world.teacher(p);
    const bool right = world.solved(p, gold).reward > 0.5;
    solved += right;
    // A line after the goal is a slip that changes nothing; what is no line of a search is malformed.
    const auto scores = rubric({p, {gold, gold + " M 9", "M zzz"}}, 0).scores;
    EXPECT_EQ(scores[0], right ? 6 : 3) << gold;
    if (right) {
      EXPECT_EQ(scores[1], 4) << "a slip elsewhere";
    }
    EXPECT_EQ(scores[2], 1);
  }
  EXPECT_GT(solved, 8) << "the teacher solves most";
}

TEST(DnoWorld, AShortSolutionIsWorthMoreThanALongOne) {
  base::Pool pool(1);
  const auto& world = tasks::countdown_world(cut("dno")->traces.world);
  const auto made = make_world(*cut("dno"), pool, Rng(1));
  for (const auto& p : made.draw(1)) {
    const auto gold = made.teacher(p);
    if (made.solved(p, gold).reward < 0.5) continue;
    const auto way = tasks::search::first_solution(world, p.numbers, p.target);
    const auto words = tasks::search::write_compact(tasks::search::optimal_path(p.numbers, p.target, way));
    const auto direct = words.substr(p.prompt.size() + 1);
    if (gold.size() < 2 * direct.size()) continue;
    const auto scores = rubric({p, {gold, direct}}, 0).scores;
    EXPECT_EQ(scores[0], 5);
    EXPECT_GE(scores[1], 4);
    return;
  }
  FAIL() << "no long search among the prompts";
}

TEST(DnoWorld, NoiseIsTheSameTwice) {
  base::Pool pool(1);
  const auto world = make_world(*cut("dno"), pool, Rng(1));
  int changed = 0;
  for (const auto& p : world.draw(1)) {
    const rewards::Question question{p, {world.teacher(p), "1 2", "3 4"}};
    EXPECT_EQ(rubric(question, 0.5), rubric(question, 0.5));
    changed += rubric(question, 0.5).scores != rubric(question, 0).scores;
  }
  EXPECT_GT(changed, 4);
}

TEST(DnoWorld, RecordsAreSearchesThatFit) {
  const auto o = cut("dno");
  const auto tokenizer = data::search_tokenizer(tasks::countdown_world(o->traces.world));
  for (uint64_t i = 0; i < 20; ++i) {
    const auto e = trace_record(*o, tokenizer, Rng(i));
    EXPECT_LE(static_cast<int64_t>(std::accumulate(e.loss_mask.begin(), e.loss_mask.end(), 0)), o->max_tokens);
    EXPECT_EQ(e.ids.back(), tokenizer.end());
    const auto trace = tasks::search::read_compact(tokenizer.decode(e.ids));
    for (const auto& event : trace) EXPECT_NE(event.kind, tasks::search::EventKind::junk) << tokenizer.decode(e.ids);
  }
}

// ---- options and claims ----

TEST(DnoOptions, ArmsAreParsed) {
  EXPECT_EQ(parse_arms("spin,dno,spin"), (std::vector<std::string>{"spin", "dno"}));
  EXPECT_EQ(parse_arms("all"), arm_names());
  expect_error(ErrorKind::usage, {"unknown arm \"spni\"", "spin"}, [] { parse_arms("spni"); });
  expect_error(ErrorKind::usage, {"the list is empty"}, [] { parse_arms(""); });
  expect_error(ErrorKind::usage, {"dno_mixture", "put dno before it"}, [] { parse_arms("dno_mixture,dno"); });
}

TEST(DnoOptions, EveryPresetFitsItsDescription) {
  for (const auto& [name, summary] : card().presets) {
    const auto options = card().options(name), defaults = card().options("");
    EXPECT_NO_THROW(base::OptionSet(*options, *defaults, name)) << name;
    EXPECT_NO_THROW(parse_arms(preset(name)->arms)) << name;
  }
}

// ---- runs ----

std::vector<Json> rows_of(const fs::path& file) {
  std::vector<Json> rows;
  for (const auto& line : train::lines_without_times(file)) rows.push_back(base::parse_json(line, file.string()));
  return rows;
}

TEST(DnoRecipe, EveryArmRunsAndTheClaimsSpeakOfWhatIsThere) {
  const TempFolder folder;
  auto options = cut("all");
  options->iterations = 3;
  const auto summary = train::run_recipe(run, *options, folder.path(), 2);
  EXPECT_EQ(summary.at("improved"), "dno");
  const auto outcomes = evaluate::outcomes_of(folder.path());
  for (const auto& arm : arm_names())
    for (const char* metric : {"win", "solved", "length"})
      EXPECT_EQ(outcomes.at(arm).at(metric).size(), 8u) << arm << " " << metric;
  evaluate::expect_claimed_terms(outcomes, card().claims, 8);
  EXPECT_EQ(outcomes.at("dno").at("win3"), outcomes.at("dno").at("win"));
  // Every round's model is kept, and the mixture says what it is made of.
  for (int round = 1; round <= 3; ++round)
    EXPECT_TRUE(fs::exists(folder / "models" / fmt::format("dno-{}", round) / "model.safetensors"));
  const auto mixture = base::parse_json(checkpoint::read_bytes(folder / "models/dno_mixture.json"), "mixture");
  EXPECT_EQ(mixture.at("mixture").size(), 3u);
  // In the first round all on-policy arms have the same samples; K students and the teacher to a prompt.
  const auto samples = rows_of(folder / "loop/dno/1-samples.jsonl");
  ASSERT_EQ(samples.size(), 16u * 4);
  const auto spin = rows_of(folder / "loop/spin/1-samples.jsonl");
  for (std::size_t i = 0; i < samples.size(); ++i) EXPECT_EQ(samples[i].at("turns"), spin[i].at("turns"));
  EXPECT_FALSE(rows_of(folder / "loop/spin/1-judged.jsonl")[0].contains("win_rate")) << "SPIN asks no oracle";
  for (const auto& row : rows_of(folder / "loop/dno_restrictive/1-kept.jsonl"))
    EXPECT_EQ(row.at("kind"), "teacher_over_student");
  EXPECT_EQ(rows_of(folder / "loop/offline_dpo/1-samples.jsonl").size(), 3u * 16 * 4);
  // The game is in the record.
  double last = 1;
  for (const auto& row : rows_of(folder / "metrics.jsonl"))
    if (row.at("phase") == "game.eta2") last = row.at("exploitability/averaged_iterate").get<double>();
  EXPECT_LT(last, 0.09);
}

// The reference is the model at the start of the round: at a round's first step the policy has not moved from it.
TEST(DnoRecipe, TheReferenceMovesWithTheRounds) {
  const TempFolder folder;
  train::run_recipe(run, *cut("dno"), folder.path());
  int rounds = 0;
  for (const auto& row : rows_of(folder / "metrics.jsonl")) {
    const auto phase = row.at("phase").get<std::string>();
    if ((phase != "dno.1" && phase != "dno.2") || row.at("step") != 0) continue;
    EXPECT_NEAR(row.at("loss").get<double>(), std::log(2.0), 1e-5) << phase;
    EXPECT_NEAR(row.at("chosen_shift").get<double>(), 0, 1e-4) << phase;
    ++rounds;
  }
  EXPECT_EQ(rounds, 2);
}

TEST(DnoRecipe, PairsAreTrlsAndCarryTheirProvenance) {
  const TempFolder folder;
  train::run_recipe(run, *cut("dno"), folder.path());
  const auto rows = rows_of(folder / "loop/dno/1-kept.jsonl");
  ASSERT_FALSE(rows.empty());
  for (const auto& row : rows) {
    for (const char* text : {"prompt", "chosen", "rejected", "problem", "kind", "model"})
      EXPECT_TRUE(row.at(text).is_string()) << text;
    EXPECT_EQ(row.at("iteration"), 1);
    EXPECT_TRUE(row.at("chosen_score").is_number());
    EXPECT_NE(row.at("chosen"), row.at("rejected"));
  }
}

TEST(DnoRecipe, SeedsDecideAndThreadsDoNot) {
  const TempFolder one, two, other;
  EXPECT_EQ(train::run_recipe(run, *cut("dno"), one.path(), 1), train::run_recipe(run, *cut("dno"), two.path(), 2));
  EXPECT_EQ(train::lines_without_times(one / "metrics.jsonl"), train::lines_without_times(two / "metrics.jsonl"));
  for (const char* file : {"loop/dno/2-kept.jsonl", "outcomes.json"})
    EXPECT_EQ(checkpoint::read_bytes(one / file), checkpoint::read_bytes(two / file)) << file;
  train::run_recipe(run, *cut("dno"), other.path(), 1, 2);
  EXPECT_NE(train::lines_without_times(one / "metrics.jsonl"), train::lines_without_times(other / "metrics.jsonl"));
}

// Prompts, answers and a judge of a user's; the judge prefers what is longer.
TEST(DnoRecipe, AModelFolderAFileAndACommand) {
  const TempFolder files, folder;
  std::string lines;
  for (int i = 0; i < 60; ++i) lines += fmt::format("{{\"prompt\": \"{} =\", \"answer\": \"{}\"}}\n", i, i % 3);
  checkpoint::write_bytes(files / "mod.jsonl", lines);
  // Says of every question that the teacher (the first) is good and the others are not.
  checkpoint::write_bytes(
      files / "judge.sh",
      "while IFS= read -r line; do id=${line#*\\\"id\\\":\\\"}; id=${id%%\\\"*}\n"
      "case \"$line\" in *'\"candidates\":[\"'*'\",\"'*'\",\"'*'\",\"'*) s='[6,1,1,1]';; *) s='[0.5,6]';; esac\n"
      "printf '{\"id\":\"%s\",\"scores\":%s}\\n' \"$id\" \"$s\"; done\n");
  const auto tokenizer = text::Tokenizer::bytes(text::standard_specials());
  const models::ModelOptions size{.width = 16, .layers = 1, .heads = 2, .context = 64};
  models::save(files / "model", models::fresh(models::config_of(size, tokenizer.size()), Rng(1)), tokenizer);
  auto options = cut("dno");
  options->data = (files / "mod.jsonl").string();
  options->max_tokens = 4;
  expect_error(ErrorKind::usage, {"need a judge"}, [&] { train::run_recipe(run, *options, folder.path()); });
  options->oracle.command = "sh " + (files / "judge.sh").string();
  expect_error(ErrorKind::usage, {"need a model"}, [&] { train::run_recipe(run, *options, folder.path()); });
  options->model = (files / "model").string();
  const TempFolder fresh;
  train::run_recipe(run, *options, fresh.path());
  const auto rows = rows_of(fresh / "loop/dno/1-kept.jsonl");
  ASSERT_FALSE(rows.empty());
  for (const auto& row : rows) EXPECT_EQ(row.at("kind"), "teacher_over_student");
  EXPECT_GT(rows_of(fresh / "judged.jsonl").size(), 16u);
}

}  // namespace
}  // namespace hone::recipes::dno
