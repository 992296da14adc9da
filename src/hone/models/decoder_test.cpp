#include "hone/models/decoder.h"

#include "hone/models/test_models.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace hone::models {
namespace {

using Rows = std::vector<std::vector<int64_t>>;

const Rows kRows = {{3, 1, 4, 1, 5, 9, 2}, {6, 5, 3, 5, 8, 18, 0}};

std::map<std::string, at::Tensor> parameters(Decoder model) {
  std::map<std::string, at::Tensor> all;
  model.visit([&](const std::string& name, at::Tensor& t) { all.emplace(name, t); });
  return all;
}

bool same_bits(const at::Tensor& a, const at::Tensor& b) {
  return a.sizes() == b.sizes() &&
         std::memcmp(a.data_ptr<float>(), b.data_ptr<float>(), static_cast<std::size_t>(a.numel()) * 4) == 0;
}

class DecoderOf : public testing::TestWithParam<Variant> {};
INSTANTIATE_TEST_SUITE_P(Decoder, DecoderOf, testing::ValuesIn(kVariants),
                         [](const auto& info) { return name_of(info.param); });

// ---- weights ----

TEST_P(DecoderOf, FreshDependsOnTheSeedAlone) {
  const auto config = small_config(GetParam());
  EXPECT_TRUE(same_bits(fresh(config, Rng(5)).flat, fresh(config, Rng(5)).flat));
  EXPECT_FALSE(same_bits(fresh(config, Rng(5)).flat, fresh(config, Rng(6)).flat));
  Rng moved(5);
  moved.normal();  // streams are forked, which a position does not touch
  EXPECT_TRUE(same_bits(fresh(config, Rng(5)).flat, fresh(config, moved).flat));
}

TEST_P(DecoderOf, FreshGivesEveryTensorAStreamOfItsOwn) {
  const auto config = small_config(GetParam());
  std::set<float> first;
  std::size_t matrices = 0;
  const auto weights = parameters(fresh(config, Rng(5)));
  for (const auto& [name, t] : weights) {
    if (t.dim() != 2) continue;
    ++matrices;
    first.insert(t.data_ptr<float>()[0]);
  }
  EXPECT_EQ(first.size(), matrices);
  // So a deeper model begins with the same numbers.
  DecoderConfig deeper = config;
  deeper.layers = 3;
  const auto of_deeper = parameters(fresh(deeper, Rng(5)));
  EXPECT_TRUE(same_bits(of_deeper.at("blocks.1.qkv.weight"), weights.at("blocks.1.qkv.weight")));
}

TEST_P(DecoderOf, FreshHasTheStatisticsOfGpt2) {
  DecoderConfig config = small_config(GetParam());
  config.vocab = 101, config.context = 97, config.width = 96, config.head_dim = 24, config.mlp = 128, config.layers = 3;
  for (const auto& [name, t] : parameters(fresh(config, Rng(1)))) {
    if (name.ends_with("bias") || t.dim() == 1) {
      EXPECT_TRUE(t.eq(name.ends_with("bias") ? 0 : 1).all().item<bool>()) << name;
      continue;
    }
    const bool residual = name.ends_with("out.weight") || name.ends_with("down.weight");
    const double wanted = residual ? 0.02 / std::sqrt(6.0) : 0.02;  // 2 additions to the residual a block, 3 blocks
    const double n = static_cast<double>(t.numel()), std = t.to(at::kDouble).std().item<double>();
    // Five standard errors: of a mean σ/√n, of a deviation σ/√(2n).
    EXPECT_NEAR(t.to(at::kDouble).mean().item<double>(), 0, 5 * wanted / std::sqrt(n)) << name;
    EXPECT_NEAR(std, wanted, 5 * wanted / std::sqrt(2 * n)) << name;
    EXPECT_LT(t.abs().max().item<double>(), 6.5 * wanted) << name;
  }
}

TEST_P(DecoderOf, VisitOrderCoversTheStorageExactly) {
  Decoder model = fresh(small_config(GetParam()), Rng(1));
  std::set<std::string> names;
  const float* next = model.flat.data_ptr<float>();
  model.visit([&](const std::string& name, at::Tensor& t) {
    EXPECT_TRUE(names.insert(name).second) << name << " twice";
    EXPECT_TRUE(t.is_contiguous()) << name;
    EXPECT_EQ(t.data_ptr<float>(), next) << name;
    next += t.numel();
  });
  EXPECT_EQ(next, model.flat.data_ptr<float>() + model.flat.numel());
  EXPECT_EQ(model.flat.numel(), parameter_count(model));
  EXPECT_TRUE(names.contains("blocks.1.qkv.weight"));
  EXPECT_FALSE(names.contains("blocks.2.qkv.weight"));
  EXPECT_EQ(names.contains("head.weight"), !GetParam().tied);
}

TEST(Decoder, ParameterCountByHand) {
  DecoderConfig c{.family = Family::gpt2, .vocab = 11, .context = 16, .width = 8, .layers = 2, .heads = 2,
                  .kv_heads = 2, .head_dim = 4, .mlp = 20};
  // block: norms 2·16, qkv 24·8 + 24 = 216, out 8·8 + 8 = 72, up 20·8 + 20 = 180, down 8·20 + 8 = 168 → 668
  // embed 11·8 = 88, positions 16·8 = 128, two blocks 1336, last norm 16 → 1568
  EXPECT_EQ(parameter_count(fresh(c, Rng(0))), 1568);
  c.tied = false;
  EXPECT_EQ(parameter_count(fresh(c, Rng(0))), 1568 + 88);
  c = {.family = Family::llama, .vocab = 11, .context = 16, .width = 8, .layers = 2, .heads = 4, .kv_heads = 2,
       .head_dim = 2, .mlp = 12, .tied = true};
  // block: norms 2·8, qkv (4 + 2 + 2)·2·8 = 128, out 8·8 = 64, gate and up 24·8 = 192, down 8·12 = 96 → 496
  // embed 88, two blocks 992, last norm 8 → 1088
  EXPECT_EQ(parameter_count(fresh(c, Rng(0))), 1088);
  c.tied = false;
  EXPECT_EQ(parameter_count(fresh(c, Rng(0))), 1088 + 88);
}

TEST_P(DecoderOf, CopyHasItsOwnStorage) {
  const Decoder model = small_model(GetParam());
  const auto before = model.flat.clone();
  Decoder twin = copy(model);
  EXPECT_TRUE(same_bits(twin.flat, model.flat));
  EXPECT_EQ(twin.config, model.config);
  twin.visit([](const std::string&, at::Tensor& t) { t.zero_(); });
  EXPECT_TRUE(twin.flat.eq(0).all().item<bool>());  // the parameters are views of its flat
  EXPECT_TRUE(same_bits(model.flat, before));
  assign(twin, model);
  EXPECT_TRUE(same_bits(twin.flat, before));
  EXPECT_NE(twin.flat.data_ptr(), model.flat.data_ptr());
  EXPECT_LT(distance(logits(twin, batch_of(kRows)), logits(model, batch_of(kRows))), 1e-12);
}

TEST_P(DecoderOf, ReplicaSharesStorageUnderItsOwnLeaves) {
  const Decoder model = small_model(GetParam());
  const Decoder a = replica(model), b = replica(model);
  const auto mine = parameters(model), of_a = parameters(a), of_b = parameters(b);
  logprobs(a, batch_of(kRows)).sum().backward();
  for (const auto& [name, t] : of_a) {
    EXPECT_TRUE(t.is_leaf() && t.requires_grad()) << name;
    EXPECT_EQ(t.data_ptr(), mine.at(name).data_ptr()) << name;
    EXPECT_FALSE(mine.at(name).requires_grad()) << name;
    ASSERT_TRUE(t.grad().defined()) << name;
    EXPECT_TRUE(at::isfinite(t.grad()).all().item<bool>()) << name;
    EXPECT_GT(t.grad().abs().sum().item<double>(), 0) << name;
    EXPECT_FALSE(of_b.at(name).grad().defined()) << name;
  }
  model.flat.mul_(0.5);  // what a step does is seen by every replica
  EXPECT_EQ(distance(logits(b, batch_of(kRows)), logits(model, batch_of(kRows))), 0);
}

TEST_P(DecoderOf, DefaultGeneratorIsLeftAlone) {
  const auto generator = at::detail::getDefaultCPUGenerator();
  const auto before = generator.get_state().clone();
  const Decoder model = replica(fresh(small_config(GetParam()), Rng(1)));
  logprobs(model, batch_of(kRows)).sum().backward();
  EXPECT_TRUE(at::equal(generator.get_state(), before));
}

// ---- forward ----

TEST_P(DecoderOf, LogprobsAreTheLogSoftmaxOfLogits) {
  const Decoder model = small_model(GetParam());
  const auto batch = batch_of(kRows);
  for (const double temperature : {1.0, 0.5, 3.0}) {
    const auto logp = logprobs(model, batch, temperature);
    const auto table = at::log_softmax(logits(model, batch).to(at::kDouble) / temperature, -1);
    ASSERT_EQ(logp.scalar_type(), at::kFloat);
    for (int64_t b = 0; b < 2; ++b) {
      EXPECT_EQ(logp[b][0].item<double>(), 0);
      for (int64_t t = 1; t < 7; ++t)
        EXPECT_NEAR(logp[b][t].item<double>(), table[b][t - 1][kRows[b][t]].item<double>(), 1e-5) << b << " " << t;
    }
  }
  EXPECT_GT(distance(logprobs(model, batch), logprobs(model, batch, 2)), 1e-2);
}

TEST_P(DecoderOf, LogprobsAreZeroOutsideTheMask) {
  const Decoder model = replica(small_model(GetParam()));
  auto batch = batch_of(kRows);
  const auto all = logprobs(model, batch).detach();
  batch.loss_mask_BT.fill_(false);
  batch.loss_mask_BT[1][3] = batch.loss_mask_BT[0][6] = true;
  const auto some = logprobs(model, batch).detach();
  EXPECT_EQ(some.ne(0).sum().item<int64_t>(), 2);
  EXPECT_LT(distance(some, all * batch.loss_mask_BT), 1e-6);
  batch.loss_mask_BT.fill_(false);
  const auto none = logprobs(model, batch);
  EXPECT_EQ(none.sizes(), batch.ids_BT.sizes());
  EXPECT_TRUE(none.eq(0).all().item<bool>());
  none.sum().backward();  // a micro-batch without a loss is not an error
  for (const auto& [name, t] : parameters(model))
    EXPECT_TRUE(!t.grad().defined() || t.grad().eq(0).all().item<bool>()) << name;
}

TEST_P(DecoderOf, LaterTokensDoNotChangeEarlierLogprobs) {
  const Decoder model = small_model(GetParam());
  const auto whole = logprobs(model, batch_of(kRows));
  for (std::size_t cut = 1; cut < 7; ++cut) {
    Rows changed = kRows;
    for (auto& row : changed)
      for (std::size_t t = cut; t < row.size(); ++t) row[t] = (row[t] + 7) % 19;
    const auto logp = logprobs(model, batch_of(changed));
    const auto n = static_cast<int64_t>(cut);
    EXPECT_LT(distance(logp.narrow(1, 0, n), whole.narrow(1, 0, n)), 1e-6) << cut;
    EXPECT_GT(distance(logp.narrow(1, n, 1), whole.narrow(1, n, 1)), 1e-4) << cut;
  }
}

TEST_P(DecoderOf, PaddingChangesNothing) {
  const Decoder model = small_model(GetParam());
  Rows padded = kRows;
  for (auto& row : padded) row.insert(row.end(), {0, 0, 0, 0});
  auto batch = batch_of(padded);
  batch.loss_mask_BT.narrow(1, 7, 4).fill_(false);
  const auto logp = logprobs(model, batch);
  EXPECT_LT(distance(logp.narrow(1, 0, 7), logprobs(model, batch_of(kRows))), 1e-5);
  EXPECT_TRUE(logp.narrow(1, 7, 4).eq(0).all().item<bool>());
  EXPECT_LT(distance(logprobs(model, batch_of({kRows[1]})), logp[1].narrow(0, 0, 7).unsqueeze(0)), 1e-5);
}

TEST_P(DecoderOf, PackedRowEqualsSeparateRows) {
  const Decoder model = small_model(GetParam());
  const Rows parts = {{3, 1, 4, 1}, {5, 9}, {2, 6, 5}};
  tensor::Batch packed = batch_of({{3, 1, 4, 1, 5, 9, 2, 6, 5, 0, 0}});  // two of padding, a segment of their own
  packed.positions_BT = at::tensor(std::vector<int64_t>{0, 1, 2, 3, 0, 1, 0, 1, 2, 0, 1}).unsqueeze(0);
  packed.segments_BT = at::tensor(std::vector<int64_t>{0, 0, 0, 0, 1, 1, 2, 2, 2, 3, 3}).unsqueeze(0);
  packed.loss_mask_BT = packed.positions_BT.gt(0);
  packed.loss_mask_BT[0][10] = false;
  const auto logp = logprobs(model, packed), states = hidden_states(model, packed);
  int64_t start = 0;
  for (const auto& part : parts) {
    const auto alone = batch_of({part});
    const auto n = static_cast<int64_t>(part.size());
    EXPECT_LT(distance(logp.narrow(1, start, n), logprobs(model, alone)), 1e-5) << start;
    EXPECT_LT(distance(states.narrow(1, start, n), hidden_states(model, alone)), 1e-4) << start;
    start += n;
  }
  EXPECT_TRUE(at::isfinite(states).all().item<bool>());
}

TEST_P(DecoderOf, TraceSeesAndReplacesActivations) {
  const Decoder model = small_model(GetParam());
  const auto batch = batch_of(kRows);
  std::vector<std::string> sites;
  const nn::Trace reader{[&](std::string_view site, const at::Tensor& value) {
    sites.emplace_back(site);
    EXPECT_EQ(value.sizes().vec(), (std::vector<int64_t>{2, 7, 24})) << site;
    return value;
  }};
  EXPECT_EQ(distance(logits(model, batch, &reader), logits(model, batch)), 0);
  EXPECT_EQ(sites, (std::vector<std::string>{"blocks.0.attn.out", "blocks.0.mlp.out", "blocks.0.out",
                                             "blocks.1.attn.out", "blocks.1.mlp.out", "blocks.1.out"}));
  // Without what the blocks add, the last norm is left with the embeddings.
  const nn::Trace silencer{[](std::string_view site, const at::Tensor& value) {
    return site.ends_with(".attn.out") || site.ends_with(".mlp.out") ? at::zeros_like(value) : value;
  }};
  auto x = at::embedding(model.embed, batch.ids_BT);
  if (model.positions.defined()) x = x + at::embedding(model.positions, batch.positions_BT);
  EXPECT_LT(distance(hidden_states(model, batch, &silencer), nn::apply(model.norm, x, model.config.norm_eps)), 1e-6);
}

TEST(Decoder, EpsilonAndThetaAreUsed) {
  for (const Variant& v : kVariants) {
    Decoder model = small_model(v);
    const auto batch = batch_of(kRows);
    const auto plain = logits(model, batch);
    model.config.norm_eps = 0.5;
    EXPECT_GT(distance(logits(model, batch), plain), 1e-3) << name_of(v);
    model.config.norm_eps = 1e-5;
    model.config.rope_theta = 7;
    EXPECT_EQ(distance(logits(model, batch), plain) > 1e-3, v.family == Family::llama) << name_of(v);
  }
}

TEST_P(DecoderOf, GradientPointsWhereTheLossFalls) {
  // Float32 is too coarse for a slope a parameter; along the whole gradient the change is |g|²·h.
  Decoder model = small_model(GetParam());
  const auto batch = batch_of(kRows);
  const Decoder leaves = replica(model);
  logprobs(leaves, batch).sum().backward();
  std::vector<at::Tensor> pieces;
  Decoder view = leaves;
  view.visit([&](const std::string&, at::Tensor& t) { pieces.push_back(t.grad().reshape({-1})); });
  const auto gradient = at::cat(pieces).to(at::kDouble);
  const double norm = gradient.norm().item<double>(), step = 2e-3;
  const auto start = model.flat.clone();
  const auto loss_at = [&](double distance) {
    model.flat.copy_(start.to(at::kDouble) + gradient * (distance / norm));
    return logprobs(model, batch).to(at::kDouble).sum().item<double>();
  };
  EXPECT_NEAR((loss_at(step) - loss_at(-step)) / (2 * step), norm, 0.01 * norm);
}

}  // namespace
}  // namespace hone::models
