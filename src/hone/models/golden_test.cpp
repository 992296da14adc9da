// Our logits against those of transformers, on checkpoints that it wrote (tools/golden/make_tiny.py).
#include "hone/base/files.h"
#include "hone/models/model.h"
#include "hone/models/test_models.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

namespace hone::models {
namespace {

namespace fs = std::filesystem;

// src/hone/models/golden_test.cpp → tests/golden
fs::path golden(const std::string& name) {
  return fs::absolute(__FILE__).parent_path().parent_path().parent_path().parent_path() / "tests" / "golden" / name;
}

class Golden : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Models, Golden, testing::Values("gpt2-tiny", "llama-tiny"), [](const auto& info) {
  return std::string(info.param).substr(0, std::string(info.param).find('-'));
});

TEST_P(Golden, LogitsAreThoseOfTransformers) {
  const Model model = open(golden(GetParam()));
  const auto path = golden(GetParam()) / "logits.json";
  const Json expected = base::parse_json(base::read_file(path, 1 << 20), path.string());
  ASSERT_EQ(expected["prompts"].size(), 2u);
  for (const Json& prompt : expected["prompts"]) {
    const auto ids = prompt["ids"].get<std::vector<int64_t>>();
    std::istringstream words(prompt["text"].get<std::string>());
    std::vector<int64_t> ours;
    for (std::string word; words >> word;) ours.push_back(model.tokenizer.id(word));
    EXPECT_EQ(ours, ids);
    std::vector<at::Tensor> rows;
    for (const Json& row : prompt["logits"]) rows.push_back(at::tensor(row.get<std::vector<double>>()));
    const auto wanted = at::stack(rows), got = logits(model.decoder, batch_of({ids}))[0];
    ASSERT_EQ(got.sizes(), wanted.sizes());
    EXPECT_LT(distance(got, wanted), 1e-4) << prompt["text"];
    EXPECT_GT(wanted.abs().max().item<double>(), 1) << "too flat to prove anything";
  }
}

TEST_P(Golden, TokenizerIsTheOneThatHoneWrites) {
  const auto path = golden(GetParam()) / "tokenizer.json";
  const Json stored = base::parse_json(base::read_file(path, 1 << 20), path.string());
  EXPECT_EQ(Json::parse(text::Tokenizer::load(path).to_json().dump()), stored);
}

}  // namespace
}  // namespace hone::models
