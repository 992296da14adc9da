#include "hone/adapters/lora.h"

#include "hone/base/error.h"
#include "hone/base/text_match.h"
#include "hone/models/scalar.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <sstream>

namespace hone::adapters {
namespace {

using checkpoint::AdapterConfig;
using models::Decoder;
using models::DecoderConfig;
using models::Family;

std::vector<std::string> comma_separated(const std::string& list) {
  std::vector<std::string> parts;
  std::stringstream text(list);
  for (std::string part; std::getline(text, part, ',');) {
    const auto first = part.find_first_not_of(' '), last = part.find_last_not_of(' ');
    if (first != std::string::npos) parts.push_back(part.substr(first, last - first + 1));
  }
  return parts;
}

// "q_proj", "k_proj", …: the last words of the modules' names, once each.
std::vector<std::string> leaves_of(const std::vector<Module>& modules) {
  std::vector<std::string> leaves;
  for (const Module& module : modules) {
    const auto leaf = module.name.substr(module.name.rfind('.') + 1);
    if (std::find(leaves.begin(), leaves.end(), leaf) == leaves.end()) leaves.push_back(leaf);
  }
  return leaves;
}

void gpt2_modules(std::vector<Module>& out, models::Block& b, const std::string& prefix) {
  const auto whole = [&](const char* name, nn::Linear& map) {
    out.push_back({prefix + name, &map, 0, map.weight.size(0)});
  };
  whole("attn.c_attn", b.qkv);
  whole("attn.c_proj", b.out);
  whole("mlp.c_fc", b.up);
  whole("mlp.c_proj", b.down);
}

void llama_modules(std::vector<Module>& out, models::Block& b, const std::string& prefix, const DecoderConfig& c) {
  const int64_t q = c.heads * c.head_dim, kv = c.kv_heads * c.head_dim;
  out.push_back({prefix + "self_attn.q_proj", &b.qkv, 0, q});
  out.push_back({prefix + "self_attn.k_proj", &b.qkv, q, kv});
  out.push_back({prefix + "self_attn.v_proj", &b.qkv, q + kv, kv});
  out.push_back({prefix + "self_attn.o_proj", &b.out, 0, c.width});
  out.push_back({prefix + "mlp.gate_proj", &b.up, 0, c.mlp});
  out.push_back({prefix + "mlp.up_proj", &b.up, c.mlp, c.mlp});
  out.push_back({prefix + "mlp.down_proj", &b.down, 0, c.width});
}

at::Tensor uniform_a(int64_t rank, int64_t in, Rng rng) {
  const auto a = at::empty({rank, in}, at::kFloat);
  const double bound = 1 / std::sqrt(static_cast<double>(in));
  for (int64_t i = 0; i < a.numel(); ++i) a.data_ptr<float>()[i] = static_cast<float>(bound * (2 * rng.uniform() - 1));
  return a;
}

// Gives every A and B its shape, without memory, and returns how many numbers they have together.
int64_t shape_deltas(Decoder& decoder) {
  int64_t numbers = 0;
  decoder.visit_maps([&](const std::string&, nn::Linear& map) {
    int64_t ranks = 0, in_b = 0;
    for (const auto& part : map.delta.parts) ranks += part.rank, in_b += part.rank * part.rows;
    if (ranks == 0) return;
    const auto shapes = at::TensorOptions(at::kFloat).device(at::kMeta);
    map.delta.a = at::empty({ranks, map.weight.size(1)}, shapes);
    map.delta.b = at::empty({in_b}, shapes);
    numbers += map.delta.a.numel() + in_b;
  });
  return numbers;
}

}  // namespace

std::vector<Module> modules_of(Decoder& decoder) {
  std::vector<Module> out;
  const bool gpt2 = decoder.config.family == Family::gpt2;
  for (std::size_t i = 0; i < decoder.blocks.size(); ++i) {
    if (gpt2)
      gpt2_modules(out, decoder.blocks[i], fmt::format("transformer.h.{}.", i));
    else
      llama_modules(out, decoder.blocks[i], fmt::format("model.layers.{}.", i), decoder.config);
  }
  return out;
}

AdapterConfig config_of(const LoraOptions& options, const Decoder& decoder) {
  AdapterConfig config{
      .rank = options.rank, .alpha = options.alpha, .dropout = options.dropout, .rslora = options.rslora};
  config.fan_in_fan_out = decoder.config.family == Family::gpt2;
  Decoder view = decoder;  // modules point into it
  const auto modules = modules_of(view);
  const auto leaves = leaves_of(modules);
  config.targets = options.targets == "all-linear" ? leaves : comma_separated(options.targets);
  require(!config.targets.empty(), ErrorKind::usage, "lora.targets is empty{}", base::suggestion("", leaves));
  for (const auto& target : config.targets) {
    const bool known = std::any_of(modules.begin(), modules.end(),
                                   [&](const Module& module) { return checkpoint::is_named(module.name, target); });
    if (known) continue;
    throw Error(
        ErrorKind::usage,
        fmt::format("lora.targets: this model has no module \"{}\"{}", target, base::suggestion(target, leaves)),
        fmt::format("all-linear, or some of: {}", fmt::join(leaves, ",")));
  }
  return config;
}

void attach(Decoder& decoder, const AdapterConfig& config, const Rng& rng) {
  require(!decoder.adapted(), ErrorKind::usage, "the model has an adapter already; merge it first");
  const checkpoint::AdapterRules rules(config, "adapter");
  std::vector<Module> modules = modules_of(decoder);
  std::vector<nn::LowRankPart> parts;  // all of them before the first change
  std::erase_if(modules, [&](const Module& module) { return !rules.takes(module.name); });
  for (const Module& m : modules) parts.push_back({m.first_row, m.rows, rules.rank_of(m.name), rules.scale_of(m.name)});
  require(!modules.empty(), ErrorKind::usage, "no module of this model is among the adapter's targets");
  for (std::size_t i = 0; i < modules.size(); ++i) {
    modules[i].map->delta.parts.push_back(parts[i]);
    modules[i].map->delta.dropout = config.dropout;
  }
  const at::Tensor score = decoder.score;
  const int64_t numbers = shape_deltas(decoder) + (score.defined() ? score.numel() : 0);
  models::bind_adapter(decoder, at::zeros({numbers}, decoder.flat.options()));
  if (score.defined()) decoder.score.copy_(score);
  std::map<const nn::Linear*, std::size_t> seen;
  for (const Module& m : modules) {
    const auto a = nn::pair_of(m.map->delta, seen[m.map]++).a;
    a.copy_(uniform_a(a.size(0), a.size(1), rng.fork("adapter " + m.name)));
  }
  decoder.adapter.masks = rng.fork("adapter dropout");
  auto own = std::make_shared<AdapterConfig>(config);
  if (decoder.scalar()) own->score = true, own->task = "SEQ_CLS";
  decoder.adapter.config = std::move(own);
  if (config.score && !decoder.scalar()) decoder = models::scalar_of(decoder);
}

void detach(Decoder& decoder) {
  decoder.adapter = {};
  decoder.visit_maps([](const std::string&, nn::Linear& map) { map.delta = {}; });
}

models::Model adapted(const models::Model& base, const LoraOptions& options, const Rng& rng,
                      const std::string& base_name) {
  models::Model model = base;
  if (!options.on()) {
    model.decoder = models::copy(base.decoder);
    return model;
  }
  auto config = config_of(options, base.decoder);
  config.base = base_name;
  attach(model.decoder, config, rng);
  return model;
}

}  // namespace hone::adapters
