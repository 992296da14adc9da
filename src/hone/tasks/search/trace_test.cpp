#include "hone/tasks/search/trace.h"

#include "hone/base/rng.h"
#include "hone/tasks/search/solvers.h"
#include "hone/text/test_errors.h"

#include <gtest/gtest.h>

namespace hone::tasks::search {
namespace {

// A search with every kind of line, by hand: 4 9 3 → 24.
const char* const kText =
    "Current State: 24:[4, 9, 3], Operations: []\n"
    "Exploring Operation: 9-4=5, Resulting Numbers: [3, 5]\n"
    "Generated Node #0,0: 24:[3, 5] Operation: 9-4=5\n"
    "Moving to Node #0,0\n"
    "Current State: 24:[3, 5], Operations: ['9-4=5']\n"
    "Exploring Operation: 3+5=8, Resulting Numbers: [8]\n"
    "8,24 unequal: No Solution\n"
    "Moving to Node #0\n"
    "Current State: 24:[4, 9, 3], Operations: []\n"
    "Exploring Operation: 9+3=12, Resulting Numbers: [4, 12]\n"
    "Generated Node #0,1: 24:[4, 12] Operation: 9+3=12\n"
    "No solution found.";
const char* const kCompact = "S 24 4 9 3 X 9 - 4 3 5 G 0 M 0 S 24 3 5 X 3 + 5 8 ≠ M S 24 4 9 3 X 9 + 3 4 12 G 1 fail";

const char* const kOptimalText =
    "Current State: 24:[4, 9, 3], Operations: []\n"
    "Exploring Operation: 9-3=6, Resulting Numbers: [4, 6]\n"
    "Generated Node #2: [4, 6] from Operation: 9-3=6\n"
    "Current State: 24:[4, 6], Operations: ['9-3=6']\n"
    "Exploring Operation: 4*6=24, Resulting Numbers: [24]\n"
    "24,24 equal: Goal Reached";
const char* const kOptimalCompact = "S 24 4 9 3 X 9 - 3 4 6 G S 24 4 6 X 4 * 6 24 =T";

TEST(Trace, TextReadsAndWritesBack) {
  for (const char* text : {kText, kOptimalText}) EXPECT_EQ(write_text(read_text(text)), text);
  const Trace trace = read_text(kText);
  ASSERT_EQ(trace.size(), 12u);
  EXPECT_EQ(trace[4].operations, (std::vector<Operation>{{9, '-', 4, 5}}));
  EXPECT_EQ(trace[6].value, 8);
  EXPECT_EQ(trace[10].node, (NodeId{0, 1}));
  EXPECT_EQ(trace[11].kind, EventKind::give_up);
  EXPECT_EQ(read_text(kOptimalText)[2].kind, EventKind::advance);
}

TEST(Trace, CompactWordsAreOneToOne) {
  EXPECT_EQ(write_compact(read_text(kText)), kCompact);
  EXPECT_EQ(read_compact(kCompact), read_text(kText));
  EXPECT_EQ(write_compact(read_text(kOptimalText)), kOptimalCompact);
  EXPECT_EQ(read_compact(kOptimalCompact), read_text(kOptimalText));
  EXPECT_EQ(compact_prompt({4, 9, 3}, 24), "S 24 4 9 3");
}

// Every trace of every solver, and optimal paths, both ways.
TEST(Trace, EverySolversTraceGoesRound) {
  Rng rng(3);
  for (const char* name : {"cd3", "cd3-wide", "cd4-mini"}) {
    const CountdownWorld& world = countdown_world(name);
    for (const Problem& problem : draw_problems(world, Split::train, 8, rng.fork(name))) {
      std::vector<Trace> traces = {
          optimal_path(problem.numbers, problem.target, first_solution(world, problem.numbers, problem.target))};
      for (const Solver& solver : all_solvers()) {
        traces.push_back(run_solver(world, solver, problem.numbers, problem.target, rng.fork("order")));
      }
      for (const Trace& trace : traces) {
        EXPECT_EQ(read_text(write_text(trace)), trace);
        EXPECT_EQ(read_compact(write_compact(trace)), trace);
        EXPECT_EQ(read_any(write_compact(trace)), read_any(write_text(trace)));
      }
    }
  }
}

TEST(Trace, MarksOfTheEndAndWhiteSpaceAreSkipped) {
  EXPECT_EQ(read_text("<|endoftext|>Moving to Node #0\r\n\n  No solution found.<|endoftext|><|endoftext|>\n"),
            read_text("Moving to Node #0\nNo solution found."));
  EXPECT_TRUE(read_text("<|endoftext|>\n \n").empty());
  EXPECT_TRUE(read_compact(" \n\t ").empty());
}

TEST(Trace, WhatIsNotOfTheGrammarIsJunk) {
  for (const char* line :
       {"Current State: 24:[4, 9, 3]", "Current State: x:[4], Operations: []", "Moving to Node #", "Moving to Node #0,",
        "8,24 equal", "Generated Node #0,0: 24:[3, 5] Operation: 9~4=5",
        "Generated Node #0,1: [3] from Operation: 1+2=3", "Current State: 9999999999999999999:[4], Operations: []",
        "\xff\xfe", "No solution found. Really"}) {
    const Trace trace = read_text(line);
    ASSERT_EQ(trace.size(), 1u) << line;
    EXPECT_EQ(trace[0].kind, EventKind::junk) << line;
    EXPECT_EQ(write_text(trace), line);
  }
  for (const char* words :
       {"12 13", "S", "S 24", "S 24 x", "X 9 - 4", "X 9 ^ 4 5", "G 0", "=T", "≠", "=T 3", "fail 1", "M x", "<retry>"}) {
    const Trace trace = read_compact(words);
    ASSERT_FALSE(trace.empty()) << words;
    EXPECT_EQ(trace[0].kind, EventKind::junk) << words;
  }
  // One operation is answered once.
  EXPECT_EQ(read_compact("S 2 1 1 X 1 + 1 2 =T =T").back().kind, EventKind::junk);
}

TEST(Trace, OnlyWhatTheWordsImplyCanBeLeftOut) {
  for (const char* line : {"Generated Node #0,0: 24:[3, 6] Operation: 9-4=5",     // other numbers than explored
                           "Generated Node #1,0: 24:[3, 5] Operation: 9-4=5",     // not below the root
                           "Generated Node #3: [3, 5] from Operation: 9-4=5"}) {  // counts from 2
    const std::string text =
        "Current State: 24:[4, 9, 3], Operations: []\nExploring Operation: 9-4=5, Resulting Numbers: [3, 5]\n";
    const std::string error = text::error_of([&] { write_compact(read_text(text + line)); });
    EXPECT_TRUE(text::says(error, "data: line 3 of the trace")) << error;
  }
  const std::string wrong_sum =
      "Current State: 24:[4, 9], Operations: []\nExploring Operation: 9-4=5, Resulting Numbers: [6]";
  EXPECT_TRUE(text::says(text::error_of([&] { write_compact(read_text(wrong_sum)); }), "line 2"));
}

// Nothing that anyone may write makes the readers fail, and what they read can be written.
TEST(Trace, RandomWordsAndLinesNeverFail) {
  const std::vector<std::string> words = {"S", "X", "G",  "M", "=T", "≠", "fail", "0",
                                          "1", "2", "24", "+", "-",  "/", "x"};
  Rng rng(5);
  for (int round = 0; round < 2000; ++round) {
    std::string compact;
    for (uint64_t i = 0, n = rng.below(40); i < n; ++i) compact += words[rng.below(words.size())] + " ";
    const Trace trace = read_compact(compact);
    const Trace again = read_text(write_text(trace));
    EXPECT_EQ(again.size(), trace.size());
    std::string broken = kText;
    for (int i = 0; i < 3; ++i) broken[rng.below(broken.size())] = static_cast<char>(rng.below(256));
    read_text(broken);
    read_any(broken);
  }
}

TEST(Trace, DeepPathsAreBounded) {
  std::string words = "S 1 1 1";
  for (int i = 0; i < 500; ++i) words += " X 1 + 1 2 G S 1 1";
  for (const Event& event : read_compact(words)) EXPECT_LE(event.operations.size(), 16u);
}

}  // namespace
}  // namespace hone::tasks::search
