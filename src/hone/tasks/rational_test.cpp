#include "hone/tasks/rational.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace hone::tasks {
namespace {

constexpr int64_t kMax = INT64_MAX;

TEST(Rational, IsExactAndInLowestTerms) {
  EXPECT_EQ(make_rational(6, -4), (Rational{-3, 2}));
  EXPECT_EQ(make_rational(0, -7), (Rational{0, 1}));
  EXPECT_EQ(apply({8, 3}, '-', {3, 1}), (Rational{-1, 3}));
  EXPECT_EQ(apply({8, 1}, '/', {1, 3}), (Rational{24, 1}));
  EXPECT_EQ(apply({1, 3}, '+', {1, 6}), (Rational{1, 2}));
  EXPECT_EQ(apply({2, 3}, '*', {3, 2}), (Rational{1, 1}));
  EXPECT_EQ(to_text({-4, 1}), "-4");
  EXPECT_EQ(to_text({8, 3}), "8/3");
}

TEST(Rational, WhatDoesNotFitIsReported) {
  EXPECT_FALSE(apply({kMax, 1}, '+', {1, 1}));
  EXPECT_FALSE(apply({kMax, 1}, '*', {2, 1}));
  EXPECT_FALSE(apply({-kMax, 1}, '-', {1, 1}));
  EXPECT_FALSE(apply({1, kMax}, '+', {1, kMax - 1}));
  EXPECT_EQ(apply({kMax, 1}, '*', {2, kMax}), (Rational{2, 1}));
  EXPECT_EQ(apply({kMax, kMax - 1}, '-', {kMax, kMax - 1}), (Rational{0, 1}));
  EXPECT_FALSE(make_rational(INT64_MIN, 1));
  EXPECT_EQ(make_rational(INT64_MIN, 2), (Rational{INT64_MIN / 2, 1}));
}

TEST(Rational, DivisionByZeroAndUnknownOperators) {
  EXPECT_FALSE(apply({1, 1}, '/', {0, 1}));
  EXPECT_FALSE(make_rational(1, 0));
  EXPECT_FALSE(apply({1, 1}, '^', {1, 1}));
}

TEST(Rational, Order) {
  EXPECT_TRUE((Rational{1, 3} < Rational{1, 2}));
  EXPECT_TRUE((Rational{-kMax, 1} < Rational{-kMax, 2}));
  EXPECT_FALSE((Rational{kMax, 2} < Rational{kMax, 3}));
}

}  // namespace
}  // namespace hone::tasks
