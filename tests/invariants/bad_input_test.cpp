// Whatever is wrong with what a user gives: the right exit code, the place, a remedy, within one screen, and nothing
// left on the disk.
#include "hone/base/json.h"
#include "tests/invariants/program.h"

#include <gtest/gtest.h>

#include <cstring>

namespace hone::invariants {
namespace {

namespace fs = std::filesystem;

// Runs `words` in `folder` and checks all that every error must have.
void expect_refusal(const Folder& folder, const std::vector<std::string>& words, int code,
                    const std::vector<std::string>& parts, const Setting& extra = {}) {
  Setting setting = extra;
  setting.folder = folder.path();
  const std::vector<std::string> before = folder.content();
  const Outcome outcome = hone(words, setting);
  std::string line;
  for (const std::string& word : words) line += " " + word;
  EXPECT_EQ(outcome.code, code) << "hone" << line << "\n" << outcome.err;
  EXPECT_NE(outcome.err.find("error: "), std::string::npos) << line;
  EXPECT_NE(outcome.err.find("fix:   "), std::string::npos) << line << "\n" << outcome.err;
  EXPECT_NE(outcome.err.find("(exit code " + std::to_string(code) + ")"), std::string::npos) << line;
  for (const std::string& part : parts)
    EXPECT_NE(outcome.err.find(part), std::string::npos) << part << "\n" << outcome.err;
  EXPECT_LE(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 24) << outcome.err;
  EXPECT_EQ(outcome.out, "") << line;
  EXPECT_EQ(folder.content(), before) << "hone" << line << " left something behind";
}

TEST(BadInput, Words) {
  const Folder folder;
  expect_refusal(folder, {"rnu", "score"}, 2, {"did you mean \"run\""});
  expect_refusal(folder, {"run", "scoer"}, 2, {"did you mean \"score\""});
  expect_refusal(folder, {"run"}, 2, {"needs a recipe"});
  expect_refusal(folder, {"run", "score", "--pressets", "x"}, 2, {"--pressets", "did you mean \"--preset\""});
  expect_refusal(folder, {"run", "score", "--preset"}, 2, {"needs a value"});
  expect_refusal(folder, {"run", "score", "--preset", "smokee"}, 2, {"did you mean \"smoke\""});
  expect_refusal(folder, {"run", "score", "--seeds", "0"}, 2, {"--seeds", "1 to 100"});
  expect_refusal(folder, {"run", "score", "--seed", "-1"}, 2, {"--seed"});
  expect_refusal(folder, {"run", "score", "--threads", "0"}, 2, {"--threads", "1 to 1024"});
  expect_refusal(folder, {"run", "score", "--device", "gpu"}, 2, {"--device", "neither cpu nor cuda"});
  expect_refusal(folder, {"run", "score", "--verifier", "exakt"}, 2, {"did you mean \"exact\""});
  expect_refusal(folder, {"run", "sft", "--verifier", "exact"}, 2, {"no option \"verifier\""});
  expect_refusal(folder, {"run", "score", "--set", "alhpa=1"}, 2, {"did you mean \"alpha\""});
  expect_refusal(folder, {"run", "score", "--set", "alpha=nan"}, 2, {"alpha"});
  expect_refusal(folder, {"run", "score", "--set", "samples=0"}, 2, {"samples", "allowed"});
  expect_refusal(folder, {"show", "nothing"}, 2, {"nothing"});
  expect_refusal(folder, {"run", "--resume"}, 2, {"no runs"});
  expect_refusal(folder, {"report", "2026"}, 2, {"2026"});
  expect_refusal(folder, {"bench", "trian"}, 2, {"did you mean \"train\""});
  expect_refusal(folder, {"run", "score"}, 2, {"HONE_THREADS"},
                 {.folder = {}, .environment = {{"HONE_THREADS", "two"}}});
}

TEST(BadInput, RecipeFiles) {
  const Folder folder;
  folder.file("typo.toml", "recipe = \"score\"\n\n[stage2]\nstpes = 3\n");
  expect_refusal(folder, {"check", "typo.toml"}, 2, {"typo.toml:4:1", "stpes", "steps"});
  folder.file("range.toml", "recipe = \"score\"\nalpha = -1\n");
  expect_refusal(folder, {"run", "range.toml"}, 2, {"range.toml:2", "alpha"});
  folder.file("syntax.toml", "recipe = \"score\"\nalpha = = 3\n");
  expect_refusal(folder, {"check", "syntax.toml"}, 2, {"syntax.toml:2"});
  folder.file("nothing.toml", "alpha = 3\n");
  expect_refusal(folder, {"run", "nothing.toml"}, 2, {"which recipe"});
  expect_refusal(folder, {"check", "absent.toml"}, 6, {"absent.toml"});
  expect_refusal(folder, {"cp", "score", "typo.toml"}, 2, {"exists already"});
  expect_refusal(folder, {"cp", "score", "absent/my.toml"}, 6, {"absent"});
}

TEST(BadInput, DataFiles) {
  const Folder folder;
  const std::string good = R"({"prompt":"1 + 1 =","answer":"2"})"
                           "\n";
  folder.file("broken.jsonl", good + good + "{\"prompt\": \"x\", \"answer\"\n");
  expect_refusal(folder, {"run", "score", "--data", "broken.jsonl", "--verifier", "number"}, 3, {"broken.jsonl:3"});
  expect_refusal(folder, {"data", "preview", "broken.jsonl"}, 3, {"broken.jsonl:3"});
  folder.file("missing.jsonl", good + "{\"prompt\": \"x\"}\n");
  expect_refusal(folder, {"run", "grpo", "--data", "missing.jsonl", "--verifier", "exact"}, 3,
                 {"missing.jsonl:2", "answer"});
  folder.file("notnumber.jsonl", "{\"prompt\":\"x\",\"answer\":\"blue\"}\n");
  expect_refusal(folder, {"check", "score", "--data", "notnumber.jsonl", "--verifier", "number"}, 3,
                 {"notnumber.jsonl:1"});
  folder.file("pattern.jsonl", "{\"prompt\":\"x\",\"answer\":\"(\"}\n");
  expect_refusal(folder, {"check", "score", "--data", "pattern.jsonl", "--verifier", "regex"}, 3, {"pattern.jsonl:1"});
  folder.file("empty.jsonl", "");
  expect_refusal(folder, {"run", "score", "--data", "empty.jsonl"}, 3, {"empty.jsonl"});
  folder.file("blank.jsonl", "\n\n");
  expect_refusal(folder, {"run", "sft", "--data", "blank.jsonl"}, 3, {"blank.jsonl"});
  folder.file("mixed.jsonl", "{\"text\":\"a\"}\n{\"prompt\":\"a\",\"completion\":\"b\"}\n");
  expect_refusal(folder, {"run", "sft", "--data", "mixed.jsonl"}, 3, {"mixed.jsonl:2"});
  folder.file("deep.jsonl", std::string(100000, '[') + "\n");
  expect_refusal(folder, {"run", "sft", "--data", "deep.jsonl"}, 3, {"deep.jsonl:1"});
  folder.file("bom.jsonl", "\xEF\xBB\xBF" + good);
  expect_refusal(folder, {"run", "score", "--data", "bom.jsonl", "--verifier", "number"}, 3, {"bom.jsonl"});
  folder.file("binary.jsonl", std::string("\0\xff\xfe\x01", 4));
  expect_refusal(folder, {"run", "sft", "--data", "binary.jsonl"}, 3, {"binary.jsonl:1"});
  expect_refusal(folder, {"run", "score", "--data", "absent.jsonl"}, 6, {"absent.jsonl"});
  expect_refusal(folder, {"run", "score", "--data", "."}, 6, {"folder"});
}

// A safetensors file: header and data.
std::string safetensors(const std::string& header, std::size_t data_bytes) {
  std::string bytes(8, '\0');
  const uint64_t length = header.size();
  std::memcpy(bytes.data(), &length, 8);
  return bytes + header + std::string(data_bytes, '\0');
}

constexpr const char* kConfig =
    R"({"model_type":"gpt2","vocab_size":263,"n_positions":64,"n_embd":8,"n_layer":1,"n_head":1})";

TEST(BadInput, ModelFolders) {
  const Folder folder;
  const auto refuse = [&](const std::string& weights, int code, const std::vector<std::string>& parts) {
    folder.file("model/model.safetensors", weights);
    expect_refusal(folder, {"run", "sft", "--model", "model", "--preset", "smoke"}, code, parts);
    expect_refusal(folder, {"show", "model"}, code, parts);
  };
  folder.file("model/config.json", kConfig);
  folder.file("model/tokenizer.json", "{}");
  refuse("", 4, {"model.safetensors"});
  refuse("short", 4, {"model.safetensors"});
  refuse(safetensors(R"({"w":{"dtype":"F32","shape":[2,4],"data_offsets":[0,32]}})", 31), 4, {"\"w\""});
  refuse(safetensors(R"({"w":{"dtype":"F32","shape":[2,4],"data_offsets":[8,40]}})", 40), 4, {"\"w\""});
  refuse(safetensors(R"({"w":{"dtype":"F32","shape":[2,5],"data_offsets":[0,32]}})", 32), 4, {"\"w\""});
  refuse(safetensors(R"({"w":{"dtype":"F99","shape":[2,4],"data_offsets":[0,32]}})", 32), 4, {"\"w\"", "F99"});
  refuse(safetensors(R"({"w":{"dtype":"F32","shape":[-2,4],"data_offsets":[0,32]}})", 32), 4, {"\"w\""});
  refuse(safetensors(R"({"w":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,32]}})", 32), 4,
         {"\"w\""});
  std::string huge(16, '\xff');
  refuse(huge, 4, {"model.safetensors"});
  fs::remove(folder / "model/config.json");
  expect_refusal(folder, {"run", "sft", "--model", "model"}, 6, {"config.json"});
  expect_refusal(folder, {"run", "sft", "--model", "absent"}, 6, {"absent"});
}

TEST(BadInput, OutputFolders) {
  const Folder folder;
  folder.file("full/note.txt", "mine");
  expect_refusal(folder, {"run", "score", "--out", "full"}, 2, {"full", "not empty"});
  expect_refusal(folder, {"run", "score", "--out", "full/note.txt"}, 2, {"is a file"});
  expect_refusal(folder, {"run", "score", "--out", "full/note.txt/below"}, 6, {"note.txt"});
  expect_refusal(folder, {"run", "score", "--out", "/proc/hone"}, 6, {"/proc"});
  folder.file("old/run.json", "{}");
  expect_refusal(folder, {"run", "score", "--out", "old"}, 2, {"--resume"});
}

TEST(BadInput, AFullDisk) {
  const Folder folder;
  const Outcome full = hone({"ls"}, {.folder = folder.path(), .stdout_to = "/dev/full"});
  EXPECT_EQ(full.code, 6) << full.err;
  const Outcome much = hone({"show", "score", "--json"}, {.folder = folder.path(), .stdout_to = "/dev/full"});
  EXPECT_EQ(much.code, 6) << much.err;
  expect_refusal(folder, {"cp", "score", "my.toml"}, 6, {"my.toml"}, {.folder = {}, .most_file_bytes = 2000});
  expect_refusal(folder, {"data", "make", "--out", "p.jsonl"}, 6, {"p.jsonl"}, {.folder = {}, .most_file_bytes = 2000});
}

TEST(BadInput, SpoiledRuns) {
  const Folder folder;
  folder.file("runs/a/run.json", "{");
  expect_refusal(folder, {"run", "--resume", "a"}, 4, {"run.json"});
  folder.file("runs/b/run.json", R"({"recipe":"score","preset":"smoke","seed":1})");
  expect_refusal(folder, {"run", "--resume", "b"}, 6, {"options.json"});
  folder.file("runs/b/options.json", R"([{"path":"gone","value":"1","origin":"set"}])");
  expect_refusal(folder, {"run", "--resume", "b"}, 4, {"options.json", "gone"});
  expect_refusal(folder, {"run", "--resume", "b", "--seed", "3"}, 2, {"--seed"});
}

}  // namespace
}  // namespace hone::invariants
