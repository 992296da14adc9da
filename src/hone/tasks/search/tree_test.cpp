#include "hone/tasks/search/tree.h"

#include "hone/tasks/search/solvers.h"

#include <gtest/gtest.h>

namespace hone::tasks::search {
namespace {

SearchTree tree_of(const char* words) { return build_tree(read_compact(words), {4, 9, 3}, 24); }

// "arithmetic 1 state 2": the kinds that are there.
std::string counts_of(const SearchTree& tree) {
  std::string text;
  for (std::size_t kind = 0; kind < kFaults; ++kind) {
    if (tree.counts[kind] == 0) continue;
    text += (text.empty() ? "" : " ") + std::string(name_of(static_cast<Fault>(kind))) + " " +
            std::to_string(tree.counts[kind]);
  }
  return text;
}

TEST(Tree, OfACleanSearch) {
  const SearchTree tree = tree_of(
      "S 24 4 9 3 X 9 - 4 3 5 G 0 M 0 S 24 3 5 X 3 + 5 8 ≠ M S 24 4 9 3 X 9 - 3 4 6 G 1 M 1 S 24 4 6 X 4 * 6 24 =T");
  EXPECT_EQ(counts_of(tree), "");
  ASSERT_EQ(tree.nodes.size(), 5u);
  EXPECT_EQ(tree.explored, 4);
  EXPECT_EQ(tree.goal, 4);
  EXPECT_EQ(tree.nodes[2].parent, 1);
  EXPECT_EQ(tree.nodes[2].end, NodeEnd::dead_end);
  EXPECT_EQ(tree.nodes[3].id, (NodeId{0, 1}));
  EXPECT_EQ(tree.nodes[4].parent, 3);
  EXPECT_EQ(states_visited(tree), (std::set<Numbers>{{3, 4, 9}, {3, 5}, {8}, {4, 6}, {24}}));
}

TEST(Tree, SolversMakeNoMistakes) {
  for (const char* name : {"cd3", "cd4-mini"}) {
    const CountdownWorld& world = countdown_world(name);
    for (const Problem& problem : draw_problems(world, Split::train, 10, Rng(9))) {
      for (const Solver& solver : all_solvers()) {
        const Trace trace = run_solver(world, solver, problem.numbers, problem.target, Rng(2));
        const SearchTree tree = build_tree(trace, problem.numbers, problem.target);
        EXPECT_EQ(counts_of(tree), "") << name_of(solver) << " " << problem.id;
        EXPECT_EQ(tree.goal >= 0, is_solved(trace));
      }
      const Trace path =
          optimal_path(problem.numbers, problem.target, first_solution(world, problem.numbers, problem.target));
      EXPECT_EQ(counts_of(build_tree(path, problem.numbers, problem.target)), "");
    }
  }
}

TEST(Tree, MistakesByKind) {
  const auto counts = [](const char* words) { return counts_of(tree_of(words)); };
  EXPECT_EQ(counts("S 24 4 9 3 X 9 - 4 3 6 G 0"), "arithmetic 1");
  EXPECT_EQ(counts("S 24 4 9 3 X 9 - 4 5 G 0"), "state 1 format 1") << "a number is lost, and a leaf is no node";
  EXPECT_EQ(counts("S 24 4 9 3 X 9 - 5 3 4 G 0"), "state 1") << "5 is not there";
  EXPECT_EQ(counts("S 25 4 9 3"), "state 1");
  EXPECT_EQ(counts("S 24 4 9"), "state 1");
  EXPECT_EQ(counts("S 24 4 9 3 X 9 - 4 3 5 G 0 M 0 S 24 3 6"), "state 1");
  EXPECT_EQ(counts("S 24 4 9 3 X 9 - 4 3 5 G 0 M 7"), "exploration 1");
  EXPECT_EQ(counts("S 24 4 9 3 X 9 - 4 3 5 G 0 M S 24 4 9 3 X 9 + 4 3 13 G 0"), "exploration 1") << "the id is taken";
  EXPECT_EQ(counts("S 24 4 9 3 X 9 - 4 3 5 G 0 1"), "exploration 1") << "not below the root";
  EXPECT_EQ(counts("S 24 4 9 3 X 9 - 4 3 5 M"), "format 1") << "the operation has no outcome";
  EXPECT_EQ(counts("S 24 4 9 3 X 9 - 4 3 5"), "format 1") << "nor at the end";
  EXPECT_EQ(counts("S 24 4 9 3 nonsense"), "format 1");
  EXPECT_EQ(counts("M S 24 4 9 3"), "format 1") << "begins with something else";
  EXPECT_EQ(counts("S 24 4 9 3 X 9 - 3 4 6 ≠"), "format 1") << "a node of two numbers is no leaf";
  EXPECT_EQ(counts("S 24 4 9 3 X 9 - 3 4 6 G 0 M 0 S 24 4 6 X 4 * 6 24 ≠"), "arithmetic 1") << "24 is 24";
  EXPECT_EQ(counts("S 24 4 9 3 X 9 - 3 4 6 G 0 M 0 S 24 4 6 X 4 + 6 10 =T"), "arithmetic 1") << "10 is not 24";
  EXPECT_EQ(counts("S 24 4 9 3 X 9 - 3 4 6 G 0 M 0 S 24 4 6 X 4 * 6 24 =T M 0 M 0"), "format 1")
      << "what follows the goal counts once";
  EXPECT_EQ(counts(""), "");
}

TEST(Tree, AGoalThatWasReachedAndDenied) {
  EXPECT_TRUE(tree_of("S 24 4 9 3 X 9 - 3 4 6 G 0 M 0 S 24 4 6 X 4 * 6 24 ≠").denied_goal);
  EXPECT_TRUE(tree_of("S 24 4 9 3 X 9 - 3 4 6 G 0 M 0 S 24 4 6 X 4 * 6 24 ≠ M 0 S 24 4 6 X 4 + 6 10 ≠").denied_goal);
  EXPECT_FALSE(tree_of("S 24 4 9 3 X 9 - 3 4 6 G 0 M 0 S 24 4 6 X 4 * 6 24 =T").denied_goal);
  EXPECT_FALSE(tree_of("S 24 4 9 3 X 9 - 3 4 6 G 0 M 0 S 24 4 6 X 4 + 6 10 ≠").denied_goal);
  EXPECT_FALSE(tree_of("S 24 4 9 3 X 9 - 4 3 8 G 0 M 0 S 24 3 8 X 3 * 8 24 ≠").denied_goal) << "8 came from a mistake";
  EXPECT_FALSE(tree_of("S 24 4 9 3 M 5 S 24 8 3 X 8 * 3 24 ≠").denied_goal) << "from nowhere";
}

TEST(Tree, AWrongNodeIsNotAStateVisited) {
  const SearchTree tree = tree_of("S 24 4 9 3 X 9 - 4 3 6 G 0 M 0 S 24 3 6 X 3 + 6 9 ≠");
  EXPECT_EQ(counts_of(tree), "arithmetic 1");
  EXPECT_EQ(states_visited(tree), (std::set<Numbers>{{3, 4, 9}, {9}}));
}

// A jump to nowhere opens a place of its own: what is said there is judged by itself.
TEST(Tree, LostPlacesDoNotCascade) {
  const SearchTree tree = tree_of("S 24 4 9 3 M 5 S 24 8 3 X 8 * 3 24 =T");
  EXPECT_EQ(counts_of(tree), "exploration 1");
  EXPECT_EQ(tree.goal, 2);
  EXPECT_EQ(tree.nodes[1].parent, -1);
}

TEST(Tree, TextFaultsThatWordsCannotHave) {
  const auto counts = [](const std::string& line) {
    const std::string text =
        "Current State: 24:[4, 9, 3], Operations: []\nExploring Operation: 9-3=6, Resulting Numbers: [4, 6]\n";
    return counts_of(build_tree(read_text(text + line), {4, 9, 3}, 24));
  };
  EXPECT_EQ(counts("Generated Node #0,0: 24:[4, 6] Operation: 9-3=6"), "");
  EXPECT_EQ(counts("Generated Node #0,0: 24:[4, 7] Operation: 9-3=6"), "state 1");
  EXPECT_EQ(counts("Generated Node #0,0: 23:[4, 6] Operation: 9-3=6"), "state 1");
  EXPECT_EQ(counts("Generated Node #0,0: 24:[4, 6] Operation: 9-3=6\nMoving to Node #0,0\n"
                   "Current State: 24:[4, 6], Operations: ['9+3=12']"),
            "state 1");
}

TEST(Tree, KeepsAFewFaultsAndCountsAll) {
  std::string words = "S 24 4 9 3";
  for (int i = 0; i < 100; ++i) words += " M 9";
  const SearchTree tree = tree_of(words.c_str());
  EXPECT_EQ(tree.counts[static_cast<std::size_t>(Fault::exploration)], 100);
  EXPECT_EQ(tree.faults.size(), kMostFaults);
  EXPECT_EQ(tree.faults[3].event, 4);
}

TEST(Alignment, SharedStatesOverTheLargerSet) {
  const std::set<Numbers> a = {{1}, {2}, {3}}, b = {{2}, {3}, {4}, {5}};
  EXPECT_DOUBLE_EQ(alignment(a, b), 0.5);
  EXPECT_DOUBLE_EQ(alignment(a, a), 1);
  EXPECT_DOUBLE_EQ(alignment(a, {}), 0);
}

}  // namespace
}  // namespace hone::tasks::search
