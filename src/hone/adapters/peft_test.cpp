#include "hone/adapters/peft.h"

#include "hone/base/files.h"
#include "hone/checkpoint/safetensors.h"
#include "hone/models/scalar.h"
#include "hone/models/test_golden.h"
#include "hone/models/test_saved.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <functional>

namespace hone::adapters {
namespace {

namespace fs = std::filesystem;
using checkpoint::expect_error;
using checkpoint::TempFolder;
using models::Decoder;

constexpr models::Variant kLlama{models::Family::llama, true};

void randomize(Decoder& model) {
  Rng rng(9);
  const auto& flat = model.adapter.flat;
  for (int64_t i = 0; i < flat.numel(); ++i) flat.data_ptr<float>()[i] = static_cast<float>(0.3 * rng.normal());
}

Decoder trained(const models::Variant& v, const LoraOptions& options = {.rank = 3, .alpha = 4}) {
  Decoder model = models::small_model(v);
  attach(model, config_of(options, model), Rng(1));
  randomize(model);
  return model;
}

// The tensors of an adapter's file, to be changed.
void change_tensors(const fs::path& dir, const std::function<void(models::Weights&)>& change) {
  models::Weights all;
  {
    const checkpoint::SafetensorsFile file(dir / "adapter_model.safetensors");
    for (const auto& tensor : file.header().tensors) {
      all[tensor.name] = {tensor.shape, std::vector<float>(static_cast<std::size_t>(tensor.elements()))};
      file.read_floats(tensor, all[tensor.name].numbers);
    }
  }
  change(all);
  std::vector<checkpoint::TensorData> tensors;
  for (const auto& [name, stored] : all)
    tensors.push_back({name, checkpoint::Dtype::f32, stored.shape, stored.numbers.data()});
  fs::remove(dir / "adapter_model.safetensors");
  checkpoint::write_safetensors(dir / "adapter_model.safetensors", tensors);
}

void change_config(const fs::path& dir, const std::function<void(Json&)>& change) {
  Json config = Json::parse(checkpoint::read_bytes(dir / "adapter_config.json"));
  change(config);
  checkpoint::write_bytes(dir / "adapter_config.json", config.dump());
}

at::Tensor golden_batch_logits(const Decoder& model, const Json& golden) {
  return models::logits(model, models::batch_of({golden["ids"].get<std::vector<int64_t>>()}))[0];
}

class GoldenAdapters : public testing::TestWithParam<const char*> {};

// PEFT's files and PEFT's numbers.
TEST_P(GoldenAdapters, AreReadAsPeftReadsThem) {
  const fs::path dir = models::golden_dir("adapters") / GetParam();
  const Json golden = base::parse_json(checkpoint::read_bytes(dir / "logits.json"), "logits.json");
  Decoder model = models::open_decoder(models::golden_model(golden["base"].get<std::string>()));
  const auto expected = models::matrix_of(golden["logits"]);
  EXPECT_GT(models::distance(golden_batch_logits(model, golden), expected), 1);
  load_adapter(model, dir);
  EXPECT_LE(models::distance(golden_batch_logits(model, golden), expected), 5e-5);
  EXPECT_LE(models::distance(golden_batch_logits(models::merged(model), golden), expected), 1e-4);
}

// What hone writes of it has PEFT's names and shapes, and the same numbers.
TEST_P(GoldenAdapters, AreWrittenAsPeftWritesThem) {
  const fs::path dir = models::golden_dir("adapters") / GetParam();
  const Json golden = base::parse_json(checkpoint::read_bytes(dir / "logits.json"), "logits.json");
  const Decoder base = models::open_decoder(models::golden_model(golden["base"].get<std::string>()));
  Decoder model = base;
  load_adapter(model, dir);
  const TempFolder temp;
  save_adapter(temp / "again", model);
  const checkpoint::SafetensorsFile theirs(dir / "adapter_model.safetensors");
  const checkpoint::SafetensorsFile ours(temp / "again" / "adapter_model.safetensors");
  ASSERT_EQ(ours.header().tensors.size(), theirs.header().tensors.size());
  for (const auto& tensor : theirs.header().tensors) {
    const auto* own = ours.find(tensor.name);
    ASSERT_NE(own, nullptr) << tensor.name;
    ASSERT_EQ(own->shape, tensor.shape) << tensor.name;
    std::vector<float> a(static_cast<std::size_t>(tensor.elements())), b = a;
    theirs.read_floats(tensor, a);
    ours.read_floats(*own, b);
    EXPECT_EQ(a, b) << tensor.name;
  }
  const Json config = Json::parse(checkpoint::read_bytes(temp / "again" / "adapter_config.json"));
  const Json peft = Json::parse(checkpoint::read_bytes(dir / "adapter_config.json"));
  for (const auto& [key, value] : config.items()) {
    if (value.is_null() || key == "fan_in_fan_out") continue;
    if (value.is_number())
      EXPECT_EQ(value.get<double>(), peft[key].get<double>()) << key;
    else
      EXPECT_EQ(value, peft[key]) << key;
  }
}

INSTANTIATE_TEST_SUITE_P(Peft, GoldenAdapters, testing::Values("llama3", "gpt2"));

TEST(SaveAdapter, RoundTripIsExact) {
  for (const models::Variant& v : models::kVariants) {
    const TempFolder temp;
    const Decoder model = trained(v, {.rank = 3, .alpha = 4, .dropout = 0.1, .rslora = true});
    save_adapter(temp / "a", model);
    Decoder back = models::small_model(v);
    load_adapter(back, temp / "a");
    EXPECT_TRUE(at::equal(back.adapter.flat, model.adapter.flat)) << models::name_of(v);
    EXPECT_EQ(checkpoint::to_json(*back.adapter.config), checkpoint::to_json(*model.adapter.config));
    save_adapter(temp / "b", back);
    EXPECT_EQ(models::contents(temp / "a"), models::contents(temp / "b"));
    EXPECT_TRUE(is_adapter(temp / "a"));
  }
}

TEST(SaveAdapter, Refusals) {
  const TempFolder temp;
  const Decoder plain = models::small_model(kLlama), model = trained(kLlama);
  expect_error(ErrorKind::usage, {"no adapter"}, [&] { save_adapter(temp / "a", plain); });
  save_adapter(temp / "a", model);
  expect_error(ErrorKind::usage, {"exists already"}, [&] { save_adapter(temp / "a", model); });
}

// An adapter whose read-back would differ: A that is not a number gives logits that are none.
TEST(SaveAdapter, AFolderThatDoesNotReadBackIsNotKept) {
  const TempFolder temp;
  Decoder model = trained(kLlama);
  model.adapter.flat[3] = std::numeric_limits<float>::quiet_NaN();
  expect_error(ErrorKind::numeric, {"lora_A.weight"}, [&] { save_adapter(temp / "a", model); });
  EXPECT_FALSE(fs::exists(temp / "a"));
}

struct HostileAdapter : testing::Test {
  HostileAdapter() { save_adapter(dir, trained(kLlama, {.rank = 3, .targets = "q_proj,down_proj"})); }

