#include "hone/base/pool.h"

#include "hone/base/error.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <numeric>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace hone::base {
namespace {

TEST(Pool, EveryIndexRunsOnceWithAnyNumberOfThreads) {
  for (const int threads : {1, 2, 3, 7, 16}) {
    Pool pool(threads);
    EXPECT_EQ(pool.threads(), threads);
    std::vector<std::atomic<int>> runs(1000);
    std::atomic<int> bad_workers = 0;
    pool.for_each(1000, [&](int64_t index, int worker) {
      ++runs[static_cast<std::size_t>(index)];
      bad_workers += worker < 0 || worker >= threads;
    });
    for (const auto& count : runs) ASSERT_EQ(count, 1);
    EXPECT_EQ(bad_workers, 0);
  }
}

TEST(Pool, NoWorkIsFine) {
  Pool pool(3);
  int calls = 0;
  pool.for_each(0, [&](int64_t, int) { ++calls; });
  pool.for_each(-5, [&](int64_t, int) { ++calls; });
  EXPECT_EQ(calls, 0);
}

TEST(Pool, OneWorkerIdIsUsedByOneThreadAtATime) {
  Pool pool(4);
  std::vector<std::atomic<int>> inside(4);
  std::atomic<int> clashes = 0;
  pool.for_each(2000, [&](int64_t, int worker) {
    clashes += ++inside[static_cast<std::size_t>(worker)] != 1;
    std::this_thread::yield();
    --inside[static_cast<std::size_t>(worker)];
  });
  EXPECT_EQ(clashes, 0);
}

// Short rounds in quick succession: workers that wake late for a round that has ended must not touch its work.
TEST(Pool, ManyShortRounds) {
  Pool pool(5);
  for (int round = 0; round < 5000; ++round) {
    const int64_t count = round % 7;
    std::vector<int> done(7);
    pool.for_each(count, [&](int64_t index, int) { done[static_cast<std::size_t>(index)] = round + 1; });
    for (int64_t i = 0; i < 7; ++i) ASSERT_EQ(done[static_cast<std::size_t>(i)], i < count ? round + 1 : 0);
  }
}

TEST(Pool, WorkersShareTheWork) {
  Pool pool(3);
  std::atomic<int> arrived = 0;
  // Ends only if three threads are inside at once.
  pool.for_each(3, [&](int64_t, int) {
    ++arrived;
    while (arrived < 3) std::this_thread::yield();
  });
  EXPECT_EQ(arrived, 3);
}

TEST(Pool, LowestExceptionIsRethrownAndThePoolLivesOn) {
  for (const int threads : {1, 2, 6}) {
    Pool pool(threads);
    for (int round = 0; round < 50; ++round) {
      std::atomic<int> started = 0;
      try {
        pool.for_each(1000, [&](int64_t index, int) {
          ++started;
          if (index >= 10) throw Error(ErrorKind::data, std::to_string(index));
          if (index == 9) std::this_thread::yield();
        });
        FAIL();
      } catch (const Error& error) {
        EXPECT_STREQ(error.what(), "10");
      }
      EXPECT_LT(started, 1000);
    }
    int64_t sum = 0;
    std::mutex mutex;
    pool.for_each(10, [&](int64_t index, int) {
      std::lock_guard lock(mutex);
      sum += index;
    });
    EXPECT_EQ(sum, 45);
  }
}

TEST(Pool, OnStartRunsOncePerWorkerBeforeTheConstructorReturns) {
  std::mutex mutex;
  std::set<std::thread::id> threads;
  int calls = 0;
  Pool pool(4, [&] {
    std::lock_guard lock(mutex);
    threads.insert(std::this_thread::get_id());
    ++calls;
  });
  EXPECT_EQ(calls, 3);
  EXPECT_EQ(threads.size(), 3u);
  EXPECT_FALSE(threads.contains(std::this_thread::get_id()));
}

TEST(Pool, WhatOnStartThrowsReachesTheCaller) {
  EXPECT_THROW(Pool(4, [] { fail(ErrorKind::internal, "no"); }), Error);
}

TEST(Pool, RefusesNonsense) {
  EXPECT_THROW(Pool(0), Error);
  EXPECT_THROW(Pool(-3), Error);
  Pool pool(2);
  EXPECT_THROW(pool.for_each(4, [&](int64_t, int) { pool.for_each(1, [](int64_t, int) {}); }), Error);
}

TEST(Pool, CreatedAndDestroyedQuickly) {
  for (int i = 0; i < 300; ++i) {
    Pool pool(3);
    if (i % 2) pool.for_each(2, [](int64_t, int) {});
  }
}

}  // namespace
}  // namespace hone::base
