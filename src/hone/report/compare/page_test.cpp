#include "hone/report/compare/page.h"

#include "hone/report/compare/test_runs.h"

#include <gtest/gtest.h>

namespace hone::report {
namespace {

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

std::size_t count(const std::string& text, std::string_view part) {
  std::size_t times = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++times;
  return times;
}

TEST(ComparisonPage, OnePageWithEverything) {
  const TwoRuns runs;
  const std::string html = comparison_html(compare(runs.both()));
  EXPECT_LT(html.size(), 1000000u);
  for (const char* part :
       {"<p class=\"lead\">Acc@t2: B SCoRe leads with ", "the lead is certain at the 95 % level",
        "<section id=\"results\">", "<section id=\"curves\">", "<section id=\"cost\">", "<section id=\"notes\">",
        "difference to A SCoRe", "class=\"seed\"", "class=\"mean\"", "A (score) and B (score)"}) {
    EXPECT_TRUE(has(html, part)) << part;
  }
  EXPECT_TRUE(has(html, "75.6")) << "3 · 1512.5 s in minutes";
  EXPECT_FALSE(has(html, "nan") || has(html, "inf\"") || has(html, "src=") || has(html, "url("));
  for (const char* element : {"section", "div", "figure", "svg", "g", "p", "table", "span", "label", "small"}) {
    const std::string open = std::string("<") + element, close = std::string("</") + element + ">";
    EXPECT_EQ(count(html, open + ">") + count(html, open + " "), count(html, close)) << element;
  }
  EXPECT_EQ(count(html, "<script"), 2u) << "the embedded numbers and the page's own script";
}

TEST(ComparisonPage, PassAtKBeforeAndAfter) {
  const TwoRuns runs;
  make_one_attempt(runs);
  const std::string html = comparison_html(compare(runs.both()));
  EXPECT_TRUE(has(html, "<section id=\"pass\">"));
  EXPECT_TRUE(has(html, "B grpo"));
  EXPECT_EQ(count(html, "pass@k before and after</title>"), 1u) << "A has no pass@k";
}

TEST(ComparisonPage, HostileTextIsEscaped) {
  const TwoRuns runs;
  const std::string attack = "</script></style><script>alert(1)</script><img src=x onerror=alert(2)>'";
  for (const char* text : {"SCoRe", "base model", "Acc@t2"}) {
    for (const char* seed : {"seed-1", "seed-2", "seed-3"}) {
      for (const auto& run : runs.both()) replace_all(run / seed / "summary.json", text, attack);
    }
  }
  for (const char* text : {"laptop", "AVX2", "latest", "hone run", "SCoRe"})
    replace_all(runs.second / "run.json", text, attack);
  for (const char* seed : {"seed-1", "seed-2"}) {
    replace_all(runs.second / seed / "metrics.jsonl", "score.stage2", "score." + attack);
    replace_all(runs.second / seed / "metrics.jsonl", "right first", attack);
  }
  const std::string html = comparison_html(compare(runs.both()));
  EXPECT_TRUE(has(html, "&lt;script&gt;alert(1)"));
  EXPECT_FALSE(has(html, "<script>alert") || has(html, "<img"));
  EXPECT_EQ(count(html, "<script"), 2u);
  EXPECT_EQ(count(html, "</style>"), 1u);
}

}  // namespace
}  // namespace hone::report
