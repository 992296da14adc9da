// gen, chat and eval from outside: what goes in, what comes out, and what is said when it can't.
#include "hone/base/json.h"
#include "tests/invariants/program.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <sstream>

namespace hone::invariants {
namespace {

namespace fs = std::filesystem;

const std::string kPrompt = "reach 20 with 3 4";
// In words of the small model's vocabulary.
constexpr const char* kTemplate =
    "{{ bos_token }}{% for m in messages %}<{{ m.role }}> {{ m.content }} <end>{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}";

class Use : public testing::Test {
 protected:
  void SetUp() override {
    if (!has_engine()) GTEST_SKIP() << "hone-engine was not built";
    fs::copy(fs::path(HONE_SOURCE_DIR) / "tests/golden/llama-tiny", folder / "plain");
    fs::copy(fs::path(HONE_SOURCE_DIR) / "tests/golden/llama-tiny", folder / "chat");
    folder.file("chat/chat_template.jinja", kTemplate);
    folder.file("chat/tokenizer_config.json", R"({"bos_token": "<bos>", "eos_token": "<end>"})");
  }

  Outcome run(const std::vector<std::string>& words, const std::string& input = "") const {
    return hone(words, {.folder = folder.path(), .stdin_from = folder.file("stdin.txt", input)});
  }

