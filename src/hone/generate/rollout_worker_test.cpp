#include "hone/generate/rollout_worker.h"

#include "hone/generate/test_models.h"

#include <gtest/gtest.h>

namespace hone::generate {
namespace {

// Four requests with three samples each, as tickets of one request.
std::vector<Rollout> run_with_slots(int64_t slots, int64_t* sampled) {
  const auto model = tiny_model(models::Family::llama);
  base::Pool pool{1};
  const auto packed = pack(model, pool);
  std::vector<Request> requests;
  for (int32_t i = 0; i < 4; ++i) requests.push_back({{1, static_cast<int32_t>(2 + i)}, {{{}, {{}, {}, 5}}}, 3, static_cast<uint64_t>(i)});
  const Sampling sampling;
  const text::Tokenizer none;
  RollJob job{.model = packed, .requests = requests, .sampling = sampling, .tokenizer = none, .rng = Rng(5)};
  for (int64_t r = 0; r < 4; ++r) {
    job.tickets.push_back({r, 0, 3});
    job.first_rollout.push_back(3 * r);
  }
  job.rollouts.resize(12);
  job.most_tokens = 7;
  job.most_own_tokens = 5;
  job.rope = make_rope_table(packed.config, job.most_tokens);
  job.slots = slots;
  RolloutWorker worker(job);
  worker.run();
  *sampled = worker.sampled_tokens();
  return job.rollouts;
}

TEST(RolloutWorker, FillsEveryRolloutWhateverItsSlots) {
  int64_t sampled_one = 0, sampled_many = 0;
  const auto one = run_with_slots(1, &sampled_one), many = run_with_slots(5, &sampled_many);
  EXPECT_EQ(sampled_one, 12 * 5);
  EXPECT_EQ(sampled_many, 12 * 5);
  for (std::size_t i = 0; i < one.size(); ++i) {
    ASSERT_EQ(one[i].turns.size(), 1u) << i;
    EXPECT_EQ(one[i].turns[0].ids, many[i].turns[0].ids) << i;
    EXPECT_EQ(one[i].turns[0].logprobs, many[i].turns[0].logprobs) << i;
    EXPECT_EQ(one[i].turns[0].finish, text::Finish::length) << i;
  }
}

}  // namespace
}  // namespace hone::generate
