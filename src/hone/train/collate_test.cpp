#include "hone/train/collate.h"

#include "hone/base/error.h"
#include "hone/generate/test_models.h"
#include "hone/train/test_run.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace hone::train {
namespace {

using Table = std::vector<std::vector<int64_t>>;

Table table(const at::Tensor& t) {
  const auto wide = t.to(at::kLong).contiguous();
  Table rows;
  for (int64_t b = 0; b < wide.size(0); ++b)
    rows.emplace_back(wide[b].data_ptr<int64_t>(), wide[b].data_ptr<int64_t>() + wide.size(1));
  return rows;
}

std::vector<std::vector<float>> floats(const at::Tensor& t) {
  std::vector<std::vector<float>> rows;
  for (int64_t b = 0; b < t.size(0); ++b) rows.emplace_back(t[b].data_ptr<float>(), t[b].data_ptr<float>() + t.size(1));
  return rows;
}

TEST(Collate, PadsOnTheRight) {
  const std::vector<data::Example> examples = {example_of({7, 8, 9}, 2), example_of({4}), example_of({1, 2, 3, 4, 5})};
  const auto b = collate(examples, Rows::one_each, 999, 10, 8);
  EXPECT_EQ(table(b.ids_BT), (Table{{7, 8, 9, 0, 0}, {4, 0, 0, 0, 0}, {1, 2, 3, 4, 5}}));
  EXPECT_EQ(table(b.positions_BT), (Table{{0, 1, 2, 0, 0}, {0, 0, 0, 0, 0}, {0, 1, 2, 3, 4}}));
  EXPECT_EQ(table(b.loss_mask_BT), (Table{{0, 0, 1, 0, 0}, {0, 0, 0, 0, 0}, {0, 1, 1, 1, 1}}));
  EXPECT_EQ(b.loss_mask_BT.scalar_type(), at::kBool);
  EXPECT_FALSE(b.segments_BT.defined());
  for (const auto* column : {&b.advantage_BT, &b.behavior_BT, &b.reference_BT, &b.kl_weight_BT})
    EXPECT_FALSE(column->defined());
}

TEST(Collate, ColumnsStandWithTheirTokens) {
  std::vector<data::Example> examples = {example_of({1, 2}), example_of({3, 4, 5})};
  examples[0].advantage = {0, 1.5f};
  examples[1].advantage = {0, -1, -2};
  examples[0].behavior = {0, -0.5f};
  examples[1].behavior = {0, -0.25f, -0.75f};
  auto b = collate(examples, Rows::one_each, 0, 10, 8);
  EXPECT_EQ(floats(b.advantage_BT), (std::vector<std::vector<float>>{{0, 1.5f, 0}, {0, -1, -2}}));
  EXPECT_EQ(floats(b.behavior_BT), (std::vector<std::vector<float>>{{0, -0.5f, 0}, {0, -0.25f, -0.75f}}));
  EXPECT_FALSE(b.reference_BT.defined());
  b = collate(examples, Rows::packed, 5, 10, 8);
  EXPECT_EQ(floats(b.advantage_BT), (std::vector<std::vector<float>>{{0, 1.5f, 0, -1, -2}}));
}

// 5 and 3 fill a row of 8, 4 begins the next one.
TEST(Collate, PackedRowsKeepTheirSequencesApart) {
  const std::vector<data::Example> examples = {example_of({1, 2, 3, 4, 5}), example_of({6, 7, 8}, 2),
                                               example_of({9, 9, 9, 9})};
  const auto b = collate(examples, Rows::packed, 8, 10, 100);
  EXPECT_EQ(table(b.ids_BT), (Table{{1, 2, 3, 4, 5, 6, 7, 8}, {9, 9, 9, 9, 0, 0, 0, 0}}));
  EXPECT_EQ(table(b.positions_BT), (Table{{0, 1, 2, 3, 4, 0, 1, 2}, {0, 1, 2, 3, 0, 0, 0, 0}}));
  EXPECT_EQ(table(b.segments_BT), (Table{{0, 0, 0, 0, 0, 1, 1, 1}, {0, 0, 0, 0, -1, -1, -1, -1}}));
  EXPECT_EQ(table(b.loss_mask_BT), (Table{{0, 1, 1, 1, 1, 0, 0, 1}, {0, 1, 1, 1, 0, 0, 0, 0}}));
  // The context bounds a row even when row_tokens would not.
  EXPECT_EQ(collate(examples, Rows::packed, 100, 10, 6).ids_BT.size(0), 3);
  // An example longer than a row is not refused: the rows become as long.
  EXPECT_EQ(collate(examples, Rows::packed, 1, 10, 100).ids_BT.size(1),
            collate(examples, Rows::one_each, 1, 10, 100).ids_BT.size(1));
}

TEST(Collate, PackingDoesNotChangeALogProb) {
  for (const auto family : {models::Family::gpt2, models::Family::llama}) {
    const auto model = generate::tiny_model(family);
    const auto examples = random_examples(12, 2, 20, 37);
    const auto packed = collate(examples, Rows::packed, 40, 37, 96);
    const auto alone = collate(examples, Rows::one_each, 0, 37, 96);
    EXPECT_LT(packed.ids_BT.numel(), alone.ids_BT.numel());
    const auto values = [&](const tensor::Batch& b) {
      const auto kept = models::logprobs(model, b).masked_select(b.loss_mask_BT);
      return std::get<0>(kept.sort());
    };
    EXPECT_TRUE(at::allclose(values(packed), values(alone), 1e-4, 1e-4));
  }
}

// The examples that the rows of a micro-batch hold, read back from its tensors.
std::vector<text::Ids> sequences_of(const tensor::Batch& b, const std::vector<int64_t>& lengths) {
  std::vector<text::Ids> found;
  const auto ids = table(b.ids_BT);
  for (std::size_t row = 0; row < ids.size(); ++row) {
    if (!b.segments_BT.defined()) {
      found.emplace_back(ids[row].begin(), ids[row].begin() + lengths[row]);
      continue;
    }
    const auto segments = table(b.segments_BT)[row];
    for (std::size_t t = 0; t < ids[row].size(); ++t) {
      if (segments[t] < 0) continue;
      if (t == 0 || segments[t] != segments[t - 1]) found.emplace_back();
      found.back().push_back(static_cast<int32_t>(ids[row][t]));
    }
  }
  return found;
}

TEST(MicroBatches, HoldEveryExampleOnce) {
  for (uint64_t seed = 0; seed < 30; ++seed) {
    for (const Rows rows : {Rows::one_each, Rows::packed}) {
      const auto examples = random_examples(static_cast<int64_t>(1 + seed * 3), 1, 40, 50, seed);
      const MicroOptions options{.rows = rows,
                                 .micro_tokens = 1 + static_cast<int64_t>(seed) * 37,
                                 .row_tokens = 41,
                                 .vocab = 50,
                                 .context = 64};
      std::vector<text::Ids> found, given;
      std::vector<int64_t> order;
      for (const auto& micro : micro_batches(examples, options)) {
        std::vector<int64_t> lengths;
        for (const auto& place : micro.places)
          lengths.push_back(static_cast<int64_t>(examples[place.example].ids.size()));
        const auto sequences = sequences_of(micro.batch, lengths);
        ASSERT_EQ(sequences.size(), micro.places.size());
        for (std::size_t i = 0; i < sequences.size(); ++i) {
          EXPECT_EQ(sequences[i], examples[micro.places[i].example].ids);
          order.push_back(micro.places[i].example);
        }
      }
      std::sort(order.begin(), order.end());
      ASSERT_EQ(order.size(), examples.size());
      for (std::size_t i = 0; i < order.size(); ++i) EXPECT_EQ(order[i], static_cast<int64_t>(i));
    }
  }
}

// Groups of completions of some prompts, in no order: prompts of 1 to 6 tokens, completions of 0 to 9.
std::vector<data::Example> groups_of_examples(uint64_t prompts, uint64_t each, uint64_t seed) {
  std::vector<data::Example> examples;
  Rng rng(seed);
  const auto some = [&](uint64_t count) {
    text::Ids ids;
    for (uint64_t i = 0; i < count; ++i) ids.push_back(static_cast<int32_t>(rng.below(50)));
    return ids;
  };
  for (uint64_t p = 0; p < prompts; ++p) {
    const text::Ids prompt = some(1 + rng.below(6));
    for (uint64_t k = 0; k < each; ++k) {
      data::Example e;
      data::append(e, prompt, 0);
      data::append(e, some(rng.below(10)), 1);
      e.behavior.assign(e.ids.size(), 0.0f);
      for (std::size_t t = prompt.size(); t < e.ids.size(); ++t) e.behavior[t] = static_cast<float>(t);
      examples.push_back(std::move(e));
    }
  }
  rng.shuffle(examples);
  return examples;
}

TEST(SharedRows, HoldEveryCompletionOnceAndPromptsSeldom) {
  for (uint64_t seed = 0; seed < 30; ++seed) {
    const auto examples = groups_of_examples(7, 5, seed);
    const MicroOptions options{
        .rows = Rows::shared, .micro_tokens = 20 + static_cast<int64_t>(seed) * 10, .vocab = 50, .context = 64};
    std::vector<int> seen(examples.size());
    int64_t prompts = 0;
    for (const auto& micro : micro_batches(examples, options)) {
      const auto& b = micro.batch;
      prompts += b.ids_BT.size(0);
      for (const auto& place : micro.places) {
        const auto& e = examples[static_cast<std::size_t>(place.example)];
        ++seen[static_cast<std::size_t>(place.example)];
        const int64_t shared = b.shared_B[place.row].item<int64_t>();
        ASSERT_GE(shared, 1);
        ASSERT_EQ(shared, std::find(e.loss_mask.begin(), e.loss_mask.end(), 1) - e.loss_mask.begin());
        ASSERT_EQ(place.from, place.column == 0 ? 0 : shared);
        for (int64_t t = 0; t < static_cast<int64_t>(e.ids.size()); ++t) {
          const auto at = static_cast<std::size_t>(t);
          const int64_t column = t < shared ? t : place.column + t - place.from;
          ASSERT_EQ(b.ids_BT[place.row][column].item<int64_t>(), e.ids[at]);
          ASSERT_EQ(b.positions_BT[place.row][column].item<int64_t>(), t);
          ASSERT_EQ(b.loss_mask_BT[place.row][column].item<bool>(), e.loss_mask[at] != 0);
          ASSERT_EQ(b.behavior_BT[place.row][column].item<float>(), e.behavior[at]);
          ASSERT_EQ(b.segments_BT[place.row][column].item<int64_t>() == 0, t < shared);
        }
      }
    }
    EXPECT_EQ(seen, std::vector<int>(examples.size(), 1));
    EXPECT_LT(prompts, 30);
  }
}

TEST(SharedRows, HoldCompletionsOfAMicroBatchOneAtLeast) {
  std::vector<data::Example> examples(45);
  for (auto& e : examples) data::append(e, {1, 2, 3}, 0), data::append(e, text::Ids(20, 4), 1);
  const MicroOptions options{.rows = Rows::shared, .micro_tokens = 100, .vocab = 50, .context = 32};
  for (const auto& micro : micro_batches(examples, options)) EXPECT_EQ(micro.batch.ids_BT.numel(), 103);
  for (auto& e : examples) e.ids.resize(8), e.loss_mask = {0, 0, 0, 0, 0, 0, 0, 1};
  const MicroOptions tiny{.rows = Rows::shared, .micro_tokens = 3, .vocab = 50, .context = 32};
  for (const auto& micro : micro_batches(examples, tiny)) EXPECT_EQ(micro.batch.ids_BT.numel(), 10);
  EXPECT_TRUE(micro_batches({}, options).empty());
}

// More than micro_tokens only in a single row that is that long.
TEST(MicroBatches, StayBelowTheirTokens) {
  for (uint64_t seed = 0; seed < 30; ++seed) {
    for (const Rows rows : {Rows::one_each, Rows::packed}) {
      const auto examples = random_examples(100, 1, 60, 50, seed);
      const MicroOptions options{.rows = rows, .micro_tokens = 256, .row_tokens = 64, .vocab = 50, .context = 64};
      for (const auto& micro : micro_batches(examples, options)) {
        EXPECT_LE(micro.batch.ids_BT.numel(), 256);
        EXPECT_GE(micro.batch.ids_BT.numel(), 1);
      }
    }
  }
}

// The first row of a packed batch may be the short one: the first example is left over when the others fill rows.
TEST(MicroBatches, AShortFirstRowDoesNotMakeAHugeMicroBatch) {
  std::vector<data::Example> examples = {example_of({1, 2})};
  for (int i = 0; i < 100; ++i) examples.push_back(example_of(text::Ids(64, 3)));
  const MicroOptions options{.rows = Rows::packed, .micro_tokens = 256, .row_tokens = 64, .vocab = 50, .context = 64};
  for (const auto& micro : micro_batches(examples, options)) EXPECT_LE(micro.batch.ids_BT.numel(), 256);
}

// Rows of like length share a micro-batch, and a small batch still gives every slot something to do.
TEST(MicroBatches, AreCutForTheSlots) {
  const MicroOptions options{.micro_tokens = 1024, .vocab = 50, .context = 64};
  const auto examples = random_examples(64, 20, 40, 50);
  const auto micros = micro_batches(examples, options);
  EXPECT_GE(micros.size(), 8u);
  int64_t tokens = 0, padded = 0, previous = 64;
  for (const auto& micro : micros) {
    padded += micro.batch.ids_BT.numel();
    EXPECT_LE(micro.batch.ids_BT.size(1), previous);
    previous = micro.batch.ids_BT.size(1);
  }
  for (const auto& e : examples) tokens += static_cast<int64_t>(e.ids.size());
  EXPECT_LT(padded, tokens * 1.1);
  EXPECT_EQ(micro_batches(random_examples(4, 3, 9, 50), options).size(), 1u);  // too little to be cut
  EXPECT_TRUE(micro_batches({}, options).empty());
}

std::vector<data::Pair> random_pairs(int64_t count, uint64_t seed = 5) {
  const auto examples = random_examples(2 * count, 2, 40, 50, seed);
  std::vector<data::Pair> pairs;
  for (std::size_t i = 0; i < examples.size(); i += 2) pairs.push_back({examples[i], examples[i + 1]});
  return pairs;
}

TEST(PairMicroBatches, KeepBothOfAPairInTurns) {
  for (const int64_t micro_tokens : {1, 64, 1024}) {
    const auto pairs = random_pairs(37);
    const MicroOptions options{.micro_tokens = micro_tokens, .vocab = 50, .context = 64};
    const auto examples = examples_of(pairs);
    std::vector<int> seen(examples.size());
    for (const auto& micro : pair_micro_batches(pairs, options)) {
      ASSERT_EQ(static_cast<int64_t>(micro.places.size()), micro.batch.ids_BT.size(0));
      ASSERT_EQ(micro.places.size() % 2, 0u);
      for (std::size_t row = 0; row < micro.places.size(); ++row) {
        if (row % 2 == 0) {
          EXPECT_EQ(micro.places[row].example % 2, 0) << "a pair begins with its chosen completion";
          EXPECT_EQ(micro.places[row].example + 1, micro.places[row + 1].example);
        }
        const auto& e = examples[static_cast<std::size_t>(micro.places[row].example)];
        ++seen[static_cast<std::size_t>(micro.places[row].example)];
        for (std::size_t t = 0; t < e.ids.size(); ++t)
          EXPECT_EQ(micro.batch.ids_BT[static_cast<int64_t>(row)][static_cast<int64_t>(t)].item<int64_t>(), e.ids[t]);
      }
      EXPECT_LE(micro.batch.ids_BT.numel(), std::max<int64_t>(micro_tokens, 2 * 40));
    }
    EXPECT_EQ(seen, std::vector<int>(examples.size(), 1));
  }
  EXPECT_TRUE(pair_micro_batches({}, {.vocab = 50, .context = 64}).empty());
}

TEST(PairMicroBatches, RefuseWhatDoesNotFit) {
  const std::vector<data::Pair> pairs = {{example_of({1, 2}), example_of({1, 99})}};
  expect_error(ErrorKind::data, {"id 99"}, [&] { pair_micro_batches(pairs, {.vocab = 50, .context = 8}); });
  expect_error(ErrorKind::internal, {"one sequence a row"},
               [&] { pair_micro_batches(pairs, {.rows = Rows::packed, .vocab = 100, .context = 8}); });
}

TEST(Collate, ExamplesThatDoNotFitAreRefused) {
  const auto call = [](const data::Example& e) {
    const std::vector<data::Example> examples = {example_of({1, 2}), e};
    collate(examples, Rows::one_each, 0, 10, 4);
  };
  EXPECT_NO_THROW(call(example_of({9, 9, 9, 9})));
  expect_error(ErrorKind::data, {"no tokens"}, [&] { call({}); });
  expect_error(ErrorKind::data, {"5 tokens", "context is 4"}, [&] { call(example_of({1, 1, 1, 1, 1})); });
  expect_error(ErrorKind::data, {"id 10", "vocabulary of 10"}, [&] { call(example_of({1, 10})); });
  expect_error(ErrorKind::data, {"id -1"}, [&] { call(example_of({-1, 1})); });
  auto short_mask = example_of({1, 2, 3});
  short_mask.loss_mask.pop_back();
  expect_error(ErrorKind::internal, {"mask", "3 tokens"}, [&] { call(short_mask); });
  expect_error(ErrorKind::internal, {"mask"}, [&] { call(example_of({1, 2, 3}, 0)); });  // nothing predicts token 0
  auto column = example_of({1, 2, 3});
  column.advantage = {0, 1};
  expect_error(ErrorKind::internal, {"column", "3 tokens"}, [&] { call(column); });
  expect_error(ErrorKind::internal, {"no examples"}, [] { collate({}, Rows::one_each, 0, 10, 4); });
  const std::vector<data::Example> wide = {example_of({1, 2, 3, 4})};
  expect_error(ErrorKind::data, {"id 4"}, [&] { micro_batches(wide, {.vocab = 4, .context = 8}); });
}

// A column that some examples have and others don't would be read at the wrong places, or not at all.
TEST(Collate, AllExamplesHaveTheSameColumns) {
  std::vector<data::Example> examples = {example_of({1, 2}), example_of({3, 4})};
  examples[1].kl_weight = {0, 1};
  expect_error(ErrorKind::internal, {"column"}, [&] { collate(examples, Rows::one_each, 0, 10, 4); });
  std::swap(examples[0], examples[1]);
  expect_error(ErrorKind::internal, {"column"}, [&] { micro_batches(examples, {.vocab = 10, .context = 4}); });
}

}  // namespace
}  // namespace hone::train
