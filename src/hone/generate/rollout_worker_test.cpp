#include "hone/generate/rollout_worker.h"

#include "hone/generate/test_models.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

namespace hone::generate {
namespace {

// Four requests with three samples each, as tickets of one request.
struct Fixture {
  models::Decoder model = tiny_model(models::Family::llama);
  base::Pool pool{1};
  PackedDecoder packed = pack(model, pool);
  RopeTable rope = make_rope_table(packed.config, 92);
  std::vector<Request> requests;
  Sampling sampling;
  text::Tokenizer none;
  RollJob job{.model = packed, .requests = {}, .sampling = sampling, .tokenizer = none, .rng = Rng(5), .rope = rope};

  explicit Fixture(int64_t slots) {
    for (int32_t i = 0; i < 4; ++i)
      requests.push_back({{1, static_cast<int32_t>(2 + i)}, {{{}, {{}, {}, 90}}}, 3, static_cast<uint64_t>(i)});
    job.requests = requests;
    for (int64_t r = 0; r < 4; ++r) {
      job.tickets.push_back({r, 0, 3});
      job.first_rollout.push_back(3 * r);
    }
    job.rollouts.resize(12);
    job.most_tokens = 92;
    job.most_own_tokens = 90;
    job.most_prompt_tokens = 2;
    job.slots = slots;
  }

  int64_t run() {
    RolloutWorker worker(job);
    worker.run();
    return worker.sampled_tokens();
  }
};

void expect_complete_and_equal(const std::vector<Rollout>& a, const std::vector<Rollout>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    ASSERT_EQ(a[i].turns.size(), 1u) << i;
    ASSERT_EQ(b[i].turns.size(), 1u) << i;
    EXPECT_EQ(a[i].turns[0].ids, b[i].turns[0].ids) << i;
    EXPECT_EQ(a[i].turns[0].logprobs, b[i].turns[0].logprobs) << i;
    EXPECT_EQ(a[i].turns[0].finish, text::Finish::length) << i;
  }
}

TEST(RolloutWorker, FillsEveryRolloutWhateverItsSlots) {
  Fixture one(1), many(5);
  EXPECT_EQ(one.run(), 12 * 90);
  EXPECT_EQ(many.run(), 12 * 90);
  expect_complete_and_equal(one.job.rollouts, many.job.rollouts);
}

// Takes sequences from a worker and gives them back when that has run dry; returns how many.
std::size_t relay(HandOver<std::unique_ptr<LiveSequence>>& hand_over) {
  std::size_t moved = 0;
  for (auto items = hand_over.take(); !items.empty(); items = hand_over.take()) {
    moved += items.size();
    for (const auto& sequence : items) EXPECT_FALSE(sequence->done);
    while (!hand_over.wanted()) std::this_thread::yield();
    hand_over.offer(std::move(items));
    std::this_thread::sleep_for(std::chrono::milliseconds(1));  // let another one take them
  }
  return moved;
}

// Runs a worker beside two relays; returns how many sequences they were given.
std::size_t run_beside_relays(Fixture& shared) {
  auto& hand_over = shared.job.hand_over;
  hand_over.begin();
  std::size_t moved = 0;
  std::thread first([&] {
    hand_over.begin();
    moved = relay(hand_over);
  });
  while (!hand_over.wanted()) std::this_thread::yield();
  std::thread worker([&] { EXPECT_EQ(shared.run(), 12 * 90); });
  while (shared.job.next_ticket == 0) std::this_thread::yield();
  const std::size_t also_moved = relay(hand_over);
  first.join();
  worker.join();
  return moved + also_moved;
}

// A worker that is asked for sequences gives some away, fills its slots again, and goes on with what it is given.
TEST(RolloutWorker, SequencesMoveBetweenWorkers) {
  Fixture alone(4);
  alone.run();
  std::size_t moved = 0;
  for (int i = 0; i < 1000 && moved == 0; ++i) {  // a busy machine may wake the relays too late
    Fixture shared(4);
    moved = run_beside_relays(shared);
    expect_complete_and_equal(shared.job.rollouts, alone.job.rollouts);
  }
  EXPECT_GE(moved, 1u);
}

}  // namespace
}  // namespace hone::generate
