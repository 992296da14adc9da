#include "hone/base/error.h"
#include "hone/data/rows.h"
#include "hone/evaluate/test_claims.h"
#include "hone/report/recipe_card.h"
#include "hone/tasks/addition.h"
#include "hone/train/test_run.h"
#include "recipes/star/rounds.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>

namespace hone::recipes::star {

report::RecipeCard card();
void run(train::Env& env, const base::Options& given);

namespace {

namespace fs = std::filesystem;
using train::expect_error;
using train::TempFolder;

std::unique_ptr<Options> preset(const std::string& name) {
  return std::unique_ptr<Options>(dynamic_cast<Options*>(card().options(name).release()));
}

// The smoke preset, cut to a second or two.
std::unique_ptr<Options> cut(const std::string& arms) {
  auto o = preset("smoke");
  o->arms = arms;
  o->fresh = {.width = 32, .layers = 1, .heads = 2, .context = 96};
  o->sums.digits = 4;
  o->max_tokens = 64;
  o->sums.seed_records = 60;
  o->base.steps = 25;
  o->problems = 40;
  o->test = 4;
  o->start_steps = 3;
  return o;
}

std::vector<Json> rows_of(const fs::path& file) {
  std::vector<Json> rows;
  for (const auto& line : train::lines_without_times(file)) rows.push_back(base::parse_json(line, file.string()));
  return rows;
}

// ---- options and claims ----

TEST(StarOptions, ArmsAreParsed) {
  EXPECT_EQ(parse_arms("direct,star,direct"), (std::vector<std::string>{"direct", "star"}));
  EXPECT_EQ(parse_arms("all"), arm_names());
  expect_error(ErrorKind::usage, {"unknown arm \"sta\"", "star"}, [] { parse_arms("sta"); });
  expect_error(ErrorKind::usage, {"the list is empty"}, [] { parse_arms(""); });
}

TEST(StarOptions, EveryPresetFitsItsDescription) {
  for (const auto& [name, summary] : card().presets) {
    const auto options = card().options(name), defaults = card().options("");
    EXPECT_NO_THROW(base::OptionSet(*options, *defaults, name)) << name;
    EXPECT_NO_THROW(parse_arms(preset(name)->arms)) << name;
  }
}

// The longest rationale and prompt of a preset's ladder fit its limits.
TEST(StarOptions, TheLadderFitsItsContext) {
  const auto tokenizer = text::Tokenizer::symbols(text::standard_specials(), tasks::addition_words());
  for (const char* name : {"laptop", "demo", "smoke"}) {
    const auto o = preset(name);
    const auto problem = tasks::draw_additions(tasks::AdditionSplit::train, o->sums.digits, 1, Rng(1))[0];
    const auto rationale = static_cast<int64_t>(tokenizer.encode(tasks::addition_scratchpad(problem)).size()) + 2;
    const auto hint = static_cast<int64_t>(tokenizer.encode(tasks::addition_hint(problem)).size()) + 2;
    EXPECT_LE(rationale, o->max_tokens) << name;
    EXPECT_LE(hint + o->max_tokens, o->fresh.context) << name;
  }
}

TEST(StarOptions, StepsGrow) {
  const auto o = preset("");
  EXPECT_EQ(steps_of(*o, 1), 40);
  EXPECT_EQ(steps_of(*o, 2), 48);
  EXPECT_EQ(steps_of(*o, 3), 58);  // 57.6
}

// ---- the world ----

TEST(StarWorld, LengthsAreEquallyManyAndSplitsApart) {
  auto o = cut("star");
  const auto world = make_world(*o, Rng(1));
  ASSERT_EQ(world.groups.size(), 4u);
  std::set<std::string> held_out;
  for (const auto& group : world.groups) {
    EXPECT_EQ(group.problems.size(), 4u);
    for (const auto& p : group.problems) held_out.insert(p.id);
  }
  std::map<std::size_t, int> lengths;
  const auto problems = world.draw(1);
  ASSERT_EQ(problems.size(), 40u);
  for (const auto& p : problems) {
    ++lengths[std::to_string(p.numbers[0]).size()];
    EXPECT_FALSE(held_out.contains(p.id));
  }
  for (std::size_t digits = 1; digits <= 4; ++digits) EXPECT_EQ(lengths[digits], 10);
  EXPECT_NE(world.draw(1)[35].id, world.draw(2)[35].id);
  EXPECT_EQ(make_world(*o, Rng(2)).groups[3].problems[0].id, world.groups[3].problems[0].id)
      << "held-out sums are every seed's";
}

TEST(StarWorld, HintsAreFilledIn) {
  EXPECT_EQ(filled_hint("{prompt} ({answer})", "2+2?", "4"), "2+2? (4)");
  EXPECT_EQ(filled_hint("{answer}{answer}{x}", "{answer}", "{prompt}"), "{prompt}{prompt}{x}");
}

TEST(StarWorld, SeedRecordsAreShortAndSomeHaveHints) {
  const auto o = preset("smoke");
  o->sums.few_shot = 0;
  const auto tokenizer = text::Tokenizer::symbols(text::standard_specials(), tasks::addition_words());
  int hints = 0;
  const auto records = seed_records(*o, tokenizer, Rng(1));
  ASSERT_EQ(static_cast<int64_t>(records.size()), o->sums.seed_records);
  for (const auto& record : records) {
    hints += std::count(record.ids.begin(), record.ids.end(), tokenizer.id("?")) > 0;
    EXPECT_EQ(record.loss_mask[0], 0);
    EXPECT_EQ(record.ids.back(), tokenizer.end());
    EXPECT_EQ(record.loss_mask.back(), 1);
    const auto text = tokenizer.decode(record.ids);
    EXPECT_LE(std::count(text.begin(), text.end(), ';'), 2) << text;
  }
  EXPECT_NEAR(static_cast<double>(hints) / static_cast<double>(records.size()), o->sums.hints, 0.1);
}

TEST(StarWorld, AFewRecordsOfLongerSumsAreSeenWithAndWithoutAHint) {
  const auto o = preset("smoke");
  o->sums.few_shot = 3;
  const auto tokenizer = text::Tokenizer::symbols(text::standard_specials(), tasks::addition_words());
  const auto records = seed_records(*o, tokenizer, Rng(1));
  const auto seeds = static_cast<std::size_t>(o->sums.seed_records);
  const auto lengths = static_cast<std::size_t>(o->sums.digits - o->sums.seed_digits);
  ASSERT_EQ(records.size(), seeds + 2 * 3 * lengths);
  std::set<std::string> held_out;
  for (const auto& group : make_world(*o, Rng(1)).groups)
    for (const auto& p : group.problems) held_out.insert(p.prompt);
  for (std::size_t i = seeds; i < records.size(); i += 2) {
    const auto plain = tokenizer.decode(records[i].ids), hinted = tokenizer.decode(records[i + 1].ids);
    const auto steps = std::count(plain.begin(), plain.end(), ';');
    EXPECT_GT(steps, o->sums.seed_digits) << plain;
    EXPECT_EQ(steps, std::count(hinted.begin(), hinted.end(), ';')) << "the same sum: " << hinted;
    EXPECT_TRUE(plain.find('?') == std::string::npos && hinted.find('?') != std::string::npos) << hinted;
    const auto sum = plain.substr(plain.find_first_of("0123456789"));
    EXPECT_FALSE(held_out.contains(sum.substr(0, sum.find(':') + 1))) << plain;
  }
}

// ---- a round, by hand ----

struct Bench {
  explicit Bench(std::unique_ptr<Options> given)
      : options(std::move(given)),
        run(folder.path()),
        session(run.env),
        world(make_world(*options, Rng(1))),
        base{models::fresh(models::config_of(options->fresh, tokenizer.size()), Rng(2)), tokenizer} {}
  Lab lab() { return {run.env, session, *options, world, base}; }

