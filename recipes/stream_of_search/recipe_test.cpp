#include "hone/base/error.h"
#include "hone/evaluate/test_claims.h"
#include "hone/models/model.h"
#include "hone/report/recipe_card.h"
#include "hone/train/test_run.h"
#include "recipes/stream_of_search/arms.h"

#include <gtest/gtest.h>

#include <memory>

namespace hone::recipes::stream_of_search {

report::RecipeCard card();
void run(train::Env& env, const base::Options& given);

namespace {

namespace fs = std::filesystem;
using train::expect_error;
using train::TempFolder;

// The smoke preset, cut to a second or two.
std::unique_ptr<Options> smoke(int64_t steps = 6) {
  std::unique_ptr<Options> options(dynamic_cast<Options*>(card().options("smoke").release()));
  options->problems = 120;
  options->test_problems = 6;
  options->max_tokens = 40;
  options->fit.steps = steps;
  options->fit.batch = 8;
  options->star.iterations = 0;
  return options;
}

Json read(const fs::path& file) { return base::parse_json(checkpoint::read_bytes(file), file.string()); }

TEST(StreamOfSearchRecipe, AllArmsLeaveWhatTheClaimsAskFor) {
  const TempFolder folder;
  auto options = smoke();
  options->star.iterations = 1;
  const auto summary = train::run_recipe(run, *options, folder.path());
  EXPECT_EQ(summary.at("base"), "op");
  EXPECT_EQ(summary.at("improved"), "star");
  EXPECT_EQ(summary.at("held_out"), 6);
  const auto outcomes = evaluate::outcomes_of(folder.path());
  evaluate::expect_claimed_terms(outcomes, card().claims, 6);
  for (const char* arm : {"op", "op_matched", "sos"}) {
    EXPECT_TRUE(fs::exists(folder / "models" / arm / "model.safetensors")) << arm;
    for (const char* part : kParts) EXPECT_EQ(read(folder / "search.json").at(arm).at(part).at("traces"), 6) << arm;
  }
  // 18 answers an arm, as rows that can be read again.
  int64_t rows = 0;
  tasks::search::for_each_trace(checkpoint::read_bytes(folder / "traces/sos.jsonl"), "sos.jsonl",
                                [&](const tasks::search::TraceRow& row) { rows += row.numbers.size() == 3; });
  EXPECT_EQ(rows, 18);
}

TEST(StreamOfSearchRecipe, OptimalPathsGetAsManyTokens) {
  const TempFolder folder;
  auto options = smoke(10);
  options->max_tokens = 4;
  train::run_recipe(run, *options, folder.path());
  std::map<std::string, int64_t> steps;
  for (const auto& line : train::lines_without_times(folder / "metrics.jsonl"))
    ++steps[base::parse_json(line, "metrics.jsonl").at("phase").get<std::string>()];
  const auto corpus = base::parse_json(train::lines_without_times(folder / "events.jsonl").at(0), "events.jsonl");
  const double longer = corpus.at("search_tokens").get<double>() / corpus.at("optimal_tokens").get<double>();
  EXPECT_EQ(steps["sos"], 10);
  EXPECT_EQ(steps["op"], 10);
  EXPECT_EQ(steps["op_matched"], static_cast<int64_t>(std::ceil(10 * longer)));
  EXPECT_GT(longer, 2);
}

TEST(StreamOfSearchRecipe, SeedsDecideAndThreadsDoNot) {
  const TempFolder one, two, other;
  auto options = smoke();
  options->arms = "sos";
  EXPECT_EQ(train::run_recipe(run, *options, one.path(), 1), train::run_recipe(run, *options, two.path(), 2));
  const auto lines = train::lines_without_times(one / "metrics.jsonl");
  EXPECT_EQ(lines.size(), 6u);
  EXPECT_EQ(lines, train::lines_without_times(two / "metrics.jsonl"));
  EXPECT_EQ(checkpoint::read_bytes(one / "traces/sos.jsonl"), checkpoint::read_bytes(two / "traces/sos.jsonl"));
  train::run_recipe(run, *options, other.path(), 1, 2);
  EXPECT_NE(lines, train::lines_without_times(other / "metrics.jsonl"));
}

// A few problems, learned by heart: STaR has something to keep.
TEST(StreamOfSearchRecipe, StarLearnsFromRightSearchesOnly) {
  const TempFolder folder;
  auto options = smoke(200);
  options->arms = "sos";
  options->problems = 24;
  options->test_problems = 2;
  options->fit.batch = 24;
  options->fit.optim.lr = 1e-2;
  options->max_tokens = 120;
  options->star.iterations = 2;
  options->star.problems = 20;
  options->star.fit.steps = 3;
  const auto summary = train::run_recipe(run, *options, folder.path());
  EXPECT_EQ(summary.at("improved"), "star");
  EXPECT_TRUE(summary.at("arms").contains("star1"));
  const auto events = train::lines_without_times(folder / "events.jsonl");
  const auto star = base::parse_json(events.back(), "events.jsonl");
  EXPECT_EQ(star.at("arm"), "star");
  EXPECT_EQ(star.at("sampled"), 20);
  EXPECT_GT(star.at("accepted").get<int64_t>(), 0);
  EXPECT_LE(star.at("accepted").get<int64_t>(), 20);
}

TEST(StreamOfSearchRecipe, ARoundOfStarWithoutARightSearchIsAWarning) {
  const TempFolder folder;
  auto options = smoke(2);
  options->arms = "sos";
  options->max_tokens = 3;  // too few for any goal
  options->star.iterations = 1;
  const auto summary = train::run_recipe(run, *options, folder.path());
  EXPECT_EQ(summary.at("improved"), "star");
  EXPECT_NE(checkpoint::read_bytes(folder / "events.jsonl").find("\"warning\""), std::string::npos);
  EXPECT_EQ(checkpoint::read_bytes(folder / "models/star/model.safetensors"),
            checkpoint::read_bytes(folder / "models/sos/model.safetensors"));
}

TEST(StreamOfSearchRecipe, StopsAndGoesOnToTheSameEnd) {
  const TempFolder whole, parts;
  auto options = smoke();
  options->arms = "sos";
  const auto expected = train::run_recipe(run, *options, whole.path());
  {
    train::TestRun first(parts.path());
    first.stop = true;  // Ctrl-C before the first step
    EXPECT_THROW(run(first.env, *options), Interrupted);
  }
  EXPECT_EQ(train::run_recipe(run, *options, parts.path()), expected);
  EXPECT_EQ(train::lines_without_times(parts / "metrics.jsonl"), train::lines_without_times(whole / "metrics.jsonl"));
}

TEST(StreamOfSearchRecipe, TooFewUnsolvedProblemsAreNamed) {
  const TempFolder folder;
  auto options = smoke();
  options->problems = 20;
  options->test_problems = 20;
  expect_error(ErrorKind::usage, {"test_problems is 20", "of 20 training problems"},
               [&] { train::run_recipe(run, *options, folder.path()); });
}

TEST(StreamOfSearchArms, TheBestOfSeveralSamplesIsAnyRightOne) {
  const Json json = {{"X 1 + 1 2 =T", 1.0, 12}, {"", 0.0, 3}};
  const auto answers = answers_from_json(json);
  EXPECT_EQ(answers[0].right, 1);
  EXPECT_EQ(answers[1].tokens, 3);
  EXPECT_EQ(to_json(answers), json);
}

TEST(StreamOfSearchArms, TheExamIsTheSameForEverySeed) {
  const auto tokenizer = data::search_tokenizer(tasks::countdown_world("cd3-demo"));
  const auto options = smoke();
  std::vector<std::string> first;
  for (const uint64_t seed : {1, 2}) {
    const TempFolder folder;
    train::TestRun run(folder.path(), 1, seed);
    const auto corpus = make_corpus(run.env, *options, tokenizer);
    const auto exam = make_exam(*options, corpus);
    ASSERT_EQ(exam.problems.size(), 18u);
    std::vector<std::string> ids;
    for (std::size_t i = 0; i < 12; ++i) ids.push_back(exam.problems[i].id);
    if (first.empty()) first = ids;
    EXPECT_EQ(ids, first);
    EXPECT_EQ(corpus.cut, std::count_if(corpus.searches.begin(), corpus.searches.end(), [&](const auto& e) {
                return static_cast<int64_t>(e.ids.size()) == options->fresh.context && e.ids.back() != tokenizer.end();
              }));
  }
}

TEST(StreamOfSearchOptions, EveryPresetFitsItsDescription) {
  for (const auto& [name, summary] : card().presets) {
    const auto options = card().options(name), defaults = card().options("");
    EXPECT_NO_THROW(base::OptionSet(*options, *defaults, name)) << name;
  }
}

}  // namespace
}  // namespace hone::recipes::stream_of_search
