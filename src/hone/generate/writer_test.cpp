#include "hone/generate/writer.h"

#include "hone/base/error.h"
#include "hone/generate/test_models.h"

#include <gtest/gtest.h>

#include <cstring>

namespace hone::generate {
namespace {

using models::Family;

text::Ids some_ids(std::size_t count, uint64_t seed) {
  Rng rng(seed);
  text::Ids ids;
  for (std::size_t i = 0; i < count; ++i) ids.push_back(static_cast<int32_t>(rng.below(37)));
  return ids;
}

text::StopRule rule(int64_t max_tokens, std::vector<int32_t> ids = {}) {
  text::StopRule stop;
  stop.ids = std::move(ids);
  stop.max_tokens = max_tokens;
  return stop;
}

Flow go_on(int32_t) { return Flow::go_on; }

void expect_same(const Completion& a, const Completion& b) {
  EXPECT_EQ(a.ids, b.ids);
  EXPECT_EQ(a.finish, b.finish);
  ASSERT_EQ(a.logprobs.size(), b.logprobs.size());
  EXPECT_EQ(std::memcmp(a.logprobs.data(), b.logprobs.data(), a.logprobs.size() * sizeof(float)), 0);
}

class WriterTest : public testing::TestWithParam<Family> {
 protected:
  models::Decoder model = tiny_model(GetParam());
  base::Pool pool{2};
  text::Tokenizer tokenizer;
};

TEST_P(WriterTest, WritesWhatTheEngineRolls) {
  Writer writer(model, pool, tokenizer);
  const Engine engine(model, pool);
  for (const Sampling& sampling :
       {Sampling{}, Sampling{.choice = Choice::greedy}, Sampling{.temperature = 0.6, .top_k = 9}}) {
    for (const std::size_t length : {1, 5, 40}) {
      const Request request{some_ids(length, length), {{{}, rule(30, {1, 2})}}, 3, 7};
      const auto rollouts = engine.roll({&request, 1}, sampling, Rng(3));
      for (uint64_t sample = 0; sample < 3; ++sample) {
        text::Ids heard;
        const auto listen = [&](int32_t id) {
          heard.push_back(id);
          return Flow::go_on;
        };
        const WriteJob job{request.prompt, request.turns[0].stop, sampling, Rng(3).fork("sample", {7, sample})};
        const Completion written = writer.write(job, listen);
        expect_same(written, rollouts[sample].turns[0]);
        EXPECT_EQ(heard, written.ids);
      }
    }
  }
}

TEST_P(WriterTest, KeepsWhatTheNextContextSharesWithTheLastSequence) {
  Writer writer(model, pool, tokenizer);
  WriteJob job{some_ids(20, 1), rule(10), {}, Rng(1)};
  const Completion first = writer.write(job, go_on);
  EXPECT_EQ(writer.kept_tokens(), 0);
  // A conversation that goes on: all that was fed is kept, which is all but the last token sampled.
  job.context.insert(job.context.end(), first.ids.begin(), first.ids.end());
  job.context.insert(job.context.end(), {3, 4, 5});
  const Completion second = writer.write(job, go_on);
  EXPECT_EQ(writer.kept_tokens(), 29);
  expect_same(second, Writer(model, pool, tokenizer).write(job, go_on));
  // One that parts earlier, one that ends earlier, and the same again.
  job.context.resize(25);
  job.context[12] = (job.context[12] + 1) % 37;
  expect_same(writer.write(job, go_on), Writer(model, pool, tokenizer).write(job, go_on));
  EXPECT_EQ(writer.kept_tokens(), 12);
  expect_same(writer.write(job, go_on), Writer(model, pool, tokenizer).write(job, go_on));
  EXPECT_EQ(writer.kept_tokens(), 24);
  job.context.resize(6);
  expect_same(writer.write(job, go_on), Writer(model, pool, tokenizer).write(job, go_on));
  EXPECT_EQ(writer.kept_tokens(), 5);
}

TEST_P(WriterTest, ALongTextGetsMoreRoom) {
  auto config = tiny_config(GetParam());
  config.context = 5000;
  const models::Decoder long_model = models::fresh(config, Rng(6));
  Writer writer(long_model, pool, tokenizer);
  WriteJob job{some_ids(2040, 1), rule(5), {}, Rng(1)};
  writer.write(job, go_on);
  const text::Ids more = some_ids(60, 2);
  job.context.insert(job.context.end(), more.begin(), more.end());
  const Completion grown = writer.write(job, go_on);
  EXPECT_EQ(writer.kept_tokens(), 0);
  expect_same(grown, Writer(long_model, pool, tokenizer).write(job, go_on));
  writer.write(job, go_on);
  EXPECT_EQ(writer.kept_tokens(), 2099);
}

TEST_P(WriterTest, TheReaderMayEndIt) {
  Writer writer(model, pool, tokenizer);
  int left = 4;
  const Completion cut = writer.write({some_ids(5, 2), rule(30), {}, Rng(2)},
                                      [&](int32_t) { return --left == 0 ? Flow::stop : Flow::go_on; });
  EXPECT_EQ(cut.ids.size(), 4u);
  EXPECT_EQ(cut.finish, text::Finish::running);
}

TEST_P(WriterTest, RoundedWeightsAreTheEngines) {
  const Request request{some_ids(9, 4), {{{}, rule(20)}}, 1, 0};
  const auto format = kernels::WeightFormat::int8;
  const auto rolled = Engine(model, pool, nullptr, {.weights = format}).roll({&request, 1}, {}, Rng(5));
  Writer writer(model, pool, tokenizer, format);
  expect_same(writer.write({request.prompt, rule(20), {}, Rng(5).fork("sample", {0, 0})}, go_on), rolled[0].turns[0]);
}

TEST_P(WriterTest, RefusesWhatDoesNotFit) {
  Writer writer(model, pool, tokenizer);
  const auto refused = [&](const WriteJob& job, ErrorKind kind, const char* part) {
    try {
      writer.write(job, go_on);
      ADD_FAILURE() << part;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), kind) << error.what();
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
    }
  };
  refused({{}, rule(3), {}, Rng(1)}, ErrorKind::data, "no text");
  refused({{37}, rule(3), {}, Rng(1)}, ErrorKind::data, "37");
  refused({{-1}, rule(3), {}, Rng(1)}, ErrorKind::data, "-1");
  refused({{1}, rule(0), {}, Rng(1)}, ErrorKind::usage, "0 tokens");
  refused({some_ids(90, 1), rule(7), {}, Rng(1)}, ErrorKind::data, "context is 96");
  refused({{1}, rule(INT64_MAX), {}, Rng(1)}, ErrorKind::data, "context is 96");
  refused({{1}, rule(3), {.temperature = 0}, Rng(1)}, ErrorKind::usage, "temperature");
  // And goes on with what does.
  EXPECT_EQ(writer.write({some_ids(90, 1), rule(6), {}, Rng(1)}, go_on).ids.size(), 6u);
}

INSTANTIATE_TEST_SUITE_P(Families, WriterTest, testing::Values(Family::gpt2, Family::llama),
                         [](const auto& info) { return info.param == Family::gpt2 ? "gpt2" : "llama"; });

}  // namespace
}  // namespace hone::generate
