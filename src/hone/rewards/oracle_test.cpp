#include "hone/rewards/oracle.h"

#include "hone/base/rng.h"
#include "hone/checkpoint/test_files.h"
#include "hone/rewards/test_judges.h"

#include <gtest/gtest.h>

#include <cmath>

namespace hone::rewards {
namespace {

using checkpoint::expect_error;
using checkpoint::TempFolder;

TEST(Wins, OfScoresByHand) {
  const auto wins = wins_of_scores({2, 1, 2});
  EXPECT_DOUBLE_EQ(wins[0][0], 0.5);
  EXPECT_DOUBLE_EQ(wins[0][1], 1 / (1 + std::exp(-1.0)));
  EXPECT_DOUBLE_EQ(wins[1][0], 1 - wins[0][1]);
  EXPECT_DOUBLE_EQ(wins[0][2], 0.5);
  const auto rates = win_rates({{2, 1, 2}, wins});
  EXPECT_DOUBLE_EQ(rates[0], (wins[0][1] + 0.5) / 2);
  EXPECT_DOUBLE_EQ(rates[1], wins[1][0]);
  EXPECT_EQ(win_rates({{3}, {{0.5}}}), std::vector<double>{0.5});
  EXPECT_DOUBLE_EQ(wins_of_scores({4, 0}, 2)[0][1], 1 / (1 + std::exp(-2.0)));
}

// A cycle has no scores: every win rate is ½.
TEST(Wins, MayBeCyclic) {
  const Judgement cycle{{}, {{0.5, 0.9, 0.1}, {0.1, 0.5, 0.9}, {0.9, 0.1, 0.5}}};
  check_judgement(cycle, 3, "here");
  for (const double rate : win_rates(cycle)) EXPECT_DOUBLE_EQ(rate, 0.5);
}

Judgement read(const std::string& text, std::size_t candidates) {
  return judgement_from_json(base::parse_json(text, "answer"), candidates, "question 7");
}

TEST(JudgementJson, ScoresWinsOrBoth) {
  EXPECT_EQ(read(R"({"scores":[1,2]})", 2).wins, wins_of_scores({1, 2}));
  const auto compared = read(R"({"wins":[[0.5,0.8],[0.2,0.5]]})", 2);
  EXPECT_TRUE(compared.scores.empty());
  EXPECT_DOUBLE_EQ(compared.wins[0][1], 0.8);
  // A judge that says 0.9 for the first place whatever stands there has said nothing.
  EXPECT_DOUBLE_EQ(read(R"({"wins":[[0,0.9],[0.9,0]]})", 2).wins[0][1], 0.5);
  const auto both = read(R"({"scores":[5,1],"wins":[[0,0],[1,0]]})", 2);
  EXPECT_EQ(both.scores, (std::vector<double>{5, 1}));
  EXPECT_EQ(both.wins[0][1], 0);
}

TEST(JudgementJson, ComesBackBitForBit) {
  Rng rng(3);
  for (int round = 0; round < 200; ++round) {
    std::vector<double> scores;
    for (int i = 0; i < 4; ++i) scores.push_back(3 * rng.normal());
    const Judgement judgement{scores, wins_of_scores(scores)};
    EXPECT_EQ(judgement_from_json(base::parse_json(base::dump(to_json(judgement)), "x"), 4, "x"), judgement);
  }
}

TEST(JudgementJson, WhatDoesNotFitIsRefused) {
  for (const char* text : {R"({"scores":[1]})", R"({"scores":[1,2,3]})", R"({"scores":[1,"2"]})", R"({"scores":{}})",
                           R"({"scores":[1,null]})", R"({"scores":[1,1e300]})", R"({})", R"({"scores":null})",
                           R"({"wins":[[0.5,1.2],[0,0.5]]})", R"({"wins":[[0.5,0.5]]})", R"({"wins":[0.5,0.5]})",
                           R"({"wins":[[0.5,-0.1],[0.5,0.5]]})", R"({"scores":[1],"wins":[[0.5,0.5],[0.5,0.5]]})"})
    expect_error(ErrorKind::data, {"question 7"}, [&] { read(text, 2); });
}

TEST(ProgramOracle, AnswersInOrderOnAnyNumberOfThreads) {
  for (const int threads : {1, 2}) {
    base::Pool pool(threads);
    const auto oracle = program_oracle("lengths", by_length, pool);
    std::vector<std::size_t> order;
    oracle.judge(questions(5), [&](std::size_t i, const Judgement& judgement) {
      order.push_back(i);
      EXPECT_EQ(judgement, by_length(questions(5)[i]));
    });
    EXPECT_EQ(order, (std::vector<std::size_t>{0, 1, 2, 3, 4}));
  }
}

TEST(ProgramOracle, AMistakeOfTheProgramIsNotPassedOn) {
  base::Pool pool(1);
  for (const Judgement& wrong :
       {Judgement{{1}, {{0.5, 1}, {0, 0.5}}}, Judgement{{}, {{0.5, 1}}}, Judgement{{}, {{0.5, 1}, {0.3, 0.5}}},
        Judgement{{std::nan(""), 0}, {{0.5, 1}, {0, 0.5}}}}) {
    const auto oracle = program_oracle(
        "wrong", [&](const Question&) { return wrong; }, pool);
    expect_error(ErrorKind::internal, {"oracle wrong"}, [&] { judge_all(oracle, questions(1)); });
  }
}

// ---- commands ----

// `script` as the body of a shell loop over question lines; $id is the question's id.
struct Judge {
  explicit Judge(const std::string& body) {
    checkpoint::write_bytes(folder / "judge.sh", judge_script(body));
    options.command = "sh " + (folder / "judge.sh").string();
    options.seconds = 20;
  }
  std::vector<Judgement> ask(std::size_t count) { return judge_all(command_oracle(options), questions(count)); }

