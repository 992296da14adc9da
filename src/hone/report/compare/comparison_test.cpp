#include "hone/report/compare/comparison.h"

#include "hone/base/error.h"
#include "hone/report/compare/test_runs.h"
#include "hone/report/compare/verdict.h"

#include <gtest/gtest.h>

#include <cmath>

namespace hone::report {
namespace {

namespace fs = std::filesystem;

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

bool has_note(const Comparison& all, std::string_view part) {
  for (const std::string& note : all.notes) {
    if (has(note, part)) return true;
  }
  return false;
}

const ComparedArm& arm_called(const Comparison& all, std::string_view name) {
  for (const ComparedArm& arm : all.arms) {
    if (short_name(all, arm) == name) return arm;
  }
  throw std::runtime_error("no arm " + std::string(name));
}

std::string error_of(const std::vector<fs::path>& runs, ErrorKind kind) {
  try {
    compare(runs);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "compared";
  return "";
}

TEST(Compare, EveryArmAgainstTheFirstRun) {
  const TwoRuns runs;
  const Comparison all = compare(runs.both());
  ASSERT_EQ(all.runs.size(), 2u);
  EXPECT_EQ(all.runs[1].letter, "B");
  EXPECT_EQ(all.arms.size(), 14u) << "seven arms a run";
  EXPECT_EQ(short_name(all, all.arms[all.reference]), "A SCoRe");
  ASSERT_EQ(all.metrics.size(), 5u);
  EXPECT_EQ(all.metrics[1].name, "acc_t2");
  // Of 500 problems 100 became right where about 66 % were: some 7 points more at both attempts.
  const Cell& better = arm_called(all, "B SCoRe").cells[1];
  EXPECT_NEAR(better.difference.mean, better.value.mean - all.arms[all.reference].cells[1].value.mean, 1e-9);
  EXPECT_GT(better.difference.low, 0.02);
  EXPECT_LT(better.difference.high, 0.12);
  EXPECT_EQ(better.per_seed.size(), 3u);
  EXPECT_TRUE(std::isnan(all.arms[all.reference].cells[1].difference.mean)) << "the reference has no difference";
  // The same arm with the same outcomes: no difference beyond the draw of seeds.
  const Interval& same = arm_called(all, "B base model").cells[1].difference;
  const Interval& own = arm_called(all, "A base model").cells[1].difference;
  EXPECT_NEAR(same.mean, own.mean, 1e-12);
  EXPECT_TRUE(has_note(all, "B holds out the same problems as A"));
  EXPECT_EQ(all.runs[1].unpaired, "");
}

TEST(Compare, WithinTheFirstRunDifferencesAreThoseOfClaims) {
  const TwoRuns runs;
  const Comparison all = compare(runs.both());
  const Interval claimed = estimate(all.runs[0].seeds, {{"base", "t2", 1}, {"score", "t2", -1}}, interval_rng());
  const Interval& shown = arm_called(all, "A base model").cells[1].difference;
  EXPECT_EQ(shown.low, claimed.low);
  EXPECT_EQ(shown.high, claimed.high);
}

TEST(Compare, OtherProblemsAreNotPaired) {
  const TwoRuns runs;
  const double paired = arm_called(compare(runs.both()), "B SCoRe").cells[1].difference.high;
  runs.edit_seeds("options.json", [](Json& options) { options.push_back({{"path", "world"}, {"value", "cd4"}}); });
  const Comparison all = compare(runs.both());
  EXPECT_TRUE(has_note(all, "B is compared with A unpaired, since only one of them has the option world"));
  EXPECT_GT(arm_called(all, "B SCoRe").cells[1].difference.high, paired);
  EXPECT_TRUE(has(all.headline, "The held-out problems may differ"));
}

TEST(Compare, OptionsOfTrainingDontUnpair) {
  const TwoRuns runs;
  runs.edit_seeds("options.json", [](Json& options) {
    for (Json& option : options) {
      if (option["path"] == "alpha" || option["path"] == "optim.lr") option["value"] = "7";
    }
  });
  EXPECT_EQ(compare(runs.both()).runs[1].unpaired, "");
}

TEST(Compare, OtherRecipesShareTheFirstAnswer) {
  const TwoRuns runs;
  make_one_attempt(runs);
  const Comparison all = compare(runs.both());
  ASSERT_EQ(all.metrics.size(), 1u);
  EXPECT_EQ(all.metrics[0].label, "Acc@t1 = greedy accuracy");
  EXPECT_GT(arm_called(all, "B SCoRe").cells[0].difference.mean, 0.05);
  EXPECT_TRUE(has_note(all, "Only A reports Acc@t2, Δ(t1→t2), wrong→right, right→wrong"));
  EXPECT_TRUE(has_note(all, "Only B reports pass@1, pass@4"));
  EXPECT_TRUE(has_note(all, "the recipes score and grpo choose their problems in ways of their own"));
  // Both draw from the same world: the same options there make the same problems.
  for (const auto& run : runs.both()) {
    for (const char* seed : {"seed-1", "seed-2", "seed-3"}) {
      edit_json(run / seed / "options.json", [](Json& options) {
        for (const char* path : {"data", "test_data", "verifier", "world", "notation", "test_problems"})
          options.push_back({{"path", path}, {"value", "x"}});
      });
    }
  }
  EXPECT_EQ(compare(runs.both()).runs[1].unpaired, "");
}

TEST(Compare, NothingSharedIsSaid) {
  const TwoRuns runs;
  make_one_attempt(runs);
  runs.edit_seeds("summary.json", [](Json& summary) { summary["metrics"].erase(0); });
  const Comparison all = compare(runs.both());
  EXPECT_TRUE(all.metrics.empty());
  EXPECT_TRUE(has(all.headline, "No winner can be named: the runs share no metric."));
}

TEST(Compare, OneNameOfTwoThingsIsNotCompared) {
  const TwoRuns runs;
  runs.edit_seeds("summary.json", [](Json& summary) {
    summary["metrics"][1]["terms"] = Json::array({{{"outcome", "w2r"}, {"weight", 1}}});
  });
  const Comparison all = compare(runs.both());
  EXPECT_EQ(all.metrics.size(), 4u);
  EXPECT_TRUE(has_note(all, "\"Acc@t2\" is made of other outcomes in B than in A"));
}

TEST(Compare, TheSameRunTwice) {
  const TwoRuns runs;
  fs::create_directory_symlink(runs.first, runs.folder.path() / "link");
  EXPECT_TRUE(has(error_of({runs.first, runs.folder.path() / "link"}, ErrorKind::usage), "two different runs"));
  const Comparison all = compare({runs.first, runs.second, runs.folder.path() / "link"});
  EXPECT_EQ(all.runs.size(), 2u);
  EXPECT_TRUE(has_note(all, "first was named twice"));
  EXPECT_TRUE(has(error_of({runs.first, runs.first / "seed-1"}, ErrorKind::usage), "is a part of"));
}

TEST(Compare, SpoiledFilesAreNamed) {
  const TwoRuns runs;
  const auto spoil = [&](const char* file, const char* text, ErrorKind kind) {
    const fs::path path = runs.second / "seed-2" / file;
    const std::string kept = base::read_file(path);
    base::write_file_atomic(path, text);
    EXPECT_TRUE(has(error_of(runs.both(), kind), (fs::canonical(runs.second) / "seed-2" / file).string())) << text;
    base::write_file_atomic(path, kept);
  };
  spoil("outcomes.json", "{\"seed\":1,\"arms\":{", ErrorKind::format);
  spoil("outcomes.json", "[]", ErrorKind::format);
  spoil("outcomes.json", R"({"seed":1,"arms":{"a":{"t1":[1,null]}}})", ErrorKind::format);
  spoil("summary.json", "\xff", ErrorKind::format);
  EXPECT_NO_THROW(compare(runs.both()));
  fs::remove(runs.second / "seed-2" / "outcomes.json");
  fs::remove_all(runs.second / "seed-3");
  fs::create_symlink("seed-3", runs.second / "seed-3");  // a link to itself
  const Comparison all = compare(runs.both());
  EXPECT_TRUE(has_note(all, "B: seed-2: outcomes.json is missing"));
  EXPECT_TRUE(has_note(all, "B: seed-3 is missing"));
  EXPECT_TRUE(has_note(all, "B has 1 seed: how much training itself varies is not in its intervals."));
  fs::remove(runs.second / "seed-1" / "outcomes.json");
  EXPECT_TRUE(has(error_of(runs.both(), ErrorKind::data), "outcomes.json is missing"));
}

TEST(Compare, WrongTypesNeverCrash) {
  const TwoRuns runs;
  runs.edit_seeds("summary.json", [](Json& summary) {
    summary["base"] = 7;
    summary["improved"] = Json::array();
    summary["cost"] = "much";
    summary["held_out"] = Json::object();
    summary["metrics"].push_back(3);
    summary["metrics"].push_back({{"name", Json::array()}, {"label", 4}, {"terms", {{"outcome", 5}}}});
  });
  edit_json(runs.second / "run.json", [](Json& run) { run["machine"] = run["recipe"] = Json::array({1}); });
  base::write_file_atomic(runs.second / "seed-1/options.json", "{}");
  base::write_file_atomic(runs.second / "seed-1/metrics.jsonl", "not json\n");
  EXPECT_FALSE(compare(runs.both()).headline.empty());
}

}  // namespace
}  // namespace hone::report
