#include "hone/rewards/judge_cache.h"

#include "hone/checkpoint/test_files.h"
#include "hone/rewards/test_judges.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace hone::rewards {
namespace {

using checkpoint::expect_error;
using checkpoint::read_bytes;
using checkpoint::TempFolder;

// by_length under a name, counting what it is asked; fails after `most` answers.
struct Counted {
  std::string name = "lengths";
  int64_t most = 1000, asked = 0;
  Oracle oracle() {
    return {name, [this](std::span<const Question> questions, const Answered& answered) {
              for (std::size_t i = 0; i < questions.size(); ++i) {
                if (asked == most) fail(ErrorKind::data, "the judge is tired");
                ++asked;
                answered(i, by_length(questions[i]));
              }
            }};
  }
};

std::vector<Judgement> expected(std::size_t count) {
  std::vector<Judgement> out;
  for (const auto& q : questions(count)) out.push_back(by_length(q));
  return out;
}

TEST(JudgeCache, AsksOnceAcrossCallsAndRuns) {
  const TempFolder folder;
  Counted judge;
  CacheCount count;
  {
    const auto oracle = cached(judge.oracle(), folder / "judged.jsonl", nullptr, &count);
    EXPECT_EQ(judge_all(oracle, questions(3)), expected(3));
    EXPECT_EQ(judge_all(oracle, questions(5)), expected(5));
  }
  EXPECT_EQ(judge.asked, 5);
  EXPECT_EQ(count.asked, 8);
  EXPECT_EQ(count.known, 3);
  CacheState state;
  const auto again = cached(judge.oracle(), folder / "judged.jsonl", &state);
  EXPECT_EQ(state.usable, 5);
  EXPECT_EQ(state.note, "");
  EXPECT_EQ(judge_all(again, questions(6)), expected(6));
  EXPECT_EQ(judge.asked, 6);
}

TEST(JudgeCache, EqualQuestionsOfOneCallAreAskedOnce) {
  const TempFolder folder;
  Counted judge;
  auto twice = questions(2);
  twice.push_back(twice[0]);
  const auto answers = judge_all(cached(judge.oracle(), folder / "judged.jsonl"), twice);
  EXPECT_EQ(answers[2], answers[0]);
  EXPECT_EQ(judge.asked, 2);
}

TEST(JudgeCache, AnswersBeforeAFaultAreKept) {
  const TempFolder folder;
  Counted judge{.most = 3};
  expect_error(ErrorKind::data, {"tired"},
               [&] { judge_all(cached(judge.oracle(), folder / "judged.jsonl"), questions(5)); });
  judge.most = 1000;
  EXPECT_EQ(judge_all(cached(judge.oracle(), folder / "judged.jsonl"), questions(5)), expected(5));
  EXPECT_EQ(judge.asked, 5);
}

TEST(JudgeCache, AnotherOraclesAnswersAreNotUsed) {
  const TempFolder folder;
  Counted one, other{.name = "lengths 2"};
  judge_all(cached(one.oracle(), folder / "judged.jsonl"), questions(3));
  CacheState state;
  judge_all(cached(other.oracle(), folder / "judged.jsonl", &state), questions(3));
  EXPECT_EQ(state.usable, 0);
  EXPECT_EQ(state.foreign, 3);
  EXPECT_EQ(other.asked, 3);
  // Both are there now, each for its own.
  judge_all(cached(one.oracle(), folder / "judged.jsonl", &state), questions(3));
  EXPECT_EQ(state.usable, 3);
  EXPECT_EQ(one.asked, 3);
}

// Cut at every byte: whole lines are used, a torn one is dropped and said so, and the file goes on whole.
TEST(JudgeCache, SurvivesATornLastLine) {
  const TempFolder folder;
  Counted judge;
  judge_all(cached(judge.oracle(), folder / "whole.jsonl"), questions(3));
  const auto whole = read_bytes(folder / "whole.jsonl");
  for (std::size_t size = 0; size <= whole.size(); size += 7) {
    checkpoint::write_bytes(folder / "judged.jsonl", whole.substr(0, size));
    const auto lines = std::count(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size), '\n');
    CacheState state;
    judge.asked = 0;
    EXPECT_EQ(judge_all(cached(judge.oracle(), folder / "judged.jsonl", &state), questions(3)), expected(3));
    EXPECT_EQ(state.usable, lines);
    EXPECT_EQ(judge.asked, 3 - lines);
    EXPECT_EQ(state.note.empty(), size == 0 || whole[size - 1] == '\n') << state.note;
    EXPECT_EQ(read_bytes(folder / "judged.jsonl"), whole);
  }
}

TEST(JudgeCache, ABadLineIsNamed) {
  const TempFolder folder;
  Counted judge;
  judge_all(cached(judge.oracle(), folder / "judged.jsonl"), questions(2));
  const auto whole = read_bytes(folder / "judged.jsonl");
  for (const char* bad : {"garbage", "17", "{}", R"({"key":"k","oracle":"o","wins":[[2]]})",
                          R"({"key":1,"oracle":"o","wins":[[0.5]]})"}) {
    checkpoint::write_bytes(folder / "judged.jsonl", whole + bad + "\n");
    const auto error = checkpoint::error_of([&] { cached(judge.oracle(), folder / "judged.jsonl"); });
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind(), ErrorKind::format);
    EXPECT_NE(std::string(error->what()).find("judged.jsonl:3"), std::string::npos) << error->what();
    EXPECT_FALSE(error->remedy().empty());
  }
}

TEST(JudgeCache, TheKeyIsTheOracleAndTheQuestion) {
  const auto q = questions(2);
  EXPECT_EQ(cache_key("a", q[0]), cache_key("a", q[0]));
  EXPECT_NE(cache_key("a", q[0]), cache_key("b", q[0]));
  EXPECT_NE(cache_key("a", q[0]), cache_key("a", q[1]));
  auto swapped = q[0];
  std::swap(swapped.candidates[0], swapped.candidates[1]);
  EXPECT_NE(cache_key("a", q[0]), cache_key("a", swapped));
}

}  // namespace
}  // namespace hone::rewards
