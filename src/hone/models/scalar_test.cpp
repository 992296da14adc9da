#include "hone/models/scalar.h"

#include "hone/base/error.h"
#include "hone/models/test_saved.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <limits>

namespace hone::models {
namespace {

class ScalarOf : public testing::TestWithParam<Variant> {};
INSTANTIATE_TEST_SUITE_P(Scalar, ScalarOf, testing::ValuesIn(kVariants),
                         [](const auto& info) { return name_of(info.param); });

// A scalar model whose head is not 0.
Decoder critic_of(const Variant& v) {
  Decoder critic = scalar_of(small_model(v));
  for (int64_t i = 0; i < critic.score.numel(); ++i)
    critic.score.data_ptr<float>()[i] = 0.1f * static_cast<float>(i % 5) - 0.2f;
  return critic;
}

TEST_P(ScalarOf, ReadsTheTrunkOfItsLanguageModel) {
  const Decoder base = small_model(GetParam());
  const auto before = base.flat.clone();
  const Decoder critic = critic_of(GetParam());
  const auto batch = batch_of(kRows);
  const auto found = values(critic, batch);
  EXPECT_EQ(found.sizes(), batch.ids_BT.sizes());
  EXPECT_LT(distance(found, at::matmul(hidden_states(base, batch), critic.score[0])), 1e-5);
  EXPECT_EQ(critic.flat.numel(), parameter_count(critic));
  const int64_t head = base.config.tied ? 0 : base.config.vocab * base.config.width;
  EXPECT_EQ(parameter_count(critic), parameter_count(base) - head + base.config.width);
  EXPECT_NE(critic.flat.data_ptr(), base.flat.data_ptr());
  EXPECT_TRUE(at::equal(base.flat, before));
}

TEST_P(ScalarOf, AFreshHeadSaysNothing) {
  const Decoder fresh = scalar_of(small_model(GetParam()));
  EXPECT_EQ(values(fresh, batch_of(kRows)).abs().max().item<float>(), 0);
  // A scalar model keeps its head.
  const Decoder critic = critic_of(GetParam()), again = scalar_of(critic);
  EXPECT_TRUE(at::equal(again.flat, critic.flat));
  EXPECT_NE(again.flat.data_ptr(), critic.flat.data_ptr());
  EXPECT_TRUE(at::equal(values(again, batch_of(kRows)), values(critic, batch_of(kRows))));
}

TEST_P(ScalarOf, GradientsAreThoseOfFiniteDifferences) {
  Decoder critic = critic_of(GetParam());
  const auto batch = batch_of(kRows);
  const auto weight = at::arange(14, at::kFloat).view({2, 7}) / 7 - 1;
  const Decoder replica = models::replica(critic);
  (values(replica, batch) * weight).sum().backward();
  const auto objective = [&] { return (values(critic, batch) * weight).to(at::kDouble).sum().item<double>(); };
  Decoder view = replica;
  std::vector<at::Tensor> gradients;
  view.visit_trained([&](const std::string& name, at::Tensor& t) {
    ASSERT_TRUE(t.grad().defined()) << name;
    gradients.push_back(t.grad().reshape({-1}));
  });
  const auto gradient = at::cat(gradients);
  ASSERT_EQ(gradient.numel(), critic.flat.numel());
  for (int64_t i = 0; i < critic.flat.numel(); i += 397) {
    float& number = critic.flat.data_ptr<float>()[i];
    const float kept = number, step = 1e-2f;
    number = kept + step;
    const double above = objective();
    number = kept - step;
    const double below = objective();
    number = kept;
    const double expected = (above - below) / (2 * step), found = gradient[i].item<double>();
    EXPECT_NEAR(found, expected, 0.02 * std::abs(expected) + 2e-2) << i;
  }
}

TEST_P(ScalarOf, ComesBackBitForBit) {
  const TempFolder folder;
  const Decoder critic = critic_of(GetParam());
  save(folder / "critic", critic, tokenizer_of(19));
  const Model opened = open(folder / "critic");
  EXPECT_TRUE(opened.decoder.scalar());
  EXPECT_EQ(opened.decoder.config, critic.config);
  EXPECT_TRUE(at::equal(opened.decoder.flat, critic.flat));
  save(folder / "again", opened.decoder, opened.tokenizer);
  EXPECT_EQ(contents(folder / "again"), contents(folder / "critic"));
  EXPECT_FALSE(fs::exists(folder / "critic/generation_config.json"));
}

TEST_P(ScalarOf, AFolderSaysWhatTransformersReads) {
  const SavedModel saved(GetParam());
  // As the folder of a language model has it, with a key that hone does not know.
  change_config(saved.dir, [](Json& config) { config["unknown"] = 7; });
  const Model base = open(saved.dir);
  save(saved.parent / "critic", scalar_of(base.decoder), base.tokenizer);
  const Json config = Json::parse(checkpoint::read_bytes(saved.parent / "critic/config.json"));
  const auto architecture = config.at("architectures").at(0).get<std::string>();
  EXPECT_TRUE(architecture.ends_with("ForSequenceClassification")) << architecture;
  EXPECT_EQ(config.at("model_type"), Json::parse(checkpoint::read_bytes(saved.dir / "config.json")).at("model_type"));
  EXPECT_EQ(config.at("num_labels"), 1);
  EXPECT_EQ(config.at("id2label"), (Json{{"0", "LABEL_0"}}));
  EXPECT_EQ(config.at("unknown"), 7);
  EXPECT_EQ(config.at("pad_token_id"), base.tokenizer.pad());
  const Weights stored = read_weights(saved.parent / "critic"), language = read_weights(saved.dir);
  EXPECT_EQ(stored.at("score.weight").shape, (std::vector<int64_t>{1, 24}));
  EXPECT_FALSE(stored.contains("lm_head.weight"));
  EXPECT_EQ(stored.size(), language.size() + (GetParam().tied ? 1 : 0));
  for (const auto& [name, tensor] : stored)
    if (name != "score.weight") {
      EXPECT_EQ(tensor.numbers, language.at(name).numbers) << name;
    }
}

TEST(Scalar, BareNamesBecomeWholeOnes) {
  const SavedModel saved({Family::gpt2, true});
  change_weights(saved.dir, [](Weights& all) {
    Weights bare;
    for (auto& [name, tensor] : all) bare[name.substr(std::string("transformer.").size())] = tensor;
    all = bare;
  });
  const Model base = open(saved.dir);
  save(saved.parent / "critic", scalar_of(base.decoder), base.tokenizer);
  EXPECT_TRUE(read_weights(saved.parent / "critic").contains("transformer.h.0.ln_1.weight"));
  EXPECT_NO_THROW(open(saved.parent / "critic"));
}

TEST(Scalar, IsNoLanguageModelAndTheOtherWayRound) {
  const Decoder base = small_model(kVariants[0]), critic = scalar_of(base);
  const auto batch = batch_of(kRows);
  expect_error(ErrorKind::usage, {"one number a position", "no tokens"}, [&] { logits(critic, batch); });
  expect_error(ErrorKind::usage, {"one number a position"}, [&] { logprobs(critic, batch); });
  expect_error(ErrorKind::usage, {"predicts tokens", "scalar head"}, [&] { values(base, batch); });
}

TEST(Scalar, FoldersThatContradictThemselvesAreNamed) {
  const TempFolder folder;
  const fs::path dir = folder / "critic";
  save(dir, critic_of({Family::llama, false}), tokenizer_of(19));
  const std::string config = checkpoint::read_bytes(dir / "config.json");
  const auto refused = [&](const std::function<void(Json&)>& change, std::initializer_list<std::string_view> parts) {
    change_config(dir, change);
    expect_error(ErrorKind::format, parts, [&] { open(dir); });
    checkpoint::write_bytes(dir / "config.json", config);
  };
  refused([](Json& j) { j["num_labels"] = 3; }, {"config.json", "3 labels", "num_labels 1"});
  refused([](Json& j) { j["id2label"]["1"] = "B"; }, {"2 labels"});
  refused([](Json& j) { j.erase("num_labels"), j.erase("id2label"); }, {"2 labels"});
  refused([](Json& j) { j["num_labels"] = "one"; }, {"num_labels"});
  refused([](Json& j) { j["architectures"] = {"LlamaForCausalLM"}; }, {"lm_head.weight"});
  change_weights(dir, [](Weights& all) { all.erase("score.weight"); });
  expect_error(ErrorKind::format, {"score.weight"}, [&] { open(dir); });
  change_weights(dir, [](Weights& all) { all["score.weight"] = {{2, 24}, std::vector<float>(48)}; });
  expect_error(ErrorKind::format, {"score.weight", "shape"}, [&] { open(dir); });
  change_weights(dir, [](Weights& all) {
    all["score.weight"] = {{1, 24}, std::vector<float>(24)};
    all["score.bias"] = {{1}, {0.5f}};
  });
  expect_error(ErrorKind::format, {"score.bias", "does not belong"}, [&] { open(dir); });
}

TEST(Scalar, ValuesStandBesideTheTokenThatFollows) {
  const auto v = at::tensor({1.0f, 2.0f, 3.0f, 4.0f, 5.0f, 6.0f}).view({2, 3});
  EXPECT_TRUE(at::equal(values_before(v), at::tensor({0.0f, 1.0f, 2.0f, 0.0f, 4.0f, 5.0f}).view({2, 3})));
}

TEST(Scalar, TheLastValueIsThatOfTheMask) {
  auto v = at::arange(12, at::kFloat).view({3, 4});
  const auto mask = at::tensor({0, 1, 1, 0, /**/ 0, 0, 0, 0, /**/ 0, 1, 0, 1}).view({3, 4}).to(at::kBool);
  EXPECT_TRUE(at::equal(last_values(v, mask), at::tensor({2.0f, 0.0f, 11.0f})));
  // What lies outside changes nothing, whatever it is, in value and gradient.
  auto masked = at::where(mask, v, at::full({}, std::numeric_limits<float>::quiet_NaN())).requires_grad_(true);
  const auto last = last_values(masked, mask);
  EXPECT_TRUE(at::equal(last, at::tensor({2.0f, 0.0f, 11.0f})));
  last.sum().backward();
  EXPECT_EQ(masked.grad().sum().item<float>(), 2);
  EXPECT_EQ(masked.grad()[2][3].item<float>(), 1);
}

}  // namespace
}  // namespace hone::models
