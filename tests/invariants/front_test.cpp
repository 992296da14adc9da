// The front program answers without libtorch, in plain text, and says the same to people and to programs.
#include "hone/base/json.h"
#include "tests/invariants/program.h"

#include <gtest/gtest.h>

#include <sstream>

namespace hone::invariants {
namespace {

const std::vector<std::string> kVerbs = {"run",    "demo",  "ls",   "show",   "cp",          "check",
                                         "report", "judge", "data", "export", "bench",       "inspect",
                                         "doctor", "gen",   "chat", "eval",   "search-trace"};

TEST(Front, DoesNotLinkLibtorch) {
  const std::string libraries = libraries_of("hone");
  ASSERT_NE(libraries.find("libc.so"), std::string::npos) << libraries;
  for (const char* library : {"libtorch", "libc10", "openblas", "opencv"}) {
    EXPECT_EQ(libraries.find(library), std::string::npos) << library;
  }
  if (has_engine()) {
    EXPECT_NE(libraries_of("hone-engine").find("libtorch"), std::string::npos);
  }
}

TEST(Front, HelpFitsEightyColumnsAndShowsThreeExamples) {
  const Folder folder;
  std::vector<std::vector<std::string>> calls = {{"--help"}};
  for (const std::string& verb : kVerbs) calls.push_back({verb, "--help"});
  for (const auto& call : calls) {
    const Outcome help = hone(call, {.folder = folder.path()});
    EXPECT_EQ(help.code, 0) << call[0] << help.err;
    EXPECT_EQ(help.err, "");
    int examples = 0;
    std::istringstream lines(help.out);
    for (std::string line; std::getline(lines, line);) {
      const auto columns = std::count_if(line.begin(), line.end(), [](char c) { return (c & 0xC0) != 0x80; });
      EXPECT_LE(columns, 80) << call[0] << ": " << line;
      examples += line.starts_with("  hone ") ? 1 : 0;
    }
    EXPECT_EQ(examples, 3) << help.out;
  }
}

TEST(Front, ExportsOneFileAndOverwritesNothing) {
  const Folder folder;
  const std::string model = std::string(HONE_SOURCE_DIR) + "/tests/golden/llama-tiny";
  const std::vector<std::string> words = {"export", model, "--to", "gguf", "--type", "q8_0", "--out", "m.gguf"};
  const Outcome first = hone(words, {.folder = folder.path()});
  EXPECT_EQ(first.code, 0) << first.err;
  EXPECT_EQ(first.out, "m.gguf\n");
  EXPECT_NE(first.err.find("symbol vocabulary"), std::string::npos) << first.err;
  EXPECT_EQ(hone(words, {.folder = folder.path()}).code, 2) << "the file exists";
  const Outcome peft = hone({"export", model, "--to", "peft"}, {.folder = folder.path()});
  EXPECT_EQ(peft.code, 2);
  EXPECT_NE(peft.err.find("lora.rank"), std::string::npos) << peft.err;
  EXPECT_EQ(hone({"export", model, "--to", "hf", "--out", "copy"}, {.folder = folder.path()}).code, 0);
  EXPECT_EQ(hone({"check", "--model", "copy"}, {.folder = folder.path()}).out.substr(0, 16), "template    none");
}

TEST(Front, WritesNothingButWhatItIsAskedFor) {
  const Folder folder;
  for (const auto& call : std::vector<std::vector<std::string>>{{},
                                                                {"--version"},
                                                                {"ls"},
                                                                {"ls", "runs"},
                                                                {"ls", "tasks"},
                                                                {"show", "score"},
                                                                {"check", "score"},
                                                                {"doctor"},
                                                                {"run", "score", "--dry-run"}}) {
    const Outcome outcome = hone(call, {.folder = folder.path()});
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    EXPECT_EQ(outcome.out.find('\x1b'), std::string::npos);
    EXPECT_EQ(outcome.out.find('\r'), std::string::npos);
  }
  EXPECT_TRUE(folder.content().empty());
}

TEST(Front, SpeaksJson) {
  const Folder folder;
  for (const auto& call : std::vector<std::vector<std::string>>{{"--json"},
                                                                {"ls", "--json"},
                                                                {"ls", "runs", "--json"},
                                                                {"ls", "tasks", "--json"},
                                                                {"show", "score", "--json"},
                                                                {"check", "score", "--json"},
                                                                {"doctor", "--json"},
                                                                {"run", "score", "--dry-run", "--json"}}) {
    const Outcome outcome = hone(call, {.folder = folder.path()});
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    EXPECT_NO_THROW(base::parse_json(outcome.out, "stdout")) << outcome.out;
  }
  const Outcome error = hone({"show", "scor", "--json"}, {.folder = folder.path()});
  EXPECT_EQ(base::parse_json(error.err, "stderr")["error"]["exit_code"], 2);
}

TEST(Front, ColourIsForTerminalsUnlessForced) {
  const Folder folder;
  EXPECT_NE(hone({"ls"}, {.folder = folder.path(), .environment = {{"CLICOLOR_FORCE", "1"}}}).out.find('\x1b'),
            std::string::npos);
  EXPECT_EQ(hone({"ls"}, {.folder = folder.path(), .environment = {{"NO_COLOR", "1"}}}).out.find('\x1b'),
            std::string::npos);
}

TEST(Front, AFileCopiedOutChecksAndShowsTheSame) {
  const Folder folder;
  ASSERT_EQ(hone({"cp", "score", "my.toml", "--preset", "smoke"}, {.folder = folder.path()}).code, 0);
  EXPECT_EQ(hone({"check", "my.toml"}, {.folder = folder.path()}).code, 0);
  const auto values = [&](const std::vector<std::string>& call) {
    return base::parse_json(hone(call, {.folder = folder.path()}).out, "stdout")["options"];
  };
  EXPECT_EQ(values({"check", "my.toml", "--json"}), values({"check", "score", "--preset", "smoke", "--json"}));
  EXPECT_EQ(hone({"show", "score", "--preset", "smoke", "--config"}, {.folder = folder.path()}).out,
            read_text(folder / "my.toml"));
}

TEST(Front, DataPreviewMarksWhatCarriesLoss) {
  const Folder folder;
  folder.file("chat.jsonl", R"({"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":"yo"}]})"
                            "\n");
  const Outcome plain = hone({"data", "preview", "chat.jsonl"}, {.folder = folder.path()});
  EXPECT_EQ(plain.code, 0) << plain.err;
  EXPECT_NE(plain.out.find("<user>hi<end><assistant>[yo<end>]"), std::string::npos) << plain.out;
  const Outcome colour =
      hone({"data", "preview", "chat.jsonl"}, {.folder = folder.path(), .environment = {{"CLICOLOR_FORCE", "1"}}});
  EXPECT_NE(colour.out.find("\x1b[32myo"), std::string::npos);
}

TEST(Front, MadeProblemsAreReadBack) {
  const Folder folder;
  ASSERT_EQ(
      hone({"data", "make", "countdown", "--world", "cd3-smoke", "--count", "5", "--solutions", "--out", "p.jsonl"},
           {.folder = folder.path()})
          .code,
      0);
  for (const auto& call :
       std::vector<std::vector<std::string>>{{"data", "preview", "p.jsonl", "--verifier", "countdown"},
                                             {"data", "preview", "p.jsonl", "--world", "cd3-smoke"},
                                             {"check", "score", "--data", "p.jsonl"},
                                             {"check", "sft", "--data", "p.jsonl"}}) {
    const Outcome outcome = hone(call, {.folder = folder.path()});
    EXPECT_EQ(outcome.code, 0) << outcome.err;
  }
}

TEST(Front, MadeSearchesAreJudgedRightByBothChecks) {
  const Folder folder;
  ASSERT_EQ(hone({"data", "make", "search", "--world", "cd3", "--split", "val", "--count", "40", "--out", "t.jsonl"},
                 {.folder = folder.path()})
                .code,
            0);
  const Outcome judged =
      hone({"eval", "search-trace", "t.jsonl", "--world", "cd3", "--json"}, {.folder = folder.path()});
  ASSERT_EQ(judged.code, 0) << judged.err;
  const Json table = base::parse_json(judged.out, "stdout");
  EXPECT_EQ(table["traces"], 40);
  EXPECT_EQ(table["accuracy"]["strict"], table["accuracy"]["lax"]);
  EXPECT_GT(table["accuracy"]["strict"].get<double>(), 0.5);
  for (const auto& [kind, count] : table["faults"].items()) EXPECT_EQ(count, 0) << kind;
  EXPECT_EQ(table["unsolved"]["solved"].is_null() ? 0 : table["unsolved"]["solved"].get<double>(), 0);
  const Outcome table_text = hone({"search-trace", "t.jsonl"}, {.folder = folder.path()});
  EXPECT_NE(table_text.out.find("bfs-mult-5"), std::string::npos) << table_text.out << table_text.err;
  folder.file("bad.jsonl", "{\"text\": \"hello\"}\n");
  const Outcome bad = hone({"search-trace", "bad.jsonl"}, {.folder = folder.path()});
  EXPECT_EQ(bad.code, 3);
  EXPECT_NE(bad.err.find("bad.jsonl:1"), std::string::npos) << bad.err;
}

}  // namespace
}  // namespace hone::invariants
