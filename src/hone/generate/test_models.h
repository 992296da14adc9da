// Small decoders with weights large enough that their next-token distributions are far from uniform; for tests.
#pragma once

#include "hone/models/decoder.h"

#include <ATen/ATen.h>

#include <string>

namespace hone::generate {

inline models::DecoderConfig tiny_config(models::Family family) {
  models::DecoderConfig c;
  c.family = family;
  c.vocab = 37;
  c.context = 96;
  c.width = 24;
  c.layers = 2;
  c.heads = 4;
  c.kv_heads = family == models::Family::llama ? 2 : 4;  // grouped heads
  c.head_dim = 6;
  c.mlp = 40;
  c.tied = family == models::Family::gpt2;
  return c;
}

inline models::Decoder tiny_model(models::Family family, uint64_t seed = 1) {
  auto model = models::fresh(tiny_config(family), Rng(seed));
  Rng rng(seed + 100);
  model.visit([&](const std::string&, at::Tensor& t) {
    if (t.dim() == 2) t.mul_(8);
    float* p = t.data_ptr<float>();
    if (t.dim() == 1)
      for (int64_t i = 0; i < t.numel(); ++i) p[i] += static_cast<float>(0.2 * rng.normal());  // norms and biases
  });
  return model;
}

/// One row as a batch; loss on every token but the first.
inline tensor::Batch one_row(const std::vector<int32_t>& ids) {
  const auto n = static_cast<int64_t>(ids.size());
  tensor::Batch batch;
  batch.ids_BT = at::empty({1, n}, at::kLong);
  for (int64_t t = 0; t < n; ++t) batch.ids_BT.data_ptr<int64_t>()[t] = ids[static_cast<std::size_t>(t)];
  batch.positions_BT = at::arange(n, at::kLong).unsqueeze(0);
  batch.loss_mask_BT = at::ones({1, n}, at::kBool);
  batch.loss_mask_BT.data_ptr<bool>()[0] = false;
  return batch;
}

}  // namespace hone::generate
