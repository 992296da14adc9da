#include "cli/outcome.h"

#include "cli/test_folder.h"

#include <gtest/gtest.h>

namespace hone::cli {
namespace {

constexpr const char* kSummary = R"({
  "schema": 1, "headline": "it works", "base": "base", "improved": "score", "held_out": 500,
  "metrics": [{"name": "acc_t1", "label": "Acc@t1", "unit": "%"}, {"name": "delta", "label": "delta", "unit": "pts"}],
  "arms": {"base": {"label": "base model", "values": {"acc_t1": {"mean": 0.5, "low": 0.4, "high": 0.6},
                                                      "delta": {"mean": 0.0, "low": -0.01, "high": 0.01}}},
           "score": {"label": "SCoRe", "values": {"acc_t1": {"mean": 0.6, "low": 0.5, "high": 0.7},
                                                  "delta": {"mean": 0.08, "low": 0.05, "high": 0.11}}}},
  "transcripts": [{"kind": "wrong→right", "rule": "the first one", "prompt": "3 7 -> 10 :\u001b[31m",
                   "turns": [{"text": "3 * 7", "verdict": "wrong: ends at 21"}, {"text": "3 + 7", "verdict": "right"}]}]
})";

TEST(Outcome, ShowsBeforeAfterTranscriptsAndWhatIsNext) {
  const TestFolder folder;
  folder.file("run.json", R"({"recipe":"score","preset":"demo","seed":1})");
  folder.file("summary.json", kSummary);
  const std::string text = outcome_text(folder.path(), "runs/x/report.html", Console(0, Tone::plain));
  for (const char* part :
       {"before: base model", "after: SCoRe", "Acc@t1", "60.0 % [50.0, 70.0]", "wrong→right", "attempt 2",
        "wrong: ends at 21", "report  runs/x/report.html", "hone run score --preset laptop"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  }
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
}

TEST(Outcome, OnlyAShortPresetIsSentToTheFullOne) {
  const TestFolder folder;
  folder.file("run.json", R"({"recipe":"ppo","preset":"searches","seed":1})");
  folder.file("summary.json", kSummary);
  const std::string text = outcome_text(folder.path(), "report.html", Console(0, Tone::plain));
  EXPECT_NE(text.find("hone judge "), std::string::npos) << text;
  EXPECT_EQ(text.find("--preset laptop"), std::string::npos) << text;
}

TEST(Outcome, ARunWithoutSummaryStillNamesItsReport) {
  const TestFolder folder;
  folder.file("run.json", R"({"recipe":"sft","preset":"smoke","seed":1})");
  const std::string text = outcome_text(folder.path(), "report.html", Console(0, Tone::plain));
  EXPECT_NE(text.find("report.html"), std::string::npos);
}

}  // namespace
}  // namespace hone::cli
