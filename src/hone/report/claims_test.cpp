#include "hone/report/claims.h"

#include "hone/base/error.h"

#include <gtest/gtest.h>

#include <cmath>

namespace hone::report {
namespace {

std::vector<double> coins(uint64_t key, std::size_t count, double share) {
  Rng rng(key);
  std::vector<double> values;
  for (std::size_t i = 0; i < count; ++i) values.push_back(rng.uniform() < share ? 1 : 0);
  return values;
}

SeedOutcomes outcomes(uint64_t seed, double base, double improved, std::size_t problems = 500) {
  SeedOutcomes out{seed, {}};
  out.arms["base"]["t1"] = coins(10 * seed, problems, base);
  out.arms["score"]["t1"] = coins(10 * seed + 1, problems, improved);
  return out;
}

std::string message_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    return std::string(name_of(error.kind())) + ": " + error.what();
  }
  return "";
}

TEST(Estimate, OneSeedMatchesTheNormalInterval) {
  const SeedOutcomes seed{1, {{"a", {{"x", coins(3, 2000, 0.4)}}}}};
  const Interval interval = estimate({seed}, {{"a", "x", 1}}, Rng(1));
  const double error = 1.96 * std::sqrt(interval.mean * (1 - interval.mean) / 2000);
  EXPECT_NEAR(interval.mean, 0.4, 0.03);
  EXPECT_NEAR(interval.low, interval.mean - error, 0.003);
  EXPECT_NEAR(interval.high, interval.mean + error, 0.003);
}

TEST(Estimate, PairingRemovesWhatTheArmsShare) {
  // b is a plus a gain on every tenth problem: the difference varies far less than either arm.
  std::vector<double> a = coins(3, 1000, 0.5), b = a;
  for (std::size_t i = 0; i < b.size(); i += 10) b[i] = 1;
  const SeedOutcomes seed{1, {{"a", {{"x", a}}}, {"b", {{"x", b}}}}};
  const Interval difference = estimate({seed}, {{"b", "x", 1}, {"a", "x", -1}}, Rng(1));
  const Interval alone = estimate({seed}, {{"b", "x", 1}}, Rng(1));
  EXPECT_GT(difference.low, 0.03);
  EXPECT_LT(difference.high - difference.low, 0.5 * (alone.high - alone.low));
}

TEST(Estimate, SeedsThatDisagreeWidenTheInterval) {
  const std::vector<SeedOutcomes> agree = {outcomes(1, 0.5, 0.6), outcomes(2, 0.5, 0.6), outcomes(3, 0.5, 0.6)};
  const std::vector<SeedOutcomes> differ = {outcomes(1, 0.5, 0.3), outcomes(2, 0.5, 0.6), outcomes(3, 0.5, 0.9)};
  const std::vector<Term> terms = {{"score", "t1", 1}};
  const Interval narrow = estimate(agree, terms, Rng(1)), wide = estimate(differ, terms, Rng(1));
  EXPECT_GT(wide.high - wide.low, 3 * (narrow.high - narrow.low));
}

TEST(Estimate, AHeldOutSetSharedBySeedsIsNotCountedThrice) {
  const SeedOutcomes one = outcomes(1, 0.5, 0.5);
  const std::vector<Term> terms = {{"base", "t1", 1}};
  const Interval alone = estimate({one}, terms, Rng(1)), copies = estimate({one, one, one}, terms, Rng(1));
  EXPECT_NEAR(copies.high - copies.low, alone.high - alone.low, 0.01);
}

TEST(Estimate, AllAtOnceEqualsEachAlone) {
  const std::vector<SeedOutcomes> seeds = {outcomes(1, 0.5, 0.6), outcomes(2, 0.4, 0.6, 300)};
  const std::vector<std::vector<Term>> sums = {{{"base", "t1", 1}}, {{"score", "t1", 1}, {"base", "t1", -1}}};
  const std::vector<Estimate> together = estimate_all(seeds, sums, Rng(7));
  for (std::size_t k = 0; k < sums.size(); ++k) {
    const Interval alone = estimate(seeds, sums[k], Rng(7));
    EXPECT_EQ(together[k].interval.mean, alone.mean);
    EXPECT_EQ(together[k].interval.low, alone.low);
    EXPECT_EQ(together[k].interval.high, alone.high);
    EXPECT_EQ(together[k].per_seed.size(), 2u);
  }
  EXPECT_NEAR((together[0].per_seed[0] + together[0].per_seed[1]) / 2, together[0].interval.mean, 1e-12);
}

