#include "hone/bench/bench.h"

#include "hone/tensor/compat.h"

#include <gtest/gtest.h>

#include <string_view>
#include <utility>

namespace hone::bench {
namespace {

constexpr Shape kTiny = {"tiny", Picked::named, 16, 1, 2, 16, 4, 64, 64};

Plan tiny_plan(const std::string& family) {
  Plan plan{.shapes = {kTiny}, .batches = {1, 3}, .family = family};
  plan.pace = {.repeats = 2, .seconds = 0};
  return plan;
}

constexpr std::pair<std::string_view, std::string_view> kModelRows[] = {{"gpt2", "train"},     {"gpt2", "generate"},
                                                                        {"gpt2", "grpo"},      {"llama", "train"},
                                                                        {"llama", "generate"}, {"llama", "grpo"}};

class Bench : public testing::Test {
 protected:
  Bench() { tensor::configure_threads(1); }
  base::Pool pool_{2, tensor::set_single_threaded};
};

TEST_F(Bench, RowsOfModels) {
  for (const auto& [family, what] : kModelRows) {
    const Json rows = bench(std::string(what), tiny_plan(std::string(family)), pool_);
    EXPECT_EQ(rows.size(), what == "generate" ? 2u : 1u);
    for (const Json& row : rows) {
      EXPECT_EQ(row["bench"], what);
      EXPECT_EQ(row["family"], family);
      EXPECT_EQ(row["samples"].size(), 2u);
      EXPECT_GT(row["mean"].get<double>(), 0);
      EXPECT_GT(row["parameters"].get<int64_t>(), 0);
      EXPECT_GT(row["gflops"].get<double>(), 0);
      EXPECT_EQ(row.contains("roof"), what != "grpo");
    }
  }
}

TEST_F(Bench, WeightsOfRollouts) {
  Plan plan = tiny_plan("gpt2");
  for (const char* weights : {"bf16", "int8"}) {
    plan.weights = weights;
    EXPECT_NE(generate_rows(plan, pool_)[0]["name"].get<std::string>().find(weights), std::string::npos);
  }
  plan.weights = "int9";
  EXPECT_THROW(generate_rows(plan, pool_), Error);
}

TEST(BenchOf, Tokenizers) {
  const Json rows = tokenize_rows(tiny_plan("gpt2"));
  ASSERT_EQ(rows.size(), 4u);
  EXPECT_EQ(rows[0]["name"], "bytes encode");
  EXPECT_DOUBLE_EQ(rows[0]["tokens_per_byte"].get<double>(), 1);
  EXPECT_LT(rows[2]["tokens_per_byte"].get<double>(), 1);
}

TEST(BenchOf, StartNamesAProgramThatIsNotThere) {
  Plan plan = tiny_plan("gpt2");
  plan.programs = "/nowhere";
  try {
    start_rows(plan);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::io);
    EXPECT_NE(std::string(error.what()).find("/nowhere/hone"), std::string::npos);
  }
}

TEST(BenchOf, UnknownNamesTheNearest) {
  base::Pool pool(1);
  try {
    bench("trian", tiny_plan("gpt2"), pool);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    EXPECT_NE(std::string(error.what()).find("did you mean \"train\""), std::string::npos);
  }
}

}  // namespace
}  // namespace hone::bench
