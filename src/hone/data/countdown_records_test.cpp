#include "hone/data/countdown_records.h"

#include "hone/data/rows.h"
#include "hone/text/test_errors.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace hone::data {
namespace {

using tasks::countdown_world;
using tasks::Notation;

struct Attempts {
  std::string first, second;  ///< second is empty in one-turn records
};

// Takes a record apart and checks its frame and its loss mask.
Attempts take_apart(const Example& example, const tasks::Problem& problem, const text::Tokenizer& t) {
  const text::Ids prompt = prompt_ids(problem, t);
  EXPECT_TRUE(std::equal(prompt.begin(), prompt.end(), example.ids.begin()));
  EXPECT_EQ(example.ids.back(), t.end());
  EXPECT_EQ(example.ids.size(), example.loss_mask.size());
  EXPECT_TRUE(example.advantage.empty() && example.behavior.empty() && example.reference.empty());
  const auto retry = std::find(example.ids.begin(), example.ids.end(), t.id("<retry>"));
  const bool two = retry != example.ids.end();
  for (std::size_t i = 0; i < example.ids.size(); ++i) {
    const auto at = example.ids.begin() + static_cast<std::ptrdiff_t>(i);
    const bool learnt = two ? at > retry : i >= prompt.size();
    EXPECT_EQ(example.loss_mask[i], learnt ? 1 : 0) << i;
  }
  const auto text = [&](auto begin, auto end) { return t.decode(text::Ids(begin, end)); };
  const auto start = example.ids.begin() + static_cast<std::ptrdiff_t>(prompt.size());
  if (!two) return {text(start, example.ids.end()), ""};
  EXPECT_EQ(*(retry - 1), t.end());
  return {text(start, retry), text(retry, example.ids.end())};
}

TEST(CountdownTokenizer, HasATokenForEverythingTheWorldWrites) {
  const text::Tokenizer t = countdown_tokenizer(countdown_world("cd3"));
  const std::string all = "( 99 * 0 ) / 3 - 1 + 2 = 4 ; 5 -> 60 : right wrong";
  EXPECT_EQ(t.decode(t.encode(all)), all);
  EXPECT_EQ(countdown_tokenizer(countdown_world("cd3-wide")).kind(), text::TokenizerKind::bytes);
}

TEST(CountdownRecord, AttemptsAreSolutionsWhenTheMixSaysSo) {
  RecordMix mix;
  mix.two_turn = 0;
  mix.right = 1;
  for (const std::string& name : tasks::countdown_world_names()) {
    const tasks::CountdownWorld& world = countdown_world(name);
    const text::Tokenizer t = countdown_tokenizer(world);
    uint64_t index = 0;
    for (const tasks::Problem& problem : tasks::draw_problems(world, tasks::Split::train, 10, Rng(1))) {
      for (const Notation notation : {Notation::visible, Notation::hidden}) {
        const Example example = countdown_record(world, problem, notation, mix, t, Rng(++index));
        const Attempts attempts = take_apart(example, problem, t);
        EXPECT_EQ(attempts.second, "");
        EXPECT_EQ(tasks::verify_countdown(problem, attempts.first).reason, "") << attempts.first;
      }
    }
  }
}

TEST(CountdownRecord, SharesFollowTheMix) {
  const tasks::CountdownWorld& world = countdown_world("cd3");
  const text::Tokenizer t = countdown_tokenizer(world);
  const auto problems = tasks::draw_problems(world, tasks::Split::train, 4000, Rng(1));
  const RecordMix mix{.two_turn = 0.5, .right = 0.5, .first_right = 0.5, .false_sum = 0, .copy = 0.6};
  const Rng rng(9);
  double two = 0, same = 0, first_right = 0;
  for (std::size_t i = 0; i < problems.size(); ++i) {
    const Example example = countdown_record(world, problems[i], Notation::visible, mix, t, rng.fork("record", {i}));
    const Attempts attempts = take_apart(example, problems[i], t);
    first_right += tasks::verify_countdown(problems[i], attempts.first).reward > 0;
    if (attempts.second.empty()) continue;
    ++two;
    same += attempts.second.ends_with(attempts.first);
  }
  EXPECT_NEAR(two / 4000, 0.5, 0.03);
  // A random derivation is right in about 15 %; a fresh draw equals the first by chance now and then.
  EXPECT_NEAR(first_right / 4000, 0.5 + 0.5 * 0.15, 0.04);
  EXPECT_NEAR(same / two, 0.6 + 0.4 * 0.15, 0.09);
}

// Copies are as frequent after a wrong attempt as after a right one: the base does nothing about what it sees.
TEST(CountdownRecord, TheOpinionIsTrueAndChangesNothing) {
  const tasks::CountdownWorld& world = countdown_world("cd3");
  const text::Tokenizer t = countdown_tokenizer(world);
  const RecordMix mix{.two_turn = 1, .right = 1, .copy = 0.6};
  double count[2] = {0, 0}, copies[2] = {0, 0};
  for (const tasks::Problem& problem : tasks::draw_problems(world, tasks::Split::train, 2000, Rng(2))) {
    const Rng rng = Rng(3).fork(problem.id);
    const Attempts a = take_apart(countdown_record(world, problem, Notation::visible, mix, t, rng), problem, t);
    const bool right = tasks::verify_countdown(problem, a.first).reward > 0;
    ASSERT_TRUE(a.second.starts_with(right ? "right : " : "wrong : ")) << a.first << " | " << a.second;
    count[right] += 1;
    copies[right] += a.second.ends_with(a.first);
  }
  EXPECT_GT(std::min(count[0], count[1]), 600);
  EXPECT_NEAR(copies[0] / count[0], 0.6, 0.05);
  EXPECT_NEAR(copies[1] / count[1], 0.6 + 0.4 * 0.4, 0.16);  // a fresh solution may be the same one
}

TEST(CountdownRecord, IsRepeatable) {
  const tasks::CountdownWorld& world = countdown_world("cd3-smoke");
  const text::Tokenizer t = countdown_tokenizer(world);
  const tasks::Problem problem = tasks::draw_problems(world, tasks::Split::train, 1, Rng(1))[0];
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const Example a = countdown_record(world, problem, Notation::hidden, {}, t, Rng(seed));
    EXPECT_EQ(a.ids, countdown_record(world, problem, Notation::hidden, {}, t, Rng(seed)).ids);
  }
}

TEST(CountdownRecord, AProblemWithoutSolutionIsAnError) {
  const tasks::CountdownWorld& world = countdown_world("cd3");
  const tasks::Problem problem = tasks::make_problem(world, {1, 1, 1}, 60);
  RecordMix mix;
  mix.right = 1;
  EXPECT_EQ(text::error_of(
                [&] { countdown_record(world, problem, Notation::visible, mix, countdown_tokenizer(world), Rng(1)); }),
            "data: countdown:1,1,1->60 has no solution in cd3");
}

}  // namespace
}  // namespace hone::data