  TempFolder folder;
  CommandOptions options;
};

constexpr const char* kAnswer = R"(printf '{"id":"%s","scores":[%s,0]}\n' "$id" "$id")";

TEST(CommandOracle, AnswersAreMatchedById) {
  Judge judge(kAnswer);
  const auto answers = judge.ask(20);
  ASSERT_EQ(answers.size(), 20u);
  for (std::size_t i = 0; i < 20; ++i) EXPECT_EQ(answers[i].scores[0], static_cast<double>(i + 1));
}

// Two questions at a time, the second answered first.
TEST(CommandOracle, AnyOrderWillDo) {
  Judge judge(R"(if [ -z "$held" ]; then held=$id; else
      printf '{"id":"%s","scores":[%s,0]}\n{"id":"%s","scores":[%s,0]}\n' "$id" "$id" "$held" "$held"; held=; fi)");
  judge.options.in_flight = 2;
  const auto answers = judge.ask(10);
  for (std::size_t i = 0; i < 10; ++i) EXPECT_EQ(answers[i].scores[0], static_cast<double>(i + 1));
}

TEST(CommandOracle, ManyInFlightAndLongTexts) {
  Judge judge(kAnswer);
  judge.options.in_flight = 1000;
  auto asked = questions(300);
  for (auto& q : asked) q.candidates[0] = std::string(5000, 'y');
  EXPECT_EQ(judge_all(command_oracle(judge.options), asked).size(), 300u);
}

TEST(CommandOracle, IdsAsNumbersAreUnderstood) {
  Judge judge(R"(printf '{"id":%s,"scores":[1,0],"note":"more keys are fine"}\n' "$id")");
  EXPECT_EQ(judge.ask(3).size(), 3u);
}

TEST(CommandOracle, TheProgramIsKeptBetweenCalls) {
  Judge judge(R"(n=$((n+1)); printf '{"id":"%s","scores":[%s,0]}\n' "$id" "$n")");
  const auto oracle = command_oracle(judge.options);
  judge_all(oracle, questions(3));
  EXPECT_EQ(judge_all(oracle, questions(1))[0].scores[0], 4);
  EXPECT_TRUE(judge_all(oracle, {}).empty());
}

struct Fault {
  const char* what;
  std::string body;
  std::vector<std::string_view> says;
};

TEST(CommandOracle, EveryFaultIsNamed) {
  const std::string good = kAnswer;
  const std::vector<Fault> faults = {
      {"hangs", "sleep 100", {"no answer for 0.3 s", "after 0 of 4"}},
      {"hangs later", "[ $id -gt 2 ] && sleep 100; " + good, {"no answer for 0.3 s", "after 2 of 4", "question 3"}},
      {"dies",
       "[ $id -gt 1 ] && { echo out of ideas >&2; exit 3; }; " + good,
       {"exited with code 3", "after 1 of 4", "out of ideas"}},
      {"is killed", "kill -KILL $$", {"signal 9"}},
      {"ends quietly", "exit 0", {"exited with code 0", "after 0 of 4"}},
      {"garbage", "echo hello", {"not valid JSON", "hello"}},
      {"no object", "echo 17", {"without an \"id\""}},
      {"no id", "echo '{\"scores\":[1,2]}'", {"without an \"id\""}},
      {"odd id", "echo '{\"id\":[1],\"scores\":[1,2]}'", {"neither text nor a whole number"}},
      {"unknown id", R"(echo '{"id":"99","scores":[1,2]}')", {"question 99", "not open"}},
      {"twice", good + "; " + good, {"not open"}},
      {"too few", R"(printf '{"id":"%s","scores":[1]}\n' "$id")", {"question 1", "2 numbers", "found 1"}},
      {"too many", R"(printf '{"id":"%s","scores":[1,2,3]}\n' "$id")", {"found 3"}},
      {"NaN", R"(printf '{"id":"%s","scores":[1,NaN]}\n' "$id")", {"not valid JSON"}},
      {"infinite", R"(printf '{"id":"%s","scores":[1,1e999]}\n' "$id")", {"JSON"}},
      {"text", R"(printf '{"id":"%s","scores":[1,"good"]}\n' "$id")", {"not a number"}},
      {"no scores", R"(printf '{"id":"%s"}\n' "$id")", {"neither \"scores\" nor \"wins\""}},
      {"flood", "yes '{\"id\":\"1\",\"scores\":[1,2]}'", {"not open"}},
      {"endless line", "yes | tr -d '\\n'", {"more than 2000 bytes"}},
      {"deep", "printf '%3000s\\n' | tr ' ' '['", {"more than 2000 bytes"}}};
  for (const auto& fault : faults) {
    Judge judge(fault.body);
    judge.options.seconds = 0.3;
    judge.options.in_flight = 1;
    judge.options.limits.line_bytes = 2000;
    const auto error = checkpoint::error_of([&] { judge.ask(4); });
    ASSERT_TRUE(error) << fault.what;
    EXPECT_EQ(error->kind(), ErrorKind::data) << fault.what;
    EXPECT_FALSE(error->remedy().empty()) << fault.what;
    EXPECT_NE(std::string_view(error->what()).find("oracle command"), std::string_view::npos) << error->what();
    for (const auto part : fault.says)
      EXPECT_NE(std::string_view(error->what()).find(part), std::string_view::npos)
          << fault.what << ": " << error->what();
  }
}

TEST(CommandOracle, AMissingProgramIsNamed) {
  CommandOptions options{.command = "/no/such/judge --strict"};
  expect_error(ErrorKind::data, {"/no/such/judge --strict", "code 127"},
               [&] { judge_all(command_oracle(options), questions(1)); });
  expect_error(ErrorKind::usage, {"empty"}, [] { command_oracle({}); });
}

TEST(CommandOracle, AnswersBeforeAFaultArePassedOn) {
  Judge judge("[ $id -gt 3 ] && exit 1; " + std::string(kAnswer));
  judge.options.in_flight = 1;
  std::size_t answers = 0;
  EXPECT_THROW(command_oracle(judge.options).judge(questions(5), [&](std::size_t, const Judgement&) { ++answers; }),
               Error);
  EXPECT_EQ(answers, 3u);
}

// After a fault the next call starts the program anew, and old ids mean nothing to it.
TEST(CommandOracle, StartsAnewAfterAFault) {
  Judge judge("[ $id -eq 2 ] && exit 1; " + std::string(kAnswer));
  judge.options.in_flight = 1;
  const auto oracle = command_oracle(judge.options);
  EXPECT_THROW(judge_all(oracle, questions(2)), Error);
  EXPECT_EQ(judge_all(oracle, questions(2)).size(), 2u);
}

TEST(CommandOracle, TheIdentityIsTheCommandAndItsFiles) {
  Judge one(kAnswer), other(std::string(kAnswer) + " # v2");
  const auto identity = [](const Judge& judge) { return command_oracle(judge.options).identity; };
  EXPECT_EQ(identity(one), identity(one));
  const auto before = identity(one);
  checkpoint::write_bytes(one.folder / "judge.sh", judge_script("exit 1"));
  EXPECT_NE(identity(one), before);
  auto strict = one.options;
  strict.command += " --strict";
  EXPECT_NE(command_oracle(strict).identity, identity(one));
}

TEST(QuestionJson, PromptOrMessages) {
  EXPECT_EQ(base::dump(question_json(questions(1)[0])), R"({"prompt":"p0","candidates":["a","bb"]})");
  Question chat;
  chat.problem.messages = {{"user", "hi"}};
  chat.candidates = {"x"};
  EXPECT_EQ(base::dump(question_json(chat)), R"({"messages":[{"role":"user","content":"hi"}],"candidates":["x"]})");
}

}  // namespace
}  // namespace hone::rewards
