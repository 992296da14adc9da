// What tests of recipes share: the outcomes that a run has left, held against what claims speak of.
#pragma once

#include "hone/checkpoint/test_files.h"
#include "hone/report/claims.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <vector>

namespace hone::evaluate {

/// The arms of a run's outcomes.json.
inline Json outcomes_of(const std::filesystem::path& run) {
  return base::parse_json(checkpoint::read_bytes(run / "outcomes.json"), "outcomes.json").at("arms");
}

/// Every number that a claim speaks of is there, once per held-out problem.
inline void expect_claimed_terms(const Json& arms, const std::vector<report::Claim>& claims, std::size_t problems) {
  EXPECT_FALSE(claims.empty());
  for (const auto& claim : claims)
    for (const auto& contrast : claim.contrasts)
      for (const auto& [arm, metric, weight] : contrast.terms) {
        ASSERT_TRUE(arms.contains(arm) && arms.at(arm).contains(metric)) << claim.id << ": " << arm << " " << metric;
        EXPECT_EQ(arms.at(arm).at(metric).size(), problems) << claim.id << ": " << arm << " " << metric;
      }
}

}  // namespace hone::evaluate
