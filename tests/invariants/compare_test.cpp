// hone report with several runs: one page, nothing overwritten, and a bad file in one of them leaves nothing behind.
#include "hone/base/json.h"
#include "tests/invariants/program.h"

#include <gtest/gtest.h>

namespace hone::invariants {
namespace {

namespace fs = std::filesystem;

// A finished run of three seeds on 60 problems, of which the improved arm solves the first `solved`.
void write_run(const Folder& folder, const std::string& name, int solved) {
  const std::string run = "runs/" + name;
  folder.file(run + "/run.json", R"({"recipe":"grpo","preset":"smoke","seeds":[1,2,3],"command":"hone run grpo"})");
  for (int seed = 1; seed <= 3; ++seed) {
    Json outcomes{{"seed", seed}}, summary{{"base", "base"}, {"improved", "grpo"}, {"held_out", 60}};
    for (const char* outcome : {"pass1", "pass4"}) {
      for (int p = 0; p < 60; ++p) {
        outcomes["arms"]["base"][outcome].push_back(p < 20 ? 1 : 0);
        outcomes["arms"]["grpo"][outcome].push_back(p < solved ? 1 : 0);
      }
      summary["metrics"].push_back({{"name", outcome},
                                    {"label", outcome},
                                    {"unit", "%"},
                                    {"terms", Json::array({{{"outcome", outcome}, {"weight", 1}}})}});
    }
    for (const char* arm : {"base", "grpo"}) summary["arms"][arm] = {{"label", arm}};
    summary["cost"] = {{"wall_seconds", 90}, {"sampled_tokens", 5000}, {"train_tokens", 6000}};
    std::string lines;
    for (int step = 0; step < 5; ++step) {
      lines +=
          base::dump(Json{{"phase", "grpo"}, {"step", step}, {"reward", 0.1 * step * seed}, {"sampled_tokens", 9}});
      lines += "\n";
    }
    const std::string at = run + "/seed-" + std::to_string(seed);
    folder.file(at + "/run.json", R"({"recipe":"grpo","seed":)" + std::to_string(seed) + "}");
    folder.file(at + "/options.json", R"([{"path":"world","value":"\"cd3\""}])");
    folder.file(at + "/outcomes.json", base::dump(outcomes));
    folder.file(at + "/summary.json", base::dump(summary));
    folder.file(at + "/metrics.jsonl", lines);
    folder.file(at + "/samples.jsonl", "");
    folder.file(at + "/events.jsonl", "");
  }
}

TEST(Compare, OnePageThatNothingIsOverwrittenBy) {
  const Folder folder;
  write_run(folder, "a", 30);
  write_run(folder, "b", 45);
  const Outcome first = hone({"report", "a", "b"}, {.folder = folder.path()});
  ASSERT_EQ(first.code, 0) << first.err;
  EXPECT_NE(first.out.find("pass1: B grpo leads with 75.0 %; A grpo has 50.0 %"), std::string::npos) << first.out;
  EXPECT_TRUE(first.out.ends_with("\ncompare.html\n")) << first.out;
  const std::string page = read_text(folder / "compare.html");
  for (const char* part : {"B grpo leads with 75.0 %", "<section id=\"pass\">", "by-tokens", "paired by problem"})
    EXPECT_NE(page.find(part), std::string::npos) << part;

  const Outcome again = hone({"report", "a", "b"}, {.folder = folder.path()});
  EXPECT_EQ(again.code, 2);
  EXPECT_NE(again.err.find("compare.html exists already; nothing was written"), std::string::npos) << again.err;
  EXPECT_EQ(read_text(folder / "compare.html"), page);

  const Outcome other = hone({"report", "a", "b", "--out", "pages/ab.html", "--quiet"}, {.folder = folder.path()});
  EXPECT_EQ(other.out, "pages/ab.html\n") << other.err;
  EXPECT_EQ(read_text(folder / "pages/ab.html"), page);

  const std::vector<std::string> before = folder.content();
  const Outcome json = hone({"report", "a", "b", "--json"}, {.folder = folder.path()});
  EXPECT_EQ(base::parse_json(json.out, "stdout")["runs"].size(), 2u);
  EXPECT_EQ(hone({"report", "a", "b", "--md"}, {.folder = folder.path()}).code, 0);
  EXPECT_EQ(folder.content(), before) << "--json and --md write no file";

  EXPECT_EQ(hone({"report", "a", "--out", "a.html"}, {.folder = folder.path()}).code, 0);
  EXPECT_FALSE(fs::exists(folder / "runs/a/report.html"));
  EXPECT_EQ(hone({"report", "a", "--out", "a.html"}, {.folder = folder.path()}).code, 2);
}

TEST(Compare, ABadRunLeavesNoPage) {
  const Folder folder;
  write_run(folder, "a", 30);
  write_run(folder, "b", 45);
  fs::create_symlink("loop", folder / "runs/loop");
  const auto refuse = [&](const std::vector<std::string>& words, int code, const std::string& part) {
    const std::vector<std::string> before = folder.content();
    const Outcome outcome = hone(words, {.folder = folder.path()});
    EXPECT_EQ(outcome.code, code) << outcome.err;
    EXPECT_NE(outcome.err.find(part), std::string::npos) << outcome.err;
    EXPECT_EQ(outcome.out, "");
    EXPECT_EQ(folder.content(), before);
  };
  refuse({"report", "a", "a"}, 2, "two different runs");
  refuse({"report", "a", "runs/a/seed-1"}, 2, "is a part of");
  refuse({"report", "a", "loop"}, 2, "no run \"loop\"");
  const std::string good = read_text(folder / "runs/b/seed-2/outcomes.json");
  folder.file("runs/b/seed-2/outcomes.json", good.substr(0, 100));
  refuse({"report", "a", "b"}, 4, "b/seed-2/outcomes.json");
  fs::remove(folder / "runs/b/seed-2/outcomes.json");
  fs::create_symlink("outcomes.json", folder / "runs/b/seed-2/outcomes.json");
  const Outcome noted = hone({"report", "a", "b", "--md"}, {.folder = folder.path()});
  EXPECT_EQ(noted.code, 0) << noted.err;
  EXPECT_NE(noted.out.find("seed-2: outcomes.json is missing"), std::string::npos) << noted.out;
  for (const char* seed : {"seed-1", "seed-3"}) fs::remove(folder / "runs/b" / seed / "outcomes.json");
  refuse({"report", "a", "b"}, 3, "outcomes.json is missing");
}

}  // namespace
}  // namespace hone::invariants
