#include "hone/adapters/lora.h"

#include "hone/checkpoint/test_files.h"
#include "hone/models/scalar.h"
#include "hone/models/test_models.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>

namespace hone::adapters {
namespace {

using checkpoint::expect_error;
using models::Decoder;
using models::Variant;

constexpr models::Variant kLlama{models::Family::llama, true}, kGpt2{models::Family::gpt2, true};

tensor::Batch a_batch() { return models::batch_of({{3, 1, 4, 1, 5, 9, 2}, {6, 5, 3, 5, 8, 18, 0}}); }

void add_adapter(Decoder& model, LoraOptions options, uint64_t seed = 1) {
  attach(model, config_of(options, model), Rng(seed));
}

// B of a fresh adapter is 0; a trained one's is not.
void randomize(Decoder& model, double size = 0.3) {
  Rng rng(9);
  const auto& flat = model.adapter.flat;
  for (int64_t i = 0; i < flat.numel(); ++i) flat.data_ptr<float>()[i] = static_cast<float>(size * rng.normal());
}

std::set<std::string> trained_names(Decoder& model) {
  std::set<std::string> names;
  model.visit_trained([&](const std::string& name, at::Tensor&) { names.insert(name); });
  return names;
}

TEST(Modules, AreThoseOfTransformersAndCoverEveryMap) {
  for (const Variant& v : models::kVariants) {
    Decoder model = models::small_model(v);
    std::map<const nn::Linear*, int64_t> covered;
    for (const Module& module : modules_of(model)) {
      EXPECT_EQ(module.first_row, covered[module.map]) << module.name;
      covered[module.map] += module.rows;
    }
    model.visit_maps(
        [&](const std::string& name, nn::Linear& map) { EXPECT_EQ(covered[&map], map.weight.size(0)) << name; });
  }
  Decoder llama = models::small_model(kLlama), gpt2 = models::small_model(kGpt2);
  EXPECT_EQ(modules_of(llama)[8].name, "model.layers.1.self_attn.k_proj");
  EXPECT_EQ(modules_of(llama)[8].first_row, 24);
  EXPECT_EQ(modules_of(llama)[8].rows, 12);
  EXPECT_EQ(modules_of(gpt2)[3].name, "transformer.h.0.mlp.c_proj");
}

TEST(Attach, AFreshAdapterChangesNothing) {
  for (const Variant& v : models::kVariants) {
    const Decoder base = models::small_model(v);
    Decoder model = base;
    add_adapter(model, {.rank = 3});
    EXPECT_TRUE(at::equal(models::logits(model, a_batch()), models::logits(base, a_batch()))) << models::name_of(v);
    EXPECT_EQ(model.flat.data_ptr(), base.flat.data_ptr());
    randomize(model);
    EXPECT_FALSE(at::allclose(models::logits(model, a_batch()), models::logits(base, a_batch())));
    detach(model);
    EXPECT_FALSE(model.adapted());
    EXPECT_TRUE(at::equal(models::logits(model, a_batch()), models::logits(base, a_batch())));
  }
}

// Kaiming-uniform with a = √5: within ±1/√in, with the standard deviation of that range, 1/√(3·in).
TEST(Attach, AIsUniformAndBIsZero) {
  Decoder model = models::small_model(kLlama);
  add_adapter(model, {.rank = 64});
  for (const Module& module : modules_of(model)) {
    const auto in = static_cast<double>(module.map->weight.size(1)), bound = 1 / std::sqrt(in);
    const auto& a = module.map->delta.a;
    EXPECT_LE(a.abs().max().item<double>(), bound);
    EXPECT_GT(a.abs().max().item<double>(), 0.95 * bound);
    EXPECT_NEAR(a.pow(2).mean().item<double>(), bound * bound / 3, 0.1 * bound * bound / 3);
    EXPECT_EQ(module.map->delta.b.abs().max().item<float>(), 0);
  }
}

TEST(Attach, EveryModuleHasItsOwnStartWhateverElseIsAdapted) {
  Decoder all = models::small_model(kLlama), some = all, other_seed = all;
  add_adapter(all, {.rank = 2});
  add_adapter(some, {.rank = 2, .targets = "k_proj, v_proj"});
  add_adapter(other_seed, {.rank = 2}, 2);
  const auto k_of = [](Decoder& m, std::size_t part) { return nn::pair_of(m.blocks[1].qkv.delta, part).a; };
  EXPECT_TRUE(at::equal(k_of(all, 1), k_of(some, 0)));
  EXPECT_FALSE(at::equal(k_of(all, 1), k_of(other_seed, 1)));
  EXPECT_FALSE(at::equal(k_of(all, 0), k_of(all, 1)));
}

TEST(Attach, TargetsRanksAndScales) {
  Decoder model = models::small_model(kLlama);
  add_adapter(model, {.rank = 4, .alpha = 6, .targets = "q_proj,v_proj,down_proj"});
  EXPECT_EQ(trained_names(model),
            (std::set<std::string>{"blocks.0.qkv.a", "blocks.0.qkv.b", "blocks.0.down.a", "blocks.0.down.b",
                                   "blocks.1.qkv.a", "blocks.1.qkv.b", "blocks.1.down.a", "blocks.1.down.b"}));
  const auto& delta = model.blocks[0].qkv.delta;
  ASSERT_EQ(delta.parts.size(), 2u);
  EXPECT_EQ(delta.parts[1].first_row, 36);  // behind 24 rows of queries and 12 of keys
  EXPECT_EQ(delta.parts[1].rows, 12);
  EXPECT_EQ(delta.parts[1].scale, 1.5);
  // Two layers of r·(in + out): q 4·(24 + 24), v 4·(24 + 12), down 4·(40 + 24).
  EXPECT_EQ(model.trained().numel(), 2 * 4 * (48 + 36 + 64));
  Decoder rs = models::small_model(kGpt2);
  add_adapter(rs, {.rank = 4, .alpha = 6, .rslora = true, .targets = "mlp.c_proj"});
  EXPECT_EQ(rs.blocks[0].down.delta.parts[0].scale, 3);
  EXPECT_FALSE(rs.blocks[0].out.delta.defined());
}

// Policy, reference and critic: adapters beside one base, of which nothing is copied.
TEST(Attach, ACriticSharesTheBaseAndTrainsItsHead) {
  for (const Variant& v : models::kVariants) {
    const Decoder base = models::small_model(v);
    Decoder policy = base;
    add_adapter(policy, {.rank = 3});
    Decoder critic = models::scalar_of(policy);
    EXPECT_EQ(critic.flat.data_ptr(), base.flat.data_ptr()) << models::name_of(v);
    EXPECT_EQ(critic.blocks[0].qkv.weight.data_ptr(), base.blocks[0].qkv.weight.data_ptr());
    EXPECT_NE(critic.trained().data_ptr(), policy.trained().data_ptr());
    EXPECT_EQ(critic.trained().numel(), policy.trained().numel() + base.config.width);
    EXPECT_TRUE(trained_names(critic).contains("score.weight"));
    EXPECT_EQ(models::values(critic, a_batch()).abs().max().item<float>(), 0);
    critic.trained().add_(0.1);
    EXPECT_NEAR(critic.score[0][3].item<float>(), 0.1f, 1e-6);
    EXPECT_GT(models::values(critic, a_batch()).abs().max().item<float>(), 0);
    // Copies keep both, and a merged one is the same function in storage of its own.
    const Decoder copied = models::copy(critic), merged = models::merged(critic);
    EXPECT_TRUE(at::equal(models::values(copied, a_batch()), models::values(critic, a_batch())));
    EXPECT_LT(models::distance(models::values(merged, a_batch()), models::values(critic, a_batch())), 1e-4);
    EXPECT_EQ(merged.flat.numel(), models::parameter_count(merged));
    EXPECT_EQ(models::hash_of(critic), models::hash_of(base));
    EXPECT_TRUE(at::equal(models::logits(policy, a_batch()), models::logits(base, a_batch())));
  }
}

// An adapter beside a scalar base: the head goes on being trained, in the adapter's storage.
TEST(Attach, AScalarBaseKeepsItsHead) {
  Decoder base = models::scalar_of(models::small_model(kLlama));
  base.score.fill_(0.3);
  Decoder model = base;
  add_adapter(model, {.rank = 2});
  EXPECT_TRUE(at::equal(models::values(model, a_batch()), models::values(base, a_batch())));
  model.trained().add_(0.1);
  EXPECT_NEAR(model.score[0][0].item<float>(), 0.4f, 1e-6);
  EXPECT_EQ(base.score[0][0].item<float>(), 0.3f);
}

TEST(Attach, WrongTargetsAreNamed) {
  Decoder model = models::small_model(kLlama);
  expect_error(ErrorKind::usage, {"lora.targets", "q_prj", "did you mean \"q_proj\""},
               [&] { config_of({.rank = 1, .targets = "v_proj,q_prj"}, model); });
  expect_error(ErrorKind::usage, {"lora.targets", "c_attn"},
               [&] { config_of({.rank = 1, .targets = "c_attn"}, model); });
  expect_error(ErrorKind::usage, {"lora.targets"}, [&] { config_of({.rank = 1, .targets = " , "}, model); });
  checkpoint::AdapterConfig none{.targets = {"lm_head"}};
  expect_error(ErrorKind::usage, {"no module"}, [&] { attach(model, none, Rng(1)); });
  EXPECT_FALSE(model.adapted());
  add_adapter(model, {.rank = 1});
  expect_error(ErrorKind::usage, {"adapter already"}, [&] { add_adapter(model, {.rank = 1}); });
}

TEST(Attach, AllLinearIsWrittenOut) {
  const Decoder llama = models::small_model(kLlama), gpt2 = models::small_model(kGpt2);
  EXPECT_EQ(config_of({.rank = 1}, gpt2).targets, (std::vector<std::string>{"c_attn", "c_proj", "c_fc"}));
  EXPECT_TRUE(config_of({.rank = 1}, gpt2).fan_in_fan_out);
  EXPECT_EQ(config_of({.rank = 1}, llama).targets.size(), 7u);
}

TEST(Adapted, SharesTheBaseOrCopiesIt) {
  const models::Model base{models::small_model(kLlama), text::Tokenizer{}};
  const auto full = adapted(base, {}, Rng(1), "b");
  EXPECT_NE(full.decoder.flat.data_ptr(), base.decoder.flat.data_ptr());
  EXPECT_FALSE(full.decoder.adapted());
  const auto lora = adapted(base, {.rank = 2}, Rng(1), "b");
  EXPECT_EQ(lora.decoder.flat.data_ptr(), base.decoder.flat.data_ptr());
  EXPECT_EQ(lora.decoder.adapter.config->base, "b");
  EXPECT_FALSE(base.decoder.adapted());
}

TEST(Adapted, CopiesAndReplicasKeepTheAdapter) {
  Decoder model = models::small_model(kLlama);
  add_adapter(model, {.rank = 2});
  randomize(model);
  const auto expected = models::logits(model, a_batch());
  Decoder copy = models::copy(model);
  const Decoder replica = models::replica(model);
  EXPECT_TRUE(at::equal(models::logits(copy, a_batch()), expected));
  EXPECT_TRUE(at::equal(models::logits(replica, a_batch()), expected));
  EXPECT_FALSE(replica.blocks[0].qkv.weight.requires_grad());
  EXPECT_FALSE(replica.embed.requires_grad());
  EXPECT_TRUE(replica.blocks[0].qkv.delta.a.requires_grad());
  copy.adapter.flat.zero_();
  EXPECT_FALSE(at::equal(models::logits(copy, a_batch()), expected));
  EXPECT_TRUE(at::equal(models::logits(model, a_batch()), expected));
  expect_error(ErrorKind::internal, {"adapted"}, [&] { models::assign(copy, model); });
}

// The gradient of the whole model's loss against a form without fused maps: W + scale B A built by autograd.
TEST(Adapted, GradientsAreThoseOfWeightsBuiltByAutograd) {
  for (const Variant& v : {kLlama, kGpt2}) {
    Decoder model = models::small_model(v);
    add_adapter(model, {.rank = 2, .alpha = 3});
    randomize(model);
    Decoder fused = models::replica(model), plain = models::replica(model);
    models::logprobs(fused, a_batch()).sum().backward();
    Decoder built = plain;
    built.adapter = {};
    built.visit_maps([](const std::string&, nn::Linear& map) {
      std::vector<at::Tensor> rows;
      for (std::size_t i = 0; i < map.delta.parts.size(); ++i) {
        const auto pair = nn::pair_of(map.delta, i);
        rows.push_back(at::mm(pair.b, pair.a) * map.delta.parts[i].scale);
      }
      map.weight = map.weight + at::cat(rows, 0);
      map.delta = {};
    });
    models::logprobs(built, a_batch()).sum().backward();
    for (std::size_t i = 0; i < model.blocks.size(); ++i) {
      const auto compare = [&](const nn::Linear& a, const nn::Linear& b) {
        for (const auto& [x, y] : {std::pair{a.delta.a, b.delta.a}, std::pair{a.delta.b, b.delta.b}}) {
          const auto gx = x.grad(), gy = y.grad();
          EXPECT_LE(models::distance(gx, gy), 2e-5 * (1 + gy.abs().max().item<double>()));
        }
      };
      compare(fused.blocks[i].qkv, plain.blocks[i].qkv);
      compare(fused.blocks[i].out, plain.blocks[i].out);
      compare(fused.blocks[i].up, plain.blocks[i].up);
      compare(fused.blocks[i].down, plain.blocks[i].down);
    }
  }
}

}  // namespace
}  // namespace hone::adapters
