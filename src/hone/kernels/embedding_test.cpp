#include "hone/kernels/embedding.h"

#include "hone/kernels/test_forms.h"

#include <gtest/gtest.h>

#include <vector>

namespace hone::kernels {
namespace {

TEST(Embedding, PicksRowsAndAddsThemBack) {
  const std::vector<float> table = {1, 2, 3, 10, 20, 30, 100, 200, 300};
  const std::vector<int64_t> index = {2, 0, 2, 2};
  under_every_form([&] {
    std::vector<float> y(12);
    gather_rows(table.data(), index.data(), {4, 3}, y.data());
    EXPECT_EQ(y, (std::vector<float>{100, 200, 300, 1, 2, 3, 100, 200, 300, 100, 200, 300}));
    std::vector<float> sums = {1, 1, 1, 2, 2, 2, 3, 3, 3};
    scatter_add_rows(y.data(), index.data(), {4, 3}, sums.data());
    EXPECT_EQ(sums, (std::vector<float>{2, 3, 4, 2, 2, 2, 303, 603, 903}));
    gather_rows(table.data(), index.data(), {0, 3}, y.data());  // nothing asked
    scatter_add_rows(y.data(), index.data(), {0, 3}, sums.data());
    EXPECT_EQ(sums[6], 303);
  });
}

TEST(Embedding, AddsInTheOrderOfTheIndex) {
  // 1e8 + 1 − 1e8 is 0 in float from left to right, and 1 in the order 1e8, −1e8, 1.
  const std::vector<float> first = {1e8f, 1, -1e8f}, second = {1e8f, -1e8f, 1};
  const std::vector<int64_t> index = {0, 0, 0};
  under_every_form([&] {
    float sum = 0, other = 0;
    scatter_add_rows(first.data(), index.data(), {3, 1}, &sum);
    scatter_add_rows(second.data(), index.data(), {3, 1}, &other);
    EXPECT_EQ(sum, 0);
    EXPECT_EQ(other, 1);
  });
}

}  // namespace
}  // namespace hone::kernels
