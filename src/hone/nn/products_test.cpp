#include "hone/nn/products.h"

#include "hone/nn/gradient_checks.h"
#include "hone/nn/parallel.h"

#include <gtest/gtest.h>

namespace hone::nn {
namespace {

struct Products {
  at::Tensor y, dx, more, dweight, dbias;
};

Products all(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& dy) {
  Products p{at::empty_like(dy), at::empty_like(x), at::ones_like(x), at::ones_like(weight), at::ones({dy.size(1)})};
  project(x, weight, p.y);
  project_back(dy, weight, p.dx);
  project_back(dy, weight, p.more, Into::add);
  add_weight_gradient(dy, x, p.dweight);
  add_bias_gradient(dy, p.dbias);
  return p;
}

TEST(Products, AreTheOnesOfALinearMapInsideAndOutsideAScope) {
  base::Pool pool(2);
  for (const int64_t rows : {1, 7, 128, 129, 300}) {
    const auto x = random_tensor({rows, 5}, 1), weight = random_tensor({150, 5}, 2), dy = random_tensor({rows, 150}, 3);
    const auto check = [&] {
      const auto p = all(x, weight, dy);
      EXPECT_LT(largest_gap(p.y, at::mm(x, weight.t())), 1e-4);
      EXPECT_LT(largest_gap(p.dx, at::mm(dy, weight)), 1e-4);
      EXPECT_LT(largest_gap(p.more, 1 + at::mm(dy, weight)), 1e-4);
      EXPECT_LT(largest_gap(p.dweight, 1 + at::mm(dy.t(), x)), 1e-4);
      EXPECT_LT(largest_gap(p.dbias, 1 + dy.sum(0)), 1e-4);
    };
    check();
    const ParallelScope scope(pool);
    check();
  }
}

TEST(Products, NoRowsAddNothing) {
  auto dweight = at::ones({3, 2}), dbias = at::ones({3});
  add_weight_gradient(at::empty({0, 3}), at::empty({0, 2}), dweight);
  add_bias_gradient(at::empty({0, 3}), dbias);
  EXPECT_TRUE(at::equal(dweight, at::ones({3, 2})));
  EXPECT_TRUE(at::equal(dbias, at::ones({3})));
}

// Several tiles in both dimensions, with a rest in each.
TEST(Products, ThreadsDoNotChangeABit) {
  const auto x = random_tensor({530, 800}, 1), weight = random_tensor({790, 800}, 2), dy = random_tensor({530, 790}, 3);
  std::vector<Products> results;
  for (const int threads : {1, 2, 3}) {
    base::Pool pool(threads);
    const ParallelScope scope(pool);
    results.push_back(all(x, weight, dy));
  }
  for (const auto& p : results) {
    EXPECT_TRUE(at::equal(p.y, results[0].y) && at::equal(p.dx, results[0].dx) && at::equal(p.more, results[0].more));
    EXPECT_TRUE(at::equal(p.dweight, results[0].dweight) && at::equal(p.dbias, results[0].dbias));
  }
}

}  // namespace
}  // namespace hone::nn
