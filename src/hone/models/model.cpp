#include "hone/models/model.h"

#include "hone/base/error.h"
#include "hone/checkpoint/model_dir.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <set>

namespace hone::models {
namespace {

void gpt2_block(std::vector<HfTensor>& out, const Block& b, const std::string& p) {
  const auto linear = [&](const std::string& name, const nn::Linear& l) {
    out.push_back({p + name + ".weight", l.weight.t()});  // Conv1D stores [in, out]
    out.push_back({p + name + ".bias", l.bias});
  };
  out.push_back({p + "ln_1.weight", b.norm1.weight});
  out.push_back({p + "ln_1.bias", b.norm1.bias});
  linear("attn.c_attn", b.qkv);
  linear("attn.c_proj", b.out);
  out.push_back({p + "ln_2.weight", b.norm2.weight});
  out.push_back({p + "ln_2.bias", b.norm2.bias});
  linear("mlp.c_fc", b.up);
  linear("mlp.c_proj", b.down);
}

void llama_block(std::vector<HfTensor>& out, const Block& b, const std::string& p, const DecoderConfig& c) {
  const int64_t q = c.heads * c.head_dim, kv = c.kv_heads * c.head_dim;
  out.push_back({p + "input_layernorm.weight", b.norm1.weight});
  out.push_back({p + "self_attn.q_proj.weight", b.qkv.weight.narrow(0, 0, q)});
  out.push_back({p + "self_attn.k_proj.weight", b.qkv.weight.narrow(0, q, kv)});
  out.push_back({p + "self_attn.v_proj.weight", b.qkv.weight.narrow(0, q + kv, kv)});
  out.push_back({p + "self_attn.o_proj.weight", b.out.weight});
  out.push_back({p + "post_attention_layernorm.weight", b.norm2.weight});
  out.push_back({p + "mlp.gate_proj.weight", b.up.weight.narrow(0, 0, c.mlp)});
  out.push_back({p + "mlp.up_proj.weight", b.up.weight.narrow(0, c.mlp, c.mlp)});
  out.push_back({p + "mlp.down_proj.weight", b.down.weight});
}

// Buffers and tied copies that some writers store and that hold nothing of their own.
bool is_redundant(std::string_view name, const DecoderConfig& c) {
  const auto ends = [&](std::string_view tail) { return name.size() >= tail.size() && name.ends_with(tail); };
  if (ends("rotary_emb.inv_freq")) return true;
  if (c.family == Family::gpt2 && (ends(".attn.bias") || ends(".attn.masked_bias"))) return true;
  return c.tied && name == "lm_head.weight";
}

// GPT-2's first release stores names without "transformer.".
std::string name_in(const checkpoint::ModelDir& dir, const std::string& name) {
  constexpr std::string_view prefix = "transformer.";
  if (dir.find(name) || !name.starts_with(prefix)) return name;
  const auto bare = name.substr(prefix.size());
  return dir.find(bare) ? bare : name;
}

// In double: sizes within their ranges multiply to more than an int64 holds.
double numbers_in_matrices(const DecoderConfig& c) {
  const auto size = [](int64_t n) { return static_cast<double>(n); };
  const bool gpt2 = c.family == Family::gpt2;
  const double rows = size(c.vocab) * (c.tied ? 1 : 2) + (gpt2 ? size(c.context) : 0);
  const double attention = 2 * (size(c.heads) + size(c.kv_heads)) * size(c.head_dim);
  const double mlp = size(c.mlp) * (gpt2 ? 2 : 3);
  return size(c.width) * (rows + size(c.layers) * (attention + mlp));
}

void load_weights(Decoder& model, const checkpoint::ModelDir& dir) {
  std::set<std::string> used;
  for (const auto& [name, view] : hf_tensors(model)) {
    const auto stored = name_in(dir, name);
    auto staging = at::empty(view.sizes());
    dir.read_floats(stored, view.sizes(), {staging.data_ptr<float>(), static_cast<std::size_t>(staging.numel())});
    view.copy_(staging);
    used.insert(stored);
  }
  for (const auto* tensor : dir.tensors())
    require(used.count(tensor->name) || is_redundant(tensor->name, model.config), ErrorKind::format,
            "{}: tensor \"{}\" does not belong to a {} model of this config", dir.path().string(), tensor->name,
            model.config.family == Family::gpt2 ? "gpt2" : "llama");
}

}  // namespace

std::vector<HfTensor> hf_tensors(const Decoder& m) {
  std::vector<HfTensor> out;
  const bool gpt2 = m.config.family == Family::gpt2;
  out.push_back({gpt2 ? "transformer.wte.weight" : "model.embed_tokens.weight", m.embed});
  if (gpt2) out.push_back({"transformer.wpe.weight", m.positions});
  for (std::size_t i = 0; i < m.blocks.size(); ++i) {
    if (gpt2)
      gpt2_block(out, m.blocks[i], "transformer.h." + std::to_string(i) + ".");
    else
      llama_block(out, m.blocks[i], "model.layers." + std::to_string(i) + ".", m.config);
  }
  out.push_back({gpt2 ? "transformer.ln_f.weight" : "model.norm.weight", m.norm.weight});
  if (gpt2) out.push_back({"transformer.ln_f.bias", m.norm.bias});
  if (!m.config.tied) out.push_back({"lm_head.weight", m.head});
  return out;
}

Model open(const std::filesystem::path& path) {
  const checkpoint::ModelDir dir(path);
  const auto config = config_from_json(dir.config(), (path / "config.json").string());
  // Refused before any memory is taken for it. A file that only lacks a tensor passes: load_weights names it.
  double stored = 0;
  for (const auto* tensor : dir.tensors()) stored += static_cast<double>(tensor->elements());
  require(numbers_in_matrices(config) <= 2 * stored, ErrorKind::format,
          "{}: config.json describes a larger model than the {:.0f} numbers stored", path.string(), stored);
  Model model{fresh(config, Rng(0)), text::Tokenizer::load(path / "tokenizer.json"), text::ChatTemplate::load(path)};
  load_weights(model.decoder, dir);
  require(model.tokenizer.size() <= config.vocab, ErrorKind::format,
          "{}: tokenizer.json has {} tokens but config.json says vocab_size {}", path.string(), model.tokenizer.size(),
          config.vocab);
  return model;
}

void save(const std::filesystem::path& dir, const Decoder& decoder, const text::Tokenizer& tokenizer,
          const text::ChatTemplate* chat) {
  checkpoint::ModelFiles files;
  files.config = to_json(decoder.config);
  for (const auto& [key, id] : {std::pair{"bos_token_id", tokenizer.bos()},
                                {"eos_token_id", tokenizer.end()},
                                {"pad_token_id", tokenizer.pad()}})
    files.config[key] = files.generation_config[key] = id;
  files.generation_config["do_sample"] = false;
  files.generation_config["max_length"] = decoder.config.context;
  files.tokenizer = tokenizer.to_json();
  if (chat != nullptr) {
    files.chat_template = chat->source();
    files.tokenizer_config = chat->special_tokens();
  }
  std::vector<at::Tensor> kept;  // contiguous copies must outlive the write
  for (const auto& [name, view] : hf_tensors(decoder)) {
    kept.push_back(view.detach().contiguous());
    files.tensors.push_back({name, checkpoint::Dtype::f32, kept.back().sizes().vec(), kept.back().data_ptr()});
  }
  checkpoint::write_model_dir(dir, files);
}

}  // namespace hone::models
