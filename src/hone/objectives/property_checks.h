// The five properties that every objective is tested for. For tests only: needs GoogleTest.
//   1 NaN at masked-out places changes neither loss nor gradient   2 gradient = finite differences in float64
//   3 loss of a batch = Σ sums ÷ Σ counts of its micro-batches     4 [B, T] for [B, 1], and the like, is refused
//   5 nothing masked in, or one empty row: a defined, finite result
#pragma once

#include "hone/base/error.h"
#include "hone/base/rng.h"
#include "hone/tensor/batch.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <utility>
#include <vector>

namespace hone::objectives::testing {

/// float64 [rows, columns], normal with mean and deviation given.
inline at::Tensor normal_BT(int64_t rows, int64_t columns, double mean, double deviation, uint64_t seed) {
  Rng rng(seed);
  at::Tensor x = at::empty({rows, columns}, at::kDouble);
  double* values = x.data_ptr<double>();
  for (int64_t i = 0; i < x.numel(); ++i) values[i] = mean + deviation * rng.normal();
  return x;
}

/// An objective as a function of its [B, T] inputs and the mask. Gradient flows to the first input only.
struct Objective {
  std::function<tensor::Loss(const std::vector<at::Tensor>& inputs_BT, const at::Tensor& mask_BT)> loss;
  std::vector<at::Tensor> inputs_BT;  ///< float64
  at::Tensor mask_BT;                 ///< bool; some places out, and one row empty

  tensor::Loss operator()() const { return loss(inputs_BT, mask_BT); }
};

/// Gradient with respect to the first input.
inline at::Tensor gradient(const Objective& o) {
  Objective copy = o;
  copy.inputs_BT[0] = o.inputs_BT[0].detach().clone().requires_grad_();
  copy().sum.backward();
  return copy.inputs_BT[0].grad();
}

inline void expect_same_loss(const tensor::Loss& a, const tensor::Loss& b) {
  EXPECT_NEAR(a.sum.item<double>(), b.sum.item<double>(), 1e-12 * (1 + std::abs(b.sum.item<double>())));
  EXPECT_DOUBLE_EQ(a.count, b.count);
  ASSERT_EQ(a.metrics.size(), b.metrics.size());
  for (const auto& [name, value] : a.metrics) EXPECT_NEAR(value, b.metrics.at(name), 1e-6) << name;
}

inline void check_masked_places_do_not_matter(const Objective& o) {
  for (double junk : {std::nan(""), std::numeric_limits<double>::infinity(), -1e300}) {
    Objective spoiled = o;
    for (at::Tensor& x : spoiled.inputs_BT) x = at::where(o.mask_BT, x, at::full({}, junk, x.options()));
    expect_same_loss(spoiled(), o());
    const at::Tensor expected = gradient(o), found = gradient(spoiled);
    EXPECT_TRUE(at::equal(expected, found)) << "junk " << junk;
    EXPECT_EQ(found.masked_select(o.mask_BT.logical_not()).abs().sum().item<double>(), 0);
  }
}

inline void check_gradient(const Objective& o) {
  const at::Tensor found = gradient(o);
  constexpr double kStep = 1e-6;
  for (int64_t i = 0; i < found.numel(); ++i) {
    auto value_at = [&](double offset) {
      Objective moved = o;
      moved.inputs_BT[0] = o.inputs_BT[0].clone();
      moved.inputs_BT[0].view(-1)[i] += offset;
      return moved().sum.item<double>();
    };
    const double expected = (value_at(kStep) - value_at(-kStep)) / (2 * kStep);
    EXPECT_NEAR(found.view(-1)[i].item<double>(), expected, 1e-6 * (1 + std::abs(expected))) << "element " << i;
  }
}

inline void check_micro_batches_add_up(const Objective& o) {
  const tensor::Loss whole = o();
  for (int64_t rows : {1, 2, 3}) {
    tensor::Loss total{.sum = at::zeros({}, at::kDouble), .count = 0, .metrics = {}};
    for (int64_t at = 0; at < o.mask_BT.size(0); at += rows) {
      Objective part = o;
      for (at::Tensor& x : part.inputs_BT) x = x.slice(0, at, at + rows);
      part.mask_BT = o.mask_BT.slice(0, at, at + rows);
      const tensor::Loss loss = part();
      total.sum = total.sum + loss.sum;
      total.count += loss.count;
      for (const auto& [name, value] : loss.metrics) total.metrics[name] += value;
    }
    expect_same_loss(total, whole);
  }
}

inline void check_nothing_is_broadcast(const Objective& o) {
  for (std::size_t i = 0; i < o.inputs_BT.size(); ++i) {
    const at::Tensor& x = o.inputs_BT[i];
    for (const at::Tensor& wrong : {x.slice(1, 0, 1), x.slice(0, 0, 1), x.select(1, 0), x.t(), at::Tensor()}) {
      Objective changed = o;
      changed.inputs_BT[i] = wrong;
      try {
        changed();
        ADD_FAILURE() << "input " << i << " was accepted in another shape";
      } catch (const Error& e) {
        EXPECT_TRUE(e.kind() == ErrorKind::internal || e.kind() == ErrorKind::usage) << e.what();
      }
    }
  }
  for (const at::Tensor& wrong : {o.mask_BT.select(1, 0), o.mask_BT.to(at::kDouble)}) {
    EXPECT_THROW(o.loss(o.inputs_BT, wrong), Error);
  }
}

inline void check_nothing_masked_in(const Objective& o) {
  Objective empty = o;
  empty.mask_BT = at::zeros_like(o.mask_BT);
  EXPECT_EQ(empty().sum.item<double>(), 0);
  EXPECT_EQ(empty().count, 0);
  for (const auto& [name, value] : empty().metrics) EXPECT_EQ(value, 0) << name;
  EXPECT_EQ(gradient(empty).abs().sum().item<double>(), 0);

  Objective no_rows = o;  // a slot that got no work
  for (at::Tensor& x : no_rows.inputs_BT) x = x.slice(0, 0, 0);
  no_rows.mask_BT = o.mask_BT.slice(0, 0, 0);
  EXPECT_EQ(no_rows().sum.item<double>(), 0);
  EXPECT_EQ(no_rows().count, 0);
}

inline void check_all_properties(const Objective& o) {
  check_masked_places_do_not_matter(o);
  check_gradient(o);
  check_micro_batches_add_up(o);
  check_nothing_is_broadcast(o);
  check_nothing_masked_in(o);
}

/// A mask of 5 rows of 6: prompt places out, different lengths, row 3 empty.
inline at::Tensor uneven_mask() {
  at::Tensor mask_BT = at::zeros({5, 6}, at::kBool);
  const int64_t begin[] = {1, 2, 1, 1, 3}, end[] = {6, 4, 2, 1, 6};
  for (int64_t row = 0; row < 5; ++row) mask_BT.select(0, row).slice(0, begin[row], end[row]).fill_(true);
  return mask_BT;
}

}  // namespace hone::objectives::testing
