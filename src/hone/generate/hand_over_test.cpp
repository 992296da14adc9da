#include "hone/generate/hand_over.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

namespace hone::generate {
namespace {

void wait_until_wanted(const HandOver<int>& hand_over) {
  while (!hand_over.wanted()) std::this_thread::yield();
}

TEST(HandOver, NobodyBusyMeansTheEnd) {
  HandOver<int> hand_over;
  hand_over.begin();
  EXPECT_FALSE(hand_over.wanted());
  EXPECT_TRUE(hand_over.take().empty());
  EXPECT_FALSE(hand_over.abandoned());
}

TEST(HandOver, OneThatWaitsGetsEverythingAndIsBusyAgain) {
  HandOver<int> hand_over;
  hand_over.begin();
  std::vector<int> got;
  std::atomic<bool> taken{false};
  std::thread dry([&] {
    hand_over.begin();
    got = hand_over.take();
    taken = true;
    EXPECT_TRUE(hand_over.take().empty());
  });
  wait_until_wanted(hand_over);
  hand_over.offer({1, 2, 3});
  while (!taken) std::this_thread::yield();  // or this one would take back what it offered
  EXPECT_TRUE(hand_over.take().empty());     // only after `dry` has finished with its three
  dry.join();
  std::sort(got.begin(), got.end());
  EXPECT_EQ(got, (std::vector<int>{1, 2, 3}));
}

TEST(HandOver, EveryItemIsWorkedOnOnceByManyWorkers) {
  constexpr int kWorkers = 6, kItems = 3000;
  HandOver<int> hand_over;
  std::vector<std::atomic<int>> done(kItems);
  std::vector<std::thread> workers;
  for (int w = 0; w < kWorkers; ++w) {
    workers.emplace_back([&, w] {
      hand_over.begin();
      std::vector<int> mine;
      for (int i = 0; w == 0 && i < kItems; ++i) mine.push_back(i);  // one has everything
      for (;;) {
        if (mine.empty()) mine = hand_over.take();
        if (mine.empty()) return;
        ++done[static_cast<std::size_t>(mine.back())];
        mine.pop_back();
        if (!hand_over.wanted() || mine.size() < 2) continue;
        const auto half = mine.begin() + static_cast<std::ptrdiff_t>(mine.size() / 2);
        hand_over.offer({half, mine.end()});
        mine.erase(half, mine.end());
      }
    });
  }
  for (auto& worker : workers) worker.join();
  for (const auto& count : done) EXPECT_EQ(count, 1);
}

TEST(HandOver, AbandonWakesThoseThatWait) {
  HandOver<int> hand_over;
  hand_over.begin();
  std::thread dry([&] {
    hand_over.begin();
    EXPECT_TRUE(hand_over.take().empty());
  });
  wait_until_wanted(hand_over);
  hand_over.abandon();
  dry.join();
  EXPECT_TRUE(hand_over.abandoned());
}

}  // namespace
}  // namespace hone::generate
