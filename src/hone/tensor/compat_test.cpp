#include "hone/tensor/compat.h"

#include "hone/base/error.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <thread>

namespace hone::tensor {
namespace {

TEST(Compat, NamesTheVersionThatDecidesTheFeatures) {
  EXPECT_EQ(kHasSdpa, std::stoi(torch_version()) >= 2) << torch_version();
}

TEST(Compat, SetsTheThreadsOfTensorOperations) {
  EXPECT_EQ(configure_threads(2), 2);
  EXPECT_EQ(configure_threads(1), 1);  // a second call is allowed
  EXPECT_THROW(configure_threads(0), Error);
  int in_worker = 0;
  std::thread([&] {
    set_single_threaded();
    in_worker = at::get_num_threads();
  }).join();
  EXPECT_EQ(in_worker, 1);
}

TEST(Compat, MallocStillWorksAfterTuning) {
  tune_malloc();
  const std::string large(1 << 22, 'x');
  EXPECT_EQ(large.back(), 'x');
}

}  // namespace
}  // namespace hone::tensor
