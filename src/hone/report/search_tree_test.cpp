#include "hone/report/search_tree.h"

#include "hone/base/files.h"
#include "hone/report/fake_run.h"
#include "hone/report/report.h"

#include <gtest/gtest.h>

namespace hone::report {
namespace {

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

std::size_t count(const std::string& text, std::string_view part) {
  std::size_t times = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++times;
  return times;
}

Json node(int64_t parent, const char* text, const char* by, const char* end = "open") {
  return {{"parent", parent}, {"text", text}, {"by", by}, {"end", end}, {"faulty", false}, {"on_path", false}};
}

// 4 9 3 → 24: one dead end, then the goal.
Json solved_tree() {
  Json tree = {{"target", 24}, {"left_out", 0}};
  tree["nodes"] = {node(-1, "4 9 3", ""), node(0, "3 5", "9-4=5"), node(1, "8", "3+5=8", "dead_end"),
                   node(0, "4 6", "9-3=6"), node(3, "24", "4*6=24", "goal")};
  for (const std::size_t i : {0, 3, 4}) tree["nodes"][i]["on_path"] = true;
  return tree;
}

TEST(SearchSvg, NumbersOperationsAndTheWay) {
  const std::string svg = search_svg(search_drawing(solved_tree()), "a <search>");
  EXPECT_TRUE(has(svg, "a &lt;search&gt;"));
  EXPECT_EQ(count(svg, "<rect"), 5u);
  EXPECT_EQ(count(svg, "<path"), 4u);
  EXPECT_EQ(count(svg, "class=\"branch path\""), 2u);
  EXPECT_TRUE(has(svg, ">9 − 4 = 5</text>"));
  EXPECT_TRUE(has(svg, ">4 × 6 = 24</text>"));
  EXPECT_TRUE(has(svg, ">4 9 3 → 24</text>"));
  EXPECT_TRUE(has(svg, ">8 ≠ 24</text>"));
  EXPECT_TRUE(has(svg, ">24 ✓</text>"));
  EXPECT_TRUE(has(svg, "2. 3 + 5 = 8 leaves 8: not 24, a dead end"));
  EXPECT_FALSE(has(svg, "nan"));
}

// Two leaves: rows 0 and 1. Inner nodes lie beside their only child, the root between them.
TEST(SearchSvg, LeavesHaveRowsOfTheirOwn) {
  const std::string svg = search_svg(search_drawing(solved_tree()), "");
  // Row centres are 6 + 14 = 20 and 48, boxes 22 high begin 11 above; the root's centre is 34.
  EXPECT_TRUE(has(svg, R"(<rect x="0.0" y="23.0")")) << svg;
  EXPECT_TRUE(has(svg, R"(<rect x="472.0" y="9.0")"));
  EXPECT_TRUE(has(svg, R"(<rect x="472.0" y="37.0")"));
}

TEST(SearchDrawing, OddFilesAreCutNotTrusted) {
  for (const char* text : {"null", "[]", "{}", R"({"nodes":3})", R"({"nodes":[3]})", R"({"nodes":[{"parent":0}]})",
                           R"({"nodes":[{"parent":-2}]})", R"({"nodes":[{"parent":0.5}]})",
                           R"({"nodes":[{"parent":1e300}]})", R"({"left_out":-1e300})"}) {
    const SearchDrawing drawing = search_drawing(base::parse_json(text, "test"));
    EXPECT_TRUE(drawing.nodes.empty()) << text;
    EXPECT_FALSE(has(search_svg(drawing, ""), "nan")) << text;
  }
  Json chain = {{"nodes", Json::array()}};
  for (int64_t i = 0; i < 500; ++i) chain["nodes"].push_back(node(i - 1, "<b>", "1-1=0"));
  const SearchDrawing drawing = search_drawing(chain);
  EXPECT_EQ(drawing.nodes.size(), 160u);
  EXPECT_EQ(drawing.left_out, 340);
  const std::string svg = search_svg(drawing, "");
  EXPECT_LT(svg.size(), 100000u);
  EXPECT_FALSE(has(svg, "<b>"));
  EXPECT_TRUE(has(svg, "x=\"2360.0\"")) << "the tenth column is the last";
}

TEST(SearchDrawing, LongWordsAreCut) {
  Json tree = {{"nodes", {node(-1, std::string(4000, '9').c_str(), "")}}};
  EXPECT_LT(search_svg(search_drawing(tree), "").size(), 2000u);
}

TEST(SearchesSection, IsOnThePageWhenTheSummaryHasSearches) {
  const TemporaryFolder run;
  write_fake_run(run.path(), 1);
  EXPECT_FALSE(has(report_html(run.path()), "id=\"searches\""));
  Json summary = base::parse_json(base::read_file(run.path() / "summary.json"), "summary.json");
  summary["searches"] = {{{"title", "a search that reached its goal"},
                          {"rule", "the first"},
                          {"arm", "sos"},
                          {"verdict", "right"},
                          {"tree", solved_tree()}},
                         {{"title", "broken"}, {"tree", 3}}};
  base::write_file_atomic(run.path() / "summary.json", base::dump(summary));
  const std::string html = report_html(run.path());
  EXPECT_TRUE(has(html, "<section id=\"searches\">"));
  EXPECT_TRUE(has(html, "href=\"#searches\""));
  EXPECT_TRUE(has(html, "4 operations tried."));
  EXPECT_EQ(count(html, "<article class=\"search\">"), 1u);
}

}  // namespace
}  // namespace hone::report
