#include "cli/use/model_choice.h"

#include "cli/test_folder.h"
#include "hone/base/error.h"

#include <gtest/gtest.h>

namespace hone::cli {
namespace {

// What was found below the folder, or the error with its remedy.
std::string found(const TestFolder& folder, const std::string& word) {
  try {
    return find_model(folder.path() / "runs", word).lexically_relative(folder.path()).string();
  } catch (const Error& error) {
    return fmt::format("{}: {} | {}", name_of(error.kind()), error.what(), error.remedy());
  }
}

bool says(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(ModelChoice, AFolderOrTheOnlyModelOfARun) {
  const TestFolder folder;
  folder.file("m/config.json", "{}");
  EXPECT_EQ(found(folder, (folder.path() / "m").string()), "m");
  folder.file("runs/2026-01-01-sft-aaaa/run.json", "{}");
  folder.file("runs/2026-01-01-sft-aaaa/models/sft/config.json", "{}");
  EXPECT_EQ(found(folder, "latest"), "runs/2026-01-01-sft-aaaa/models/sft");
  EXPECT_EQ(found(folder, (folder.path() / "runs/2026-01-01-sft-aaaa").string()),
            "runs/2026-01-01-sft-aaaa/models/sft");
}

TEST(ModelChoice, OfSeveralTheImprovedOne) {
  const TestFolder folder;
  const std::string run = "runs/2026-01-01-grpo-aaaa/";
  folder.file(run + "run.json", "{}");
  folder.file(run + "models/base/config.json", "{}");
  folder.file(run + "models/grpo/config.json", "{}");
  const std::string several = found(folder, "latest");
  EXPECT_TRUE(says(several, "usage: ") && says(several, "holds 2 models") && says(several, "models/grpo")) << several;
  folder.file(run + "summary.json", R"({"improved": "grpo"})");
  EXPECT_EQ(found(folder, "latest"), run + "models/grpo");
  for (const char* name : {"none", "../../x", "..", ""}) {
    folder.file(run + "summary.json", fmt::format(R"({{"improved": "{}"}})", name));
    EXPECT_TRUE(says(found(folder, "latest"), "holds 2 models")) << name;
  }
  folder.file(run + "summary.json", "{");
  EXPECT_TRUE(says(found(folder, "latest"), "format: ")) << found(folder, "latest");
}

TEST(ModelChoice, WhatIsNoModelSaysWhatToGive) {
  const TestFolder folder;
  folder.file("notes/a.txt", "");
  EXPECT_TRUE(says(found(folder, (folder.path() / "notes").string()), "neither config.json nor run.json"));
  EXPECT_TRUE(says(found(folder, "latest"), "no runs"));
  folder.file("runs/2026-01-01-score-aaaa/run.json", "{}");
  EXPECT_TRUE(says(found(folder, "latest"), "holds no model | give a finished run"));
  folder.file("runs/2026-01-01-score-aaaa/seed-3/run.json", "{}");
  folder.file("runs/2026-01-01-score-aaaa/seed-2/run.json", "{}");
  EXPECT_TRUE(says(found(folder, "latest"), "name one seed of it: ")) << found(folder, "latest");
  EXPECT_TRUE(says(found(folder, "latest"), "seed-2")) << found(folder, "latest");
}

TEST(ModelChoice, TheRunBehindAModel) {
  const TestFolder folder;
  const auto behind = [&](const std::string& word) { return run_behind(folder.path() / "runs", word); };
  folder.file("runs/2026-01-01-sft-aaaa/run.json", "{}");
  folder.file("runs/2026-01-01-sft-aaaa/models/sft/config.json", "{}");
  folder.file("m/config.json", "{}");
  const auto run = folder.path() / "runs/2026-01-01-sft-aaaa";
  EXPECT_EQ(behind("latest"), run);
  EXPECT_EQ(behind((run / "models/sft").string()), run);
  EXPECT_EQ(behind((run / "models/sft/").string()), run);
  EXPECT_EQ(behind((folder.path() / "m").string()), "");
  EXPECT_THROW(behind("nothing"), Error);
}

// A mixture file beside folders a and b.
std::string policy(const TestFolder& folder, const std::string& json) {
  folder.file("models/a/config.json", "{}");
  folder.file("models/b/config.json", "{}");
  folder.file("models/mix.json", json);
  try {
    std::string text;
    for (const Member& member : find_policy(folder.path() / "runs", (folder.path() / "models/mix.json").string()))
      text += fmt::format("{} {} ", member.model.filename().string(), member.weight);
    return text;
  } catch (const Error& error) {
    return fmt::format("{}: {}", name_of(error.kind()), error.what());
  }
}

TEST(ModelChoice, AMixtureNamesItsMembers) {
  const TestFolder folder;
  EXPECT_EQ(policy(folder, R"({"mixture": [{"model": "a", "weight": 3}, {"model": "b", "weight": 1}]})"), "a 3 b 1 ");
  const auto alone = find_policy(folder.path() / "runs", (folder.path() / "models/a").string());
  ASSERT_EQ(alone.size(), 1u);
  EXPECT_EQ(alone[0].model.filename(), "a");
}

TEST(ModelChoice, ABadMixtureIsRefused) {
  const TestFolder folder;
  for (const auto& [json, part] : std::vector<std::pair<std::string, std::string>>{
           {"{", "mix.json"},
           {"[]", "not a list of models"},
           {R"({"mixture": []})", "not a list of models"},
           {R"({"mixture": [{"model": "c", "weight": 1}]})", "no model folder \"c\""},
           {R"({"mixture": [{"model": "../models/a", "weight": 1}]})", "no model folder"},
           {R"({"mixture": [{"model": "a"}]})", "must be above 0"},
           {R"({"mixture": [{"model": "a", "weight": -1}]})", "must be above 0"}}) {
    const std::string said = policy(folder, json);
    EXPECT_TRUE(says(said, "format: ") && says(said, part)) << said;
  }
}

TEST(ModelChoice, MembersAreDrawnByTheirShares) {
  const std::vector<Member> members = {{"a", 3}, {"b", 1}};
  int first = 0;
  for (uint64_t i = 0; i < 4000; ++i) first += draw_member(members, Rng(5).fork("member", {i})) == 0;
  EXPECT_NEAR(first, 3000, 110);  // 4 standard deviations
  EXPECT_EQ(draw_member({{"a", 1}}, Rng(1)), 0u);
}

}  // namespace
}  // namespace hone::cli
