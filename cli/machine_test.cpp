#include "cli/machine.h"

#include <gtest/gtest.h>

namespace hone::cli {
namespace {

TEST(Machine, FactsAreThere) {
  const Json facts = machine();
  EXPECT_GT(facts["memory_bytes"].get<uint64_t>(), uint64_t{1} << 26);
  EXPECT_GE(facts["cores"].get<int>(), 1);
  EXPECT_TRUE(facts["kernel"].get<std::string>().starts_with("Linux"));
  EXPECT_EQ(facts["simd"], simd_level());
  EXPECT_FALSE(version().empty());
  EXPECT_FALSE(commit().empty());
}

}  // namespace
}  // namespace hone::cli
