#include "hone/report/report.h"

#include "hone/base/error.h"
#include "hone/base/files.h"
#include "hone/report/fake_run.h"
#include "hone/report/summary.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace hone::report {
namespace {

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

std::size_t count(const std::string& text, std::string_view part) {
  std::size_t times = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++times;
  return times;
}

// Every element that is opened is closed in order; void elements, comments and the doctype aside.
std::string first_unbalanced(const std::string& html) {
  static const std::vector<std::string> kVoid = {"meta", "link", "br", "rect", "line", "circle"};
  std::vector<std::string> open;
  for (std::size_t at = html.find('<'); at != std::string::npos; at = html.find('<', at + 1)) {
    const bool closes = html[at + 1] == '/';
    std::size_t end = at + (closes ? 2 : 1);
    std::string name;
    while (end < html.size() && std::isalnum(static_cast<unsigned char>(html[end]))) name += html[end++];
    if (name.empty()) continue;
    const std::size_t close = html.find('>', end);
    if (closes) {
      if (open.empty() || open.back() != name)
        return "</" + name + "> after " + html.substr(at > 80 ? at - 80 : 0, 160);
      open.pop_back();
      continue;
    }
    if (std::find(kVoid.begin(), kVoid.end(), name) != kVoid.end() || html[close - 1] == '/') continue;
    open.push_back(name);
    if (name == "script" || name == "style") at = html.find("</" + name, end) - 1;
  }
  return open.empty() ? "" : "unclosed " + open.back();
}

void replace(const std::filesystem::path& file, const std::string& from, const std::string& to) {
  std::string text = base::read_file(file);
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  base::write_file_atomic(file, text);
}

TEST(Report, OnePageWithoutNetwork) {
  const TemporaryFolder run;
  write_fake_run(run.path(), 1);
  EXPECT_EQ(write_report(run.path()), run.path() / "report.html");
  const std::string html = base::read_file(run.path() / "report.html");
  EXPECT_LT(html.size(), 1000000u);
  EXPECT_EQ(first_unbalanced(html), "");
  EXPECT_FALSE(has(html, "src=")) << "nothing is fetched";
  EXPECT_FALSE(has(html, "href=\"http"));
  EXPECT_FALSE(has(html, "url("));
  EXPECT_FALSE(has(html, "nan") || has(html, "inf\"")) << "a coordinate is not finite";
  for (const char* id : {"method", "results", "flow", "claims", "curves", "transcripts", "options", "cost",
                         "environment", "reproduce"}) {
    EXPECT_TRUE(has(html, std::string("<section id=\"") + id + "\">")) << id;
  }
  EXPECT_FALSE(has(html, "<section id=\"missing\">"));
  EXPECT_TRUE(has(html, "Second attempts now help"));
  EXPECT_TRUE(has(html, "ends at 39, not 43"));
  EXPECT_TRUE(has(html, "my.toml:14"));
  EXPECT_TRUE(has(html, "25m13s"));
}

TEST(Report, SeedsAreDrawnAndClaimsShown) {
  const TemporaryFolder run;
  write_fake_seeds(run.path(), 3);
  const Json results = judge_run(run.path(), fake_claims());
  base::write_file_atomic(run.path() / "results.json", base::dump(results, 2));
  const std::string html = report_html(run.path());
  if (const char* keep = std::getenv("HONE_KEEP_REPORT")) base::write_file_atomic(keep, html);
  EXPECT_EQ(first_unbalanced(html), "");
  EXPECT_LT(html.size(), 1000000u);
  EXPECT_TRUE(has(html, "3 of 6 claims reproduced, 1 not, 2 inconclusive."));
  EXPECT_TRUE(has(html, "class=\"seed\""));
  EXPECT_TRUE(has(html, "class=\"mean\""));
  EXPECT_TRUE(has(html, "no outcomes of arm &quot;star&quot;"));
}

// Ten metrics are two tables of five, and every arm stands in both.
TEST(Report, ManyMetricsAreSeveralTables) {
  const TemporaryFolder run;
  write_fake_run(run.path(), 1);
  const auto tables = [&] { return count(report_html(run.path()), "<table class=\"results\">"); };
  EXPECT_EQ(tables(), 1u);
  const auto file = run.path() / "summary.json";
  Json summary = base::parse_json(base::read_file(file), "summary.json");
  const Json metric = summary["metrics"][0];
  for (std::size_t i = summary["metrics"].size(); i < 10; ++i) {
    summary["metrics"].push_back(metric);
    summary["metrics"][i]["name"] = fmt::format("more{}", i);
    for (auto& arm : summary["arms"]) arm["values"][fmt::format("more{}", i)] = arm["values"][metric["name"]];
  }
  base::write_file_atomic(file, base::dump(summary));
  EXPECT_EQ(tables(), 2u);
}

TEST(Report, TilesNameWhatTheyAreHeldAgainst) {
  const TemporaryFolder run;
  write_fake_run(run.path(), 1);
  EXPECT_TRUE(has(report_html(run.path()), R"(<div class="was">base model )"));
  replace(run.path() / "summary.json", "base model", "by length alone");
  EXPECT_TRUE(has(report_html(run.path()), R"(<div class="was">by length alone )"));
}

TEST(Report, HostileTextIsEscaped) {
  const TemporaryFolder run;
  write_fake_run(run.path(), 1);
  const std::string attack = "</script></style></title><script>alert(1)</script><img src=x onerror=alert(2)>'";
  for (const char* file : {"run.json", "summary.json", "options.json"}) {
    for (const char* text : {"laptop", "score\"", "SCoRe", "numbers 4 17 26", "26 + 17 = 43", "my.toml:14",
                             "base model", "wrong→right", "right\"", "Acc@t1", "AVX2", "ours", "latest", "%"}) {
      const std::string tail = std::string_view(text).ends_with('"') ? "\"" : "";
      replace(run.path() / file, text, attack + tail);
    }
  }
  replace(run.path() / "metrics.jsonl", "score stage", attack);
  replace(run.path() / "metrics.jsonl", "right first", attack);
  replace(run.path() / "events.jsonl", "problems", attack);
  const std::string html = report_html(run.path());
  EXPECT_EQ(first_unbalanced(html), "");
  EXPECT_TRUE(has(html, "&lt;script&gt;alert(1)"));
  EXPECT_FALSE(has(html, "<script>alert"));
  EXPECT_FALSE(has(html, "<img"));
  EXPECT_EQ(count(html, "<script"), 2u) << "the embedded numbers and the page's own script";
  EXPECT_EQ(count(html, "</style>"), 1u);
}

TEST(Report, EveryPartMayBeMissing) {
  const TemporaryFolder run;
  write_fake_run(run.path(), 1);
  for (const char* file :
       {"summary.json", "options.json", "metrics.jsonl", "outcomes.json", "samples.jsonl", "events.jsonl"}) {
    std::filesystem::remove(run.path() / file);
    const std::string html = report_html(run.path());
    EXPECT_TRUE(has(html, std::string("<li>") + file + " is missing</li>"));
    EXPECT_EQ(first_unbalanced(html), "");
  }
  const std::string html = report_html(run.path());
  EXPECT_TRUE(has(html, "No results: the run hasn&#39;t finished"));
  EXPECT_TRUE(has(html, "metrics.jsonl has no curves."));
  EXPECT_TRUE(has(html, "options.json is missing or empty."));
}

TEST(Report, ARunJustBegunHasARecordOnly) {
  const TemporaryFolder run;
  write_fake_run(run.path(), 1);
  for (const char* file : {"run.json", "summary.json", "options.json", "outcomes.json"}) {
    std::filesystem::remove(run.path() / file);
  }
  EXPECT_TRUE(has(report_html(run.path()), "No verdict and no headline"));
}

TEST(Report, WrongTypesAndTornFilesNeverCrash) {
  const TemporaryFolder folder;
  const auto write = [&](const char* file, const char* text) { base::write_file_atomic(folder.path() / file, text); };
  write("run.json", R"({"recipe":[1],"title":{"a":1},"method":"x","seed":{},"machine":[1,2],"command":7})");
  write("options.json", R"([1,"x",null,{"path":[],"origin":3}])");
  write("outcomes.json", R"({"seed":1,"arms":{"a":{"t1":[1],"t2":[1,0]}}})");
  write("metrics.jsonl",
        "{\"phase\":1,\"step\":\"x\"}\n{\"phase\":\"a\",\"step\":1e308,\"loss\":1e308}\n"
        "{\"phase\":\"a\",\"step\":-1e308,\"loss\":-1e308}\n{\"phase\":\"a\",\"step\":5,\"loss\":null,"
        "\"nonfinite\":[\"loss\"]}\nnot json\n[1]\n{\"phase\":\"a\",\"st");
  write("samples.jsonl", "{}\n3\n");
  write("events.jsonl", "\xff\n");
  for (const char* summary :
       {R"({"metrics":[1,{"name":2},{"name":"x","unit":"%","terms":[3,{"outcome":1,"weight":"w"}]}],
            "arms":{"a":[],"b":{"label":5,"values":{"x":{"mean":"y","low":1e308,"high":-1e308},"2":{"mean":1e308}}}},
            "base":"b","improved":"b","transcripts":[7,{"turns":[8]}],"cost":[],"next":{"a":1},"held_out":"many"})",
        R"({"metrics":{},"arms":[],"transcripts":{},"cost":{"wall_seconds":-5}})", "[]", "{", ""}) {
    write("summary.json", summary);
    const std::string html = report_html(folder.path());
    EXPECT_EQ(first_unbalanced(html), "") << summary;
    EXPECT_NO_THROW(report_json(folder.path()));
  }
  write("run.json", R"({"seeds":[1,"x",-4,2.5,{}]})");
  std::filesystem::remove(folder.path() / "metrics.jsonl");
  EXPECT_TRUE(has(report_html(folder.path()), "seed-1 is missing"));
  write("results.json", R"({"claims":[1,{"id":[],"verdict":2,"contrasts":[3,{"mean":"x","per_seed":["a",1]}]}]})");
  EXPECT_EQ(first_unbalanced(report_html(folder.path())), "");
}

TEST(Report, AnotherFolderIsNotARun) {
  const TemporaryFolder folder;
  EXPECT_THROW(report_html(folder.path()), Error);
  EXPECT_THROW(report_html(folder.path() / "none"), Error);
}

TEST(Report, LongRunsStaySmall) {
  const TemporaryFolder run;
  write_fake_run(run.path(), 1);
  std::string lines;
  for (int step = 1; step <= 20000; ++step) {
    Json line{{"phase", "long"}, {"step", step}};
    for (int metric = 0; metric < 30; ++metric) {
      line["metric " + std::to_string(metric)] =
          Rng(static_cast<uint64_t>(metric)).fork("x", {static_cast<uint64_t>(step)}).uniform();
    }
    lines += base::dump(line) + "\n";
  }
  base::write_file_atomic(run.path() / "metrics.jsonl", lines);
  const std::string html = report_html(run.path());
  EXPECT_LT(html.size(), 1000000u);
  EXPECT_TRUE(has(html, "Not drawn, but in metrics.jsonl: metric 24, metric 25"));
}

}  // namespace
}  // namespace hone::report
