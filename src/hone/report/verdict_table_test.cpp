#include "hone/report/verdict_table.h"

#include "hone/base/error.h"

#include <gtest/gtest.h>

namespace hone::report {
namespace {

Json contrast(const char* label, double low, double mean, double high, double margin) {
  return {{"label", label}, {"low", low}, {"mean", mean}, {"high", high}, {"margin", margin}, {"unit", "pts"}};
}

Json results() {
  const Json claims = {
      {{"id", "A"},
       {"statement", "more is more"},
       {"verdict", "INCONCLUSIVE"},
       {"contrasts", {contrast("easy", 0.02, 0.03, 0.04, 0), contrast("hard", -0.01, 0.01, 0.03, 0.005)}}},
      {{"id", "B"}, {"statement", "nothing"}, {"verdict", "INCONCLUSIVE"}, {"contrasts", Json::array()}}};
  return {{"recipe", "toy"}, {"preset", "laptop"},      {"seeds", {1, 2, 3}},
          {"minutes", 12.4}, {"peak_rss_bytes", 343e6}, {"machine", {{"cores", 2}, {"cpu", "a CPU"}}},
          {"claims", claims}};
}

TEST(VerdictTable, ShowsTheContrastThatCameClosestToFailing) {
  EXPECT_EQ(verdict_table({results()}),
            "| recipe | claim | verdict | measured | cost |\n|---|---|---|---|---|\n"
            "| `toy` laptop | A: more is more | INCONCLUSIVE | hard: +1.0 pts [−1.0, +3.0] | 3 seeds, 12 min, 343 MB, "
            "2 cores "
            "a CPU |\n"
            "|  | B: nothing | INCONCLUSIVE | – |  |\n");
}

TEST(VerdictTable, ReplacesWhatIsBetweenTheMarks) {
  const std::string page = "before\n<!-- verdicts -->\nold\n<!-- /verdicts -->\nafter\n";
  EXPECT_EQ(with_verdicts(page, {results()}),
            "before\n<!-- verdicts -->\n" + verdict_table({results()}) + "<!-- /verdicts -->\nafter\n");
  EXPECT_EQ(with_verdicts(with_verdicts(page, {results()}), {}), with_verdicts(page, {}));
  EXPECT_THROW(with_verdicts("no marks", {}), Error);
  EXPECT_THROW(with_verdicts("<!-- /verdicts -->\n<!-- verdicts -->\n", {}), Error);
}

}  // namespace
}  // namespace hone::report