  std::unique_ptr<Options> options;
  TempFolder folder;
  train::TestRun run;
  train::Session session;
  World world;
  text::Tokenizer tokenizer = text::Tokenizer::symbols(text::standard_specials(), tasks::addition_words());
  models::Model base;
};

Json said(const tasks::Problem& problem, const std::string& text, const text::Tokenizer& tokenizer,
          const char* finish = "stop") {
  auto ids = tokenizer.encode(text);
  ids.push_back(tokenizer.end());
  return {{"problem", problem.id},
          {"sample", 0},
          {"source", "sampled"},
          {"turns", {{{"text", text}, {"ids", ids}, {"finish", finish}}}}};
}

TEST(StarRound, KeepsWhatEndsRightOnceWithoutItsHint) {
  Bench bench(cut("star"));
  const auto lab = bench.lab();
  const train::Round round{1, "m", Rng(3)};
  const auto problems = bench.world.draw(1);
  const auto& p = problems[30];
  const auto good = tasks::addition_scratchpad(p), lucky = "C 1 " + tasks::addition_answer(p);
  train::LoopRows rows = {said(p, good, bench.tokenizer),
                          said(p, good, bench.tokenizer),
                          said(p, lucky, bench.tokenizer),
                          said(p, "-> 0", bench.tokenizer),
                          said(p, "; " + good, bench.tokenizer),
                          said(problems[31], good, bench.tokenizer),
                          said(problems[32], tasks::addition_answer(problems[32]), bench.tokenizer, "length")};
  rows[0]["source"] = "rationalized";
  const auto judged = judge(lab, round, rows);
  EXPECT_EQ(judged[0].at("reward"), 1);
  EXPECT_EQ(judged[0].at("valid"), true);
  EXPECT_EQ(judged[2].at("reward"), 1);
  EXPECT_EQ(judged[2].at("valid"), false);
  EXPECT_EQ(judged[3].at("reward"), 0);
  EXPECT_EQ(judged[5].at("reward"), 0) << "another problem's answer";
  EXPECT_EQ(judged[6].at("reason"), "cut at the length limit");
  const auto kept = keep(lab, round, judged);
  ASSERT_EQ(kept.size(), 2u) << "no text twice, and at most two of a problem";
  EXPECT_EQ(kept[0].at("completion"), good);
  EXPECT_EQ(kept[0].at("prompt"), p.prompt);
  EXPECT_EQ(kept[0].at("source"), "rationalized");
  const auto examples = examples_of(lab, round, kept);
  EXPECT_EQ(bench.tokenizer.decode(examples[0].ids), p.prompt + " " + good) << "no hint is trained on";
  const auto prompt = data::prompt_ids(p, bench.tokenizer).size();
  for (std::size_t t = 0; t < examples[0].ids.size(); ++t) EXPECT_EQ(examples[0].loss_mask[t], t >= prompt);
}

TEST(StarRound, HintsAreGivenWhereAllSamplesFailed) {
  Bench bench(cut("star_rationalize"));
  bench.options->samples = 2;
  bench.options->temperature = 1;
  bench.options->max_tokens = 8;
  const auto lab = bench.lab();
  const train::Round round{1, "m", Rng(3)};
  const auto plain = ask(lab, arm_of("star"), bench.base, round, 1);
  const auto with = ask(lab, arm_of("star_rationalize"), bench.base, round, 1);
  ASSERT_EQ(plain.size(), 20u);  // 10 problems of the part, 2 samples
  ASSERT_EQ(with.size(), 40u) << "a fresh model solves nothing";
  for (std::size_t i = 0; i < 20; ++i) EXPECT_EQ(with[i], plain[i]);
  EXPECT_EQ(with[20].at("source"), "rationalized");
  EXPECT_EQ(with[20].at("problem"), with[0].at("problem"));
  EXPECT_EQ(with[20].at("sample"), 2);
  EXPECT_NE(with[20].at("turns"), with[0].at("turns"));
  const auto gold = ask(lab, arm_of("direct"), bench.base, round, 1);
  ASSERT_EQ(gold.size(), 10u);
  for (const auto& row : judge(lab, round, gold)) EXPECT_EQ(row.at("reward"), 1);
}

// ---- runs ----

TEST(StarRecipe, EveryArmRunsAndTheClaimsSpeakOfWhatIsThere) {
  const TempFolder folder;
  auto options = cut("all");
  options->sums.digits = 6;
  options->fresh.context = 160;
  options->max_tokens = 40;
  const auto summary = train::run_recipe(run, *options, folder.path());
  EXPECT_EQ(summary.at("held_out"), 4);
  EXPECT_EQ(summary.at("improved"), "star_rationalize");
  const auto outcomes = evaluate::outcomes_of(folder.path());
  for (const auto& arm : arm_names()) {
    EXPECT_TRUE(fs::exists(folder / "models" / arm / "model.safetensors")) << arm;
    for (const char* metric : {"len1", "len6", "long", "area", "valid"})
      EXPECT_EQ(outcomes.at(arm).at(metric).size(), 4u) << arm << " " << metric;
    for (int round = 1; round <= 2; ++round)
      for (const char* stage : {"samples", "judged", "kept"})
        EXPECT_TRUE(fs::exists(folder / "loop" / arm / fmt::format("{}-{}.jsonl", round, stage)))
            << arm << " " << stage;
  }
  evaluate::expect_claimed_terms(outcomes, card().claims, 4);
  // Restarting arms sample from their round's own model; direct keeps every gold answer.
  EXPECT_EQ(rows_of(folder / "loop/direct/1-kept.jsonl").size(), 40u);
  const auto rows = rows_of(folder / "loop/star/1-samples.jsonl");
  ASSERT_EQ(rows.size(), 40u);
  EXPECT_EQ(rows[0].at("iteration"), 1);
  EXPECT_TRUE(rows[0].at("turns")[0].at("logprob").is_number());
}

TEST(StarRecipe, SeedsDecideAndThreadsDoNot) {
  const TempFolder one, two, other;
  EXPECT_EQ(train::run_recipe(run, *cut("star_rationalize"), one.path(), 1),
            train::run_recipe(run, *cut("star_rationalize"), two.path(), 2));
  EXPECT_EQ(train::lines_without_times(one / "metrics.jsonl"), train::lines_without_times(two / "metrics.jsonl"));
  for (const char* file :
       {"loop/star_rationalize/2-kept.jsonl", "loop/star_rationalize/1-judged.jsonl", "outcomes.json"})
    EXPECT_EQ(checkpoint::read_bytes(one / file), checkpoint::read_bytes(two / file)) << file;
  train::run_recipe(run, *cut("star_rationalize"), other.path(), 1, 2);
  EXPECT_NE(train::lines_without_times(one / "metrics.jsonl"), train::lines_without_times(other / "metrics.jsonl"));
}

TEST(StarRecipe, AProblemFileNeedsAModelAndAHintItsAnswer) {
  const TempFolder files, folder;
  std::string lines;
  for (int i = 0; i < 40; ++i) lines += fmt::format("{{\"prompt\": \"{} + 1 =\", \"answer\": \"{}\"}}\n", i, i + 1);
  checkpoint::write_bytes(files / "sums.jsonl", lines);
  auto options = cut("star_rationalize");
  options->data = (files / "sums.jsonl").string();
  expect_error(ErrorKind::usage, {"sums.jsonl", "need a model"},
               [&] { train::run_recipe(run, *options, folder.path()); });
  options->hint = "the answer is a secret";
  expect_error(ErrorKind::usage, {"does not hold {answer}"}, [&] { train::run_recipe(run, *options, folder.path()); });
}

TEST(StarRecipe, AModelFolderAndAProblemFile) {
  const TempFolder files, folder;
  std::string lines;
  for (int i = 0; i < 60; ++i) lines += fmt::format("{{\"prompt\": \"{} =\", \"answer\": \"{}\"}}\n", i, i % 3);
  checkpoint::write_bytes(files / "mod.jsonl", lines);
  const auto tokenizer = text::Tokenizer::bytes(text::standard_specials());
  const models::ModelOptions size{.width = 16, .layers = 1, .heads = 2, .context = 96};
  models::save(files / "model", models::fresh(models::config_of(size, tokenizer.size()), Rng(1)), tokenizer);
  auto options = cut("all");
  options->data = (files / "mod.jsonl").string();
  options->model = (files / "model").string();
  options->max_tokens = 4;
  options->samples = 2;
  options->temperature = 1;
  const auto summary = train::run_recipe(run, *options, folder.path());
  EXPECT_TRUE(summary.at("arms").at("direct").at("values").at("held_out").at("mean").is_number());
  const auto kept = rows_of(folder / "loop/direct/1-kept.jsonl");
  ASSERT_FALSE(kept.empty());
  EXPECT_TRUE(kept[0].at("prompt").get<std::string>().ends_with(" ="));
}

}  // namespace
}  // namespace hone::recipes::star
