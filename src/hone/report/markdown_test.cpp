#include "hone/report/markdown.h"

#include "hone/base/files.h"
#include "hone/report/fake_run.h"
#include "hone/report/summary.h"

#include <gtest/gtest.h>

namespace hone::report {
namespace {

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

TEST(MarkdownTable, ColumnsAlign) {
  EXPECT_EQ(markdown_table({"arm", "Δ"}, {{"base model", "−11.2"}, {"스코어", "+4.4"}}),
            "| arm        |     Δ |\n"
            "|:-----------|------:|\n"
            "| base model | −11.2 |\n"
            "| 스코어     |  +4.4 |\n");
}

TEST(MarkdownTable, CellsCantBreakOut) {
  const std::string table = markdown_table({"a"}, {{"x|y\n\x1b[31m"}, {}});
  EXPECT_TRUE(has(table, "x\\|y  [31m"));
  EXPECT_EQ(table.find('\x1b'), std::string::npos);
}

TEST(ReportMarkdown, FitsATerminal) {
  const TemporaryFolder run;
  write_fake_run(run.path(), 1);
  const std::string text = report_markdown(run.path());
  EXPECT_TRUE(has(text, "# SCoRe: self-correction by two-stage reinforcement learning\n\nSecond attempts now help"));
  EXPECT_TRUE(has(text, "| base model            |"));
  EXPECT_TRUE(has(text, "Means over 500 held-out problems, 1 seed; ± is half of the 95 % interval."));
  EXPECT_TRUE(has(text, "Took 25m13s, 4.21M tokens trained, 9.13M tokens sampled, peak memory 432 MB."));
  EXPECT_TRUE(has(text, "    hone report latest --json\n"));
  EXPECT_EQ(text.back(), '\n');
}

TEST(ReportMarkdown, SaysHowManyParametersAnAdapterHas) {
  const TemporaryFolder run;
  write_fake_run(run.path(), 1);
  const auto file = run.path() / "summary.json";
  Json summary = base::parse_json(base::read_file(file), "summary.json");
  summary["cost"]["trained_parameters"] = 12000;
  summary["cost"]["frozen_parameters"] = 4210000;
  base::write_file_atomic(file, base::dump(summary));
  EXPECT_TRUE(has(report_markdown(run.path()), " parameters trained beside 4.21M frozen ones, peak memory 432 MB."));
}

TEST(ReportMarkdown, SaysWhatIsMissing) {
  const TemporaryFolder run;
  write_fake_run(run.path(), 1);
  std::filesystem::remove(run.path() / "summary.json");
  const std::string text = report_markdown(run.path());
  EXPECT_TRUE(has(text, "No results: the run hasn't finished"));
  EXPECT_TRUE(has(text, "- summary.json is missing\n"));
}

TEST(VerdictsText, OneLineAClaimAndAContrast) {
  const TemporaryFolder run;
  write_fake_seeds(run.path(), 3);
  const std::string text = verdicts_text(judge_run(run.path(), fake_claims()));
  EXPECT_TRUE(has(text, "A   REPRODUCED      the second attempt helps\n"));
  EXPECT_TRUE(has(text, "E   NOT REPRODUCED  the base model corrects itself\n"));
  EXPECT_TRUE(has(text, ", claimed above 0.0; by seed "));
  EXPECT_TRUE(has(text, "    seed 1: no outcomes of arm \"star\"\n"));
  EXPECT_EQ(verdicts_text(Json::object()), "");
}

}  // namespace
}  // namespace hone::report