TEST(Estimate, RefusesWhatCantBePaired) {
  SeedOutcomes seed = outcomes(4, 0.5, 0.6);
  EXPECT_EQ(message_of([&] {
              estimate({seed}, {{"star", "t1", 1}}, Rng(1));
            }),
            "data: seed 4: no outcomes of arm \"star\"");
  EXPECT_EQ(message_of([&] {
              estimate({seed}, {{"base", "t2", 1}}, Rng(1));
            }),
            "data: seed 4: arm \"base\" has no metric \"t2\"");
  seed.arms["score"]["t1"].pop_back();
  EXPECT_EQ(message_of([&] {
              estimate({seed}, {{"base", "t1", 1}, {"score", "t1", -1}}, Rng(1));
            }),
            "data: seed 4: score.t1 has 499 problems but base.t1 has 500; arms are compared problem by problem");
  EXPECT_EQ(message_of([&] { estimate({}, {{"base", "t1", 1}}, Rng(1)); }), "data: no seeds to estimate from");
  seed.arms["base"]["t1"].clear();
  EXPECT_EQ(message_of([&] {
              estimate({seed}, {{"base", "t1", 1}}, Rng(1));
            }),
            "data: seed 4: arm \"base\" has no outcomes of \"t1\"");
}

TEST(Judge, EveryVerdict) {
  const Claim claim{"A", "score beats base", {{"gain", {{"score", "t1", 1}, {"base", "t1", -1}}, 0}}};
  const auto verdict = [&](double base, double improved, uint64_t seeds) {
    std::vector<SeedOutcomes> all;
    for (uint64_t seed = 1; seed <= seeds; ++seed) all.push_back(outcomes(seed, base, improved));
    return judge(claim, all, Rng(1)).verdict;
  };
  EXPECT_EQ(verdict(0.4, 0.8, 3), Verdict::reproduced);
  EXPECT_EQ(verdict(0.8, 0.4, 3), Verdict::not_reproduced);
  EXPECT_EQ(verdict(0.5, 0.5, 3), Verdict::inconclusive);
  EXPECT_EQ(verdict(0.4, 0.8, 2), Verdict::inconclusive) << "two seeds never decide";
  EXPECT_EQ(verdict(0.8, 0.4, 2), Verdict::inconclusive);
}

TEST(Judge, OneFailedContrastFailsTheClaim) {
  const Claim claim{
      "A", "both", {{"gain", {{"score", "t1", 1}, {"base", "t1", -1}}, 0}, {"high", {{"score", "t1", 1}}, 0.95}}};
  const ClaimResult result =
      judge(claim, {outcomes(1, 0.4, 0.8), outcomes(2, 0.4, 0.8), outcomes(3, 0.4, 0.8)}, Rng(1));
  EXPECT_EQ(result.verdict, Verdict::not_reproduced);
  ASSERT_EQ(result.contrasts.size(), 2u);
  EXPECT_EQ(result.contrasts[0].per_seed.size(), 3u);
  EXPECT_GT(result.contrasts[0].interval.low, 0);
}

TEST(Judge, AClaimThatCantFailIsABug) {
  EXPECT_EQ(message_of([] {
              judge({"Z", "empty", {}}, {outcomes(1, 0.5, 0.5)}, Rng(1));
            }),
            "internal: claim Z has no contrast, so it can't fail");
}

TEST(SeedOutcomes, RoundTrip) {
  SeedOutcomes seed = outcomes(3, 0.5, 0.6, 5);
  seed.arms["score"]["length"] = {1.5, -2, 0, 1e300, 7};
  const SeedOutcomes back = outcomes_from_json(base::parse_json(base::dump(to_json(seed)), "x"), "x");
  EXPECT_EQ(back.seed, 3u);
  EXPECT_EQ(back.arms, seed.arms);
  EXPECT_EQ(base::dump(to_json({1, {{"a", {{"t1", {0, 1}}}}}})), R"({"seed":1,"arms":{"a":{"t1":[0,1]}}})");
}

TEST(SeedOutcomes, RefusesOtherShapes) {
  const auto read = [](const char* text) {
    return message_of([&] { outcomes_from_json(base::parse_json(text, "o.json"), "o.json"); });
  };
  EXPECT_EQ(read(R"({"seed":1})"), "format: o.json: \"arms\" must be an object");
  EXPECT_EQ(read(R"({"seed":1,"arms":{"a":[]}})"), "format: o.json: arms.a must be an object");
  EXPECT_EQ(read(R"({"seed":1,"arms":{"a":{"x":{}}}})"), "format: o.json: arms.a.x must be an array of numbers");
  EXPECT_EQ(read(R"({"seed":1,"arms":{"a":{"x":[1,"2"]}}})"), "format: o.json: arms.a.x[1] must be a finite number");
  EXPECT_NE(read(R"({"seed":-1,"arms":{}})"), "");
}

}  // namespace
}  // namespace hone::report