  Folder folder;
};

bool says(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

TEST_F(Use, GenGivesTheSameTextForTheSameSeed) {
  const std::vector<std::string> words = {"gen",          "plain", kPrompt,     "--seed", "3",
                                          "--max-tokens", "12",    "--threads", "1"};
  const Outcome one = run(words);
  EXPECT_EQ(one.code, 0) << one.err;
  EXPECT_EQ(std::count(one.out.begin(), one.out.end(), '\n'), 1) << one.out;
  EXPECT_TRUE(says(one.err, "no chat template")) << one.err;
  auto other = words;
  other.back() = "2";
  EXPECT_EQ(run(other).out, one.out);
  // From a pipe, and as the first of several samples.
  EXPECT_EQ(run({"gen", "plain", "--seed", "3", "--max-tokens", "12", "-q"}, kPrompt + "\n").out, one.out);
  const Outcome several = run({"gen", "plain", kPrompt, "--seed", "3", "--max-tokens", "12", "--samples", "3", "-q"});
  EXPECT_EQ(several.err, "");
  EXPECT_EQ(several.out.substr(0, 11 + one.out.size()), "--- 1 of 3\n" + one.out);
  other = words;
  other[4] = "4";
  EXPECT_NE(run(other).out, one.out);
  // bf16 is another model; what matters is that it works.
  EXPECT_EQ(run({"gen", "plain", kPrompt, "--weights", "bf16", "--max-tokens", "4"}).code, 0);
}

TEST_F(Use, AMixtureAnswersByOneOfItsMembers) {
  fs::copy(folder / "plain", folder / "other", fs::copy_options::recursive);
  folder.file("mix.json", R"({"mixture": [{"model": "plain", "weight": 1}, {"model": "other", "weight": 1}]})");
  std::string rows;
  for (int i = 0; i < 6; ++i)
    rows += R"({"prompt": "reach 20 with 3 4"})"
            "\n";
  const std::vector<std::string> settings = {"--jsonl", "--raw", "--max-tokens", "6", "-q"};
  std::vector<std::string> alone = {"gen", "plain", "-"}, mixed = {"gen", "mix.json", "-"};
  alone.insert(alone.end(), settings.begin(), settings.end());
  mixed.insert(mixed.end(), settings.begin(), settings.end());
  const Outcome out = run(mixed, rows);
  EXPECT_EQ(out.code, 0) << out.err;
  EXPECT_EQ(out.out, run(alone, rows).out);  // equal members: the order of the rows and their streams are kept
  const Outcome one = run({"gen", "mix.json", kPrompt, "--raw", "--max-tokens", "6"});
  EXPECT_TRUE(says(one.err, "a mixture of 2 models; drawn: ")) << one.err;
}

TEST_F(Use, GenInJson) {
  const Outcome text = run({"gen", "plain", kPrompt, "--temperature", "0", "--max-tokens", "6", "-q"});
  const Outcome out = run({"gen", "plain", kPrompt, "--temperature", "0", "--max-tokens", "6", "-q", "--json"});
  const Json json = base::parse_json(out.out, "stdout");
  EXPECT_EQ(json["schema"], 1);
  EXPECT_EQ(json["prompt"], kPrompt);
  ASSERT_EQ(json["completions"].size(), 1u);
  EXPECT_EQ(json["completions"][0]["text"].get<std::string>() + "\n", text.out);
  EXPECT_TRUE(json["completions"][0]["finish"] == "length" || json["completions"][0]["finish"] == "stop");
}

TEST_F(Use, GenEndsBeforeAStopText) {
  const std::vector<std::string> words = {"gen", "plain", kPrompt, "--temperature", "0", "--max-tokens", "12", "-q"};
  const std::string whole = run(words).out;
  const std::string second =
      whole.substr(whole.find(' ') + 1, whole.find(' ', whole.find(' ') + 1) - whole.find(' ') - 1);
  auto stopped = words;
  stopped.insert(stopped.end(), {"--stop", " " + second});
  EXPECT_EQ(run(stopped).out, whole.substr(0, whole.find(" " + second)) + "\n");
}

TEST_F(Use, GenTakesRowsAndKeepsWhatElseTheyHold) {
  const std::string rows =
      "{\"prompt\": \"reach 20\", \"id\": 7}\n\n{\"messages\": [{\"role\": \"user\", \"content\": \"3 4\"}]}\n";
  const Outcome out = run({"gen", "chat", "--jsonl", "--max-tokens", "5"}, rows);
  EXPECT_EQ(out.code, 0) << out.err;
  EXPECT_TRUE(says(out.err, "the folder's chat template")) << out.err;
  const auto lines = lines_of(out.out);
  ASSERT_EQ(lines.size(), 2u) << out.out;
  const Json first = base::parse_json(lines[0], "first");
  EXPECT_EQ(first["id"], 7);
  EXPECT_TRUE(first["completion"].is_string() && first["finish"].is_string());
  EXPECT_TRUE(base::parse_json(lines[1], "second")["messages"].is_array());
  const Outcome file =
      run({"gen", "chat", folder.file("rows.jsonl", rows), "--jsonl", "--samples", "2", "--max-tokens", "5", "-q"});
  const Json row = base::parse_json(lines_of(file.out).at(0), "row");
  ASSERT_EQ(row["completions"].size(), 2u);
  EXPECT_EQ(row["completions"][0], first["completion"]);
  // The same text as a conversation is the same prompt.
  const Outcome messages = run({"gen", "chat", "--jsonl", "--max-tokens", "5", "-q"},
                               R"({"prompt": [{"role": "user", "content": "reach 20"}]})");
  EXPECT_EQ(base::parse_json(messages.out, "row")["completion"], first["completion"]);
}

TEST_F(Use, GenRefuses) {
  const auto refused = [&](const std::vector<std::string>& words, const std::string& input, int code,
                           const char* part) {
    const Outcome out = run(words, input);
    EXPECT_EQ(out.code, code) << out.err;
    EXPECT_TRUE(says(out.err, part)) << part << "\n" << out.err;
    EXPECT_EQ(out.out, "");
  };
  refused({"gen", "nothing", "x"}, "", 2, "nothing");
  refused({"gen", "plain", "x", "--temprature", "1"}, "", 2, "did you mean \"--temperature\"");
  refused({"gen", "plain", "x", "--temperature", "-1"}, "", 2, "0 to 100");
  refused({"gen", "plain", "x", "--weights", "int9"}, "", 2, "did you mean \"int8\"");
  refused({"gen", "plain", "x", "--chat", "--raw"}, "", 2, "exclude each other");
  refused({"gen", "plain", "x", "--jsonl"}, "", 2, "there is no file x");
  refused({"gen", "plain", "--jsonl"}, "{\"prompt\": \"3\"}\n{\"text\": \"3\"}\n", 3, "stdin:2");
  refused({"gen", "plain", "--jsonl"}, "", 3, "holds no row");
  std::string longer = "3";
  for (int i = 0; i < 40; ++i) longer += " 4";
  refused({"gen", "plain", longer}, "", 3, "context of this model is 32");
}

TEST_F(Use, CtrlCEndsAText) {
  // A context that a greedy answer of this model does not fill.
  std::string config = read_text(folder / "plain/config.json");
  config.replace(config.find(": 32,", config.find("max_position_embeddings")), 5, ": 1000000,");
  folder.file("plain/config.json", config);
  const fs::path out = folder / "out.txt";
  Running gen({"gen", "plain", kPrompt, "--temperature", "0", "--max-tokens", "900000"},
              {.folder = folder.path(), .stdout_to = folder.file("out.txt", "")});
  while (fs::file_size(out) < 10) ASSERT_FALSE(gen.ends_within(0.01)) << gen.wait().err;
  gen.send(SIGINT);
  ASSERT_TRUE(gen.ends_within(30));
  const Outcome ended = gen.wait();
  EXPECT_EQ(ended.code, 130) << ended.err;
  EXPECT_TRUE(ended.out.ends_with("\n")) << "the text ends with a line";
}

TEST_F(Use, ChatWorksWithAScript) {
  const std::string script = "/seed 5\n3 4\n\"\"\"\nreach\n20\n\"\"\"\n/save talk.jsonl\n/temp 0\n";
  const Outcome out = run({"chat", "chat", "--max-tokens", "4"}, script);
  EXPECT_EQ(out.code, 0) << out.err;
  for (const char* part : {"the folder's chat template", "context 32", "seed 5", "4 messages in talk.jsonl", "greedy"})
    EXPECT_TRUE(says(out.err, part)) << part << "\n" << out.err;
  EXPECT_FALSE(says(out.out, ">>>"));
  const Json talk = base::parse_json(read_text(folder / "talk.jsonl"), "talk.jsonl")["messages"];
  ASSERT_EQ(talk.size(), 4u);
  EXPECT_EQ(talk[0]["content"], "3 4");
  EXPECT_EQ(talk[2]["content"], "reach\n20");
  EXPECT_EQ(talk[1]["content"].get<std::string>() + "\n" + talk[3]["content"].get<std::string>() + "\n", out.out);
  EXPECT_EQ(run({"chat", "chat", "--max-tokens", "4", "--seed", "5"}, "3 4\n\"\"\"reach\n20\"\"\"").out, out.out);
  // Forgetting the first turn changes the second, and a conversation begun again is the same one.
  const Outcome again = run({"chat", "chat", "--max-tokens", "4", "--seed", "5"}, "3 4\n/reset\n3 4\n");
  const auto lines = lines_of(again.out);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0], lines[1]);
}

TEST_F(Use, ChatGoesOnAfterWhatWentWrong) {
  std::string longer = "3";
  for (int i = 0; i < 40; ++i) longer += " 4";
  const Outcome out = run({"chat", "plain", "--max-tokens", "3"},
                          longer + "\n/sede 3\n/save plain\n/temp hot\nzebra\n/reset\n3 4\n/quit\n5 6\n");
  for (const char* part : {"no chat template", "context of this model is 32", "/reset to begin again",
                           "did you mean \"/seed\"", "nothing to save", "0 to 100", "zebra"})
    EXPECT_TRUE(says(out.err, part)) << part << "\n" << out.err;
  EXPECT_EQ(lines_of(out.out).size(), 1u) << out.out;
  EXPECT_EQ(out.code, 3) << "a script learns that something went wrong";
  EXPECT_EQ(run({"chat", "plain"}, "/help\n").code, 0);
}

std::string puzzles(int count) {
  std::string rows;
  for (int i = 0; i < count; ++i)
    rows += "{\"prompt\": \"reach " + std::to_string(3 + i % 20) + " with 3 4\", \"answer\": " + std::to_string(i % 7) +
            "}\n";
  return rows;
}

TEST_F(Use, EvalMeasuresAndCompares) {
  folder.file("task.jsonl", puzzles(40));
  const std::vector<std::string> words = {"eval",   "plain",     "--task", "task.jsonl",   "--verifier",
                                          "number", "--samples", "4",      "--max-tokens", "6",
                                          "--out",  "all.jsonl", "-q"};
  const Outcome text = run(words);
  EXPECT_EQ(text.code, 0) << text.err;
  EXPECT_EQ(text.err, "");
  for (const char* part :
       {"40 problems", "verifier number", "greedy accuracy", "mean of 4 samples", "pass@4", "wrong  "})
    EXPECT_TRUE(says(text.out, part)) << part << "\n" << text.out;
  const auto rows = lines_of(read_text(folder / "all.jsonl"));
  ASSERT_EQ(rows.size(), 200u);
  const Json first = base::parse_json(rows[0], "row");
  EXPECT_EQ(first["kind"], "greedy");
  EXPECT_EQ(first["id"], "task.jsonl:1");
  double right = 0, sampled = 0;
  for (const std::string& line : rows) {
    const Json row = base::parse_json(line, "row");
    (row["kind"] == "greedy" ? right : sampled) += row["right"].get<bool>() ? 1 : 0;
  }
  auto json_words = words;
  json_words.insert(json_words.end(), {"--json", "--threads", "1"});
  const Json json = base::parse_json(run(json_words).out, "stdout");
  EXPECT_EQ(json["problems"], 40);
  EXPECT_DOUBLE_EQ(json["metrics"]["greedy"]["model"]["mean"].get<double>(), right / 40);
  EXPECT_DOUBLE_EQ(json["metrics"]["mean"]["model"]["mean"].get<double>(), sampled / 160);
  EXPECT_GT(sampled, 0);
  // The same model under another name: exactly no difference.
  auto against = words;
  against.insert(against.end(), {"--compare", "chat", "--raw", "--json"});
  const Json same = base::parse_json(run(against).out, "stdout");
  for (const char* end : {"mean", "low", "high"})
    EXPECT_EQ(same["metrics"]["mean"]["difference"][end], 0) << same.dump(1);
  EXPECT_EQ(same["metrics"]["mean"]["words"], "no difference shown");
  EXPECT_TRUE(says(same["verdict"].get<std::string>(), "no difference: greedy accuracy"));
}

TEST_F(Use, EvalRefuses) {
  folder.file("task.jsonl", puzzles(2));
  folder.file("bad.jsonl", "{\"prompt\": \"3\", \"answer\": 1}\n{\"prompt\": \"3\"}\n");
  const auto refused = [&](std::vector<std::string> words, int code, const char* part) {
    words.insert(words.begin(), "eval");
    const Outcome out = run(words);
    EXPECT_EQ(out.code, code) << out.err;
    EXPECT_TRUE(says(out.err, part)) << part << "\n" << out.err;
    EXPECT_EQ(out.out, "");
  };
  refused({"plain"}, 2, "--task FILE --verifier NAME");
  refused({"plain", "--task", "task.jsonl"}, 2, "exact, number, regex, countdown");
  refused({"plain", "--task", "task.jsonl", "--verifier", "numbers"}, 2, "did you mean \"number\"");
  refused({"plain", "--task", "bad.jsonl", "--verifier", "number"}, 3, "bad.jsonl:2");
  refused({"plain", "--task", "none.jsonl", "--verifier", "number"}, 6, "none.jsonl");
  refused({"plain", "--task", "task.jsonl", "--verifier", "number", "--out", "no/such/file"}, 2, "no/such");
  refused({"plain", "--task", "task.jsonl", "--verifier", "number", "--compare", "other"}, 2, "other");
}

}  // namespace
}  // namespace hone::invariants
