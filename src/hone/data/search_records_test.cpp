#include "hone/data/search_records.h"

#include "hone/text/test_errors.h"

#include <gtest/gtest.h>

#include <numeric>

namespace hone::data {
namespace {

using tasks::countdown_world;
using tasks::search::read_compact;

const char* const kWords = "S 24 4 9 3 X 9 - 3 4 6 G 0 M 0 S 24 4 6 X 4 * 6 24 =T";

TEST(SearchTokenizer, OneTokenAWord) {
  const auto tokenizer = search_tokenizer(countdown_world("cd3"));
  EXPECT_EQ(tokenizer.encode(kWords).size(), 25u);
  EXPECT_EQ(tokenizer.decode(tokenizer.encode(kWords)), kWords);
  EXPECT_EQ(search_tokenizer(countdown_world("cd3-wide")).kind(), text::TokenizerKind::bytes);
}

TEST(SearchExample, LossOnWhatFollowsTheProblem) {
  const auto tokenizer = search_tokenizer(countdown_world("cd3"));
  const Example example = search_example(read_compact(kWords), tokenizer, 100);
  EXPECT_EQ(tokenizer.decode_all(example.ids), std::string("<bos> ") + kWords + " <end>");
  EXPECT_EQ(example.loss_mask.size(), example.ids.size());
  // <bos> S 24 4 9 3 without loss, 20 words and <end> with it.
  EXPECT_EQ(example.loss_mask[5], 0);
  EXPECT_EQ(example.loss_mask[6], 1);
  EXPECT_EQ(std::accumulate(example.loss_mask.begin(), example.loss_mask.end(), 0), 21);
}

TEST(SearchExample, BytesForWorldsWithoutACap) {
  const auto tokenizer = search_tokenizer(countdown_world("cd3-wide"));
  const Example example = search_example(read_compact(kWords), tokenizer, 1000);
  EXPECT_EQ(example.loss_mask[10], 0) << "the last byte of the prompt";
  EXPECT_EQ(example.loss_mask[11], 1);
}

TEST(SearchExample, LongOnesAreCutWithoutAnEnd) {
  const auto tokenizer = search_tokenizer(countdown_world("cd3"));
  const Example example = search_example(read_compact(kWords), tokenizer, 10);
  EXPECT_EQ(example.ids.size(), 10u);
  EXPECT_EQ(example.loss_mask.size(), 10u);
  EXPECT_NE(example.ids.back(), tokenizer.end());
}

TEST(SearchExample, EveryTraceOfEveryCappedWorldHasItsTokens) {
  for (const char* name : {"cd3", "cd4-mini", "cd3-demo", "cd3-smoke"}) {
    const auto& world = countdown_world(name);
    const auto tokenizer = search_tokenizer(world);
    uint64_t i = 0;
    for (const auto& problem : draw_search_problems(world, tasks::search::SearchSplit::train, 50, Rng(1))) {
      const auto row = tasks::search::make_search_row(world, problem, Rng(2).fork("row", {i++}));
      EXPECT_NO_THROW(search_example(row.search, tokenizer, 10000)) << name;
      EXPECT_NO_THROW(search_example(row.optimal, tokenizer, 10000)) << name;
    }
  }
}

TEST(SearchExample, RefusesWhatIsNoSearch) {
  const auto tokenizer = search_tokenizer(countdown_world("cd3"));
  EXPECT_TRUE(text::says(text::error_of([&] { search_example({}, tokenizer, 10); }), "begins with a state"));
  EXPECT_TRUE(text::says(text::error_of([&] { search_example(read_compact("S 24 4 9 300"), tokenizer, 10); }), "300"));
}

}  // namespace
}  // namespace hone::data