  void expect_refused(ErrorKind kind, std::initializer_list<std::string_view> parts,
                      const models::Variant& base = kLlama) const {
    Decoder model = models::small_model(base);
    expect_error(kind, parts, [&] { load_adapter(model, dir); });
    EXPECT_FALSE(model.adapted());
  }

  static constexpr const char* kA = "base_model.model.model.layers.1.mlp.down_proj.lora_A.weight";
  TempFolder parent;
  fs::path dir = parent / "adapter";
};

TEST_F(HostileAdapter, MissingTensor) {
  change_tensors(dir, [](auto& all) { all.erase(kA); });
  expect_refused(ErrorKind::format, {"1 missing", kA});
}

TEST_F(HostileAdapter, ExtraTensor) {
  change_tensors(dir, [](auto& all) {
    all["base_model.model.lm_head.lora_A.weight"] = {{3, 24}, std::vector<float>(72)};
  });
  expect_refused(ErrorKind::format, {"1 never used", "lm_head.lora_A.weight"});
}

TEST_F(HostileAdapter, AnotherPrefixMatchesNothing) {
  change_tensors(dir, [](auto& all) {
    models::Weights renamed;
    for (auto& [name, stored] : all) renamed["base_model.model." + name] = stored;
    all = renamed;
  });
  expect_refused(ErrorKind::format, {"8 missing", "8 never used", "and 2 more"});
}

TEST_F(HostileAdapter, WrongRank) {
  change_config(dir, [](Json& config) { config["r"] = 5; });
  expect_refused(ErrorKind::format, {"of another shape", kA, "[3, 40], not [5, 40]"});
  change_config(dir, [](Json& config) { config["r"] = -3; });
  expect_refused(ErrorKind::format, {"\"r\" is -3"});
  change_config(dir, [](Json& config) { config["r"] = 60000; });
  expect_refused(ErrorKind::format, {"[60000, 40]"});
}

TEST_F(HostileAdapter, AbsurdPatterns) {
  change_config(dir, [](Json& config) { config["alpha_pattern"] = {{"q_proj", 1e300}}; });
  expect_refused(ErrorKind::format, {"alpha_pattern", "1e+300"});
  change_config(dir, [](Json& config) { config["alpha_pattern"] = {{"(q_proj", 1}}; });
  expect_refused(ErrorKind::format, {"adapter"});
}

TEST_F(HostileAdapter, WrongBase) {
  expect_refused(ErrorKind::format, {"no module of this base"}, {models::Family::gpt2, true});
  // The same shapes and other weights: hone's own files know their base.
  Decoder other = models::small_model(kLlama, 7);
  expect_error(ErrorKind::format, {"a base with other weights"}, [&] { load_adapter(other, dir); });
  change_tensors(dir, [](auto&) {});  // PEFT's files don't
  load_adapter(other, dir);
}

TEST_F(HostileAdapter, NotFinite) {
  change_tensors(dir, [](auto& all) { all[kA].numbers[7] = std::numeric_limits<float>::infinity(); });
  expect_refused(ErrorKind::numeric, {kA});
}

TEST_F(HostileAdapter, MissingFiles) {
  fs::remove(dir / "adapter_model.safetensors");
  expect_refused(ErrorKind::io, {"adapter_model.safetensors"});
  checkpoint::write_bytes(dir / "adapter_model.bin", "pickle");
  expect_refused(ErrorKind::io, {"adapter_model.safetensors is missing"});
  fs::remove(dir / "adapter_config.json");
  expect_refused(ErrorKind::io, {"adapter_config.json"});
}

TEST(SaveModel, MergesAndPutsTheBaseBack) {
  const TempFolder temp;
  const models::SavedModel saved({models::Family::llama, false});
  models::Model base = models::open(saved.dir);
  const auto numbers = base.decoder.flat.clone();
  const auto model = adapted(base, {.rank = 2, .alpha = 2}, Rng(1), "base");
  randomize(const_cast<Decoder&>(model.decoder));
  save_model(temp / "merged", model);
  EXPECT_TRUE(at::equal(base.decoder.flat, numbers));
  EXPECT_TRUE(model.decoder.adapted());
  const Decoder back = models::open_decoder(temp / "merged");
  EXPECT_LE(relative_gap(probe_logits(back), probe_logits(model.decoder)), 1e-5);
  EXPECT_GT(relative_gap(probe_logits(back), probe_logits(base.decoder)), 1e-2);
}

// A base in bfloat16 is written as bfloat16, and what is read back is what was stored.
TEST(SaveModel, OfANarrowBase) {
  const TempFolder temp;
  models::Model base{models::open_decoder(models::golden_model("mistral")), models::tokenizer_of(96)};
  const auto model = adapted(base, {.rank = 2, .alpha = 2}, Rng(1), "base");
  randomize(const_cast<Decoder&>(model.decoder));
  save_model(temp / "merged", model);
  const Decoder back = models::open_decoder(temp / "merged");
  EXPECT_EQ(back.origin->tensors[1].dtype, checkpoint::Dtype::bf16);
  EXPECT_LE(relative_gap(probe_logits(back), probe_logits(model.decoder)), 0.1);
}

TEST(RelativeGap, IsInfiniteForWhatIsNotFinite) {
  const auto one = at::ones({2});
  EXPECT_EQ(relative_gap(one, one), 0);
  EXPECT_EQ(relative_gap(one * 3, one), 1);  // |3 − 1| / (1 + 1)
  EXPECT_TRUE(std::isinf(relative_gap(one / 0.0, one)));
  EXPECT_TRUE(std::isinf(relative_gap(one * NAN, one)));
  EXPECT_TRUE(std::isinf(relative_gap(one, at::ones({3}))));
}

// A critic's adapter: the head is in its file, under PEFT's name, and comes back onto the language model.
TEST(ScalarAdapter, IsStoredWithItsHead) {
  const TempFolder folder;
  for (const auto& v : models::kVariants) {
    const fs::path dir = folder / models::name_of(v);
    Decoder critic = models::scalar_of(trained(v));
    randomize(critic);
    save_adapter(dir, critic);
    const checkpoint::SafetensorsFile file(dir / "adapter_model.safetensors");
    ASSERT_NE(file.find("base_model.model.score.weight"), nullptr);
    EXPECT_EQ(file.find("base_model.model.score.weight")->shape, (std::vector<int64_t>{1, 24}));
    const Json config = Json::parse(checkpoint::read_bytes(dir / "adapter_config.json"));
    EXPECT_EQ(config.at("task_type"), "SEQ_CLS");
    EXPECT_EQ(config.at("modules_to_save"), Json::array({"score"}));
    Decoder back = models::small_model(v);
    load_adapter(back, dir);
    EXPECT_TRUE(back.scalar());
    EXPECT_TRUE(at::equal(back.adapter.flat, critic.adapter.flat));
    EXPECT_TRUE(at::equal(probe_logits(back), probe_logits(critic)));
    // Merged it is a model folder of its own.
    const fs::path merged = folder / (models::name_of(v) + "-merged");
    save_model(merged, {critic, models::tokenizer_of(19)});
    EXPECT_LT(relative_gap(probe_logits(models::open_decoder(merged)), probe_logits(critic)), 1e-4);
  }
}

TEST(ScalarAdapter, HeadsThatAreMissingOrTooManyAreNamed) {
  const TempFolder folder;
  Decoder critic = models::scalar_of(trained(kLlama));
  save_adapter(folder / "critic", critic);
  save_adapter(folder / "policy", trained(kLlama));
  const auto moved = [](models::Weights& all, const char* from, const char* to) {
    all[to] = all.at(from);
    all.erase(from);
  };
  change_tensors(folder / "critic", [&](models::Weights& all) {
    moved(all, "base_model.model.score.weight", "base_model.model.classifier.weight");
  });
  Decoder base = models::small_model(kLlama);
  expect_error(ErrorKind::format, {"1 missing: base_model.model.score.weight", "1 never used", "classifier"},
               [&] { load_adapter(base, folder / "critic"); });
  EXPECT_FALSE(base.scalar());
  change_config(folder / "policy", [](Json& config) { config["modules_to_save"] = {"score"}; });
  expect_error(ErrorKind::format, {"1 missing: base_model.model.score.weight"},
               [&] { load_adapter(base, folder / "policy"); });
}

}  // namespace
}  // namespace hone::adapters
