#include "hone/models/model.h"

#include "hone/base/error.h"
#include "hone/base/files.h"
#include "hone/checkpoint/model_dir.h"
#include "hone/models/hf_config.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <set>
#include <utility>

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
  // Rows [first, first + count) of a map's weight and bias.
  const auto rows = [&](const std::string& name, const nn::Linear& l, int64_t first, int64_t count) {
    out.push_back({p + name + ".weight", l.weight.narrow(0, first, count)});
    if (l.bias.defined()) out.push_back({p + name + ".bias", l.bias.narrow(0, first, count)});
  };
  out.push_back({p + "input_layernorm.weight", b.norm1.weight});
  rows("self_attn.q_proj", b.qkv, 0, q);
  rows("self_attn.k_proj", b.qkv, q, kv);
  rows("self_attn.v_proj", b.qkv, q + kv, kv);
  if (c.qk_norm) {
    out.push_back({p + "self_attn.q_norm.weight", b.q_norm.weight});
    out.push_back({p + "self_attn.k_norm.weight", b.k_norm.weight});
  }
  rows("self_attn.o_proj", b.out, 0, c.width);
  out.push_back({p + "post_attention_layernorm.weight", b.norm2.weight});
  rows("mlp.gate_proj", b.up, 0, c.mlp);
  rows("mlp.up_proj", b.up, c.mlp, c.mlp);
  rows("mlp.down_proj", b.down, 0, c.width);
}

// The first release of GPT-2, and models saved without their head, store names without the first word.
std::string name_in(const checkpoint::ModelDir& dir, const std::string& name) {
  for (const std::string_view prefix : {"transformer.", "model."}) {
    if (dir.find(name) || !name.starts_with(prefix)) continue;
    const auto bare = name.substr(prefix.size());
    if (dir.find(bare)) return bare;
  }
  return name;
}

// In double: sizes within their ranges multiply to more than an int64 holds.
double numbers_in_matrices(const DecoderConfig& c) {
  const auto size = [](int64_t n) { return static_cast<double>(n); };
  const bool gpt2 = c.family == Family::gpt2;
  const double rows = size(c.vocab) * (c.tied || c.scalar ? 1 : 2) + (gpt2 ? size(c.context) : 0);
  const double attention = 2 * (size(c.heads) + size(c.kv_heads)) * size(c.head_dim);
  const double mlp = size(c.mlp) * (gpt2 ? 2 : 3);
  return size(c.width) * (rows + size(c.layers) * (attention + mlp));
}

checkpoint::Dtype dtype_of(const checkpoint::ModelDir& dir, const std::string& name) {
  using checkpoint::Dtype;
  const checkpoint::TensorInfo* tensor = dir.find(name);
  if (!tensor) return Dtype::f32;  // reading it names it
  if (tensor->dtype == Dtype::f32 || tensor->dtype == Dtype::f16 || tensor->dtype == Dtype::bf16) return tensor->dtype;
  throw Error(ErrorKind::format,
              fmt::format("{}: tensor \"{}\" is stored as {}; allowed: F32, F16, BF16", dir.path().string(), name,
                          checkpoint::name_of(tensor->dtype)),
              "use the model before it was quantised or converted");
}

// Reads every tensor of the model and returns what they are called and stored as.
std::vector<Origin::Stored> load_weights(const Decoder& model, const checkpoint::ModelDir& dir) {
  std::vector<Origin::Stored> stored;
  for (const auto& [name, view] : hf_tensors(model)) {
    stored.push_back({name_in(dir, name), checkpoint::Dtype::f32});
    stored.back().dtype = dtype_of(dir, stored.back().name);
    // Only what has to be turned round passes through memory of its own.
    const auto place = view.is_contiguous() ? view : at::empty(view.sizes());
    dir.read_floats(stored.back().name, view.sizes(),
                    {place.data_ptr<float>(), static_cast<std::size_t>(place.numel())});
    if (!view.is_contiguous()) view.copy_(place);
  }
  return stored;
}

void account_for_all(const checkpoint::ModelDir& dir, const std::vector<Origin::Stored>& used, const DecoderConfig& c) {
  std::set<std::string, std::less<>> names;
  for (const auto& tensor : used) names.insert(tensor.name);
  for (const auto* tensor : dir.tensors()) {
    if (names.contains(tensor->name) || is_buffer(tensor->name, c)) continue;
    require(c.tied && tensor->name == "lm_head.weight", ErrorKind::format,
            "{}: tensor \"{}\" does not belong to a model of this config", dir.path().string(), tensor->name);
    const std::string& embed = used.front().name;
    if (dir.same(tensor->name, embed)) continue;
    throw Error(ErrorKind::format,
                fmt::format("{}: config.json ties the output to the embedding, but tensor \"lm_head.weight\" is not "
                            "equal to \"{}\"",
                            dir.path().string(), embed),
                "set tie_word_embeddings to false in config.json to use both");
  }
}

// Files beside the weights, none of which hone needs to compute with the model.
void read_others(Origin& origin, const std::filesystem::path& dir) {
  constexpr uint64_t kMostBytes = uint64_t{64} << 20;
  constexpr const char* kNames[] = {"tokenizer_config.json",
                                    "special_tokens_map.json",
                                    "added_tokens.json",
                                    "chat_template.jinja",
                                    "tokenizer.model",
                                    "vocab.json",
                                    "merges.txt"};
  for (const char* name : kNames)
    if (std::filesystem::exists(dir / name)) origin.others[name] = base::read_file(dir / name, kMostBytes);
  const auto generation = dir / "generation_config.json";
  if (!std::filesystem::exists(generation)) return;
  origin.generation_config = checkpoint::parse_config(base::read_file(generation, kMostBytes), generation.string());
}

// The id that a config gives a role, of several the first; -1 where it gives none that is in the vocabulary.
int32_t role_id(const Json& config, const std::string& key, const text::Tokenizer& tokenizer) {
  if (!config.is_object() || !config.contains(key)) return -1;
  const Json& value = config[key];
  const Json& id = value.is_array() && !value.empty() ? value[0] : value;
  const bool fits = id.is_number_unsigned() && id.get<uint64_t>() < static_cast<uint64_t>(tokenizer.size());
  return fits ? id.get<int32_t>() : -1;
}

// What begins, ends and fills up sequences: by name in tokenizer_config.json, else by id in the other configs. A
// model without a filler is filled with its end, as no loss looks at it.
text::Tokenizer with_roles_of(const Origin& origin, const text::Tokenizer& tokenizer, std::string_view where) {
  Json named = Json::object();
  if (const auto file = origin.others.find("tokenizer_config.json"); file != origin.others.end())
    named = checkpoint::parse_config(file->second, fmt::format("{}/tokenizer_config.json", where));
  const auto token_of = [&](const std::string& role) -> std::string {
    const auto found = named.find(role + "_token");
    const Json* text = found == named.end() ? nullptr : &*found;
    if (text && text->is_object() && text->contains("content")) text = &(*text)["content"];
    if (text && text->is_string() && tokenizer.find(text->get<std::string>())) return text->get<std::string>();
    for (const Json* config : {&origin.generation_config, &origin.config}) {
      const int32_t id = role_id(*config, role + "_token_id", tokenizer);
      if (id >= 0 && tokenizer.is_special(id)) return tokenizer.token(id);
    }
    return "";
  };
  text::Tokenizer::Roles roles{.pad = token_of("pad"), .bos = token_of("bos"), .end = token_of("eos")};
  if (roles.pad.empty() && !tokenizer.find("<pad>")) roles.pad = roles.end;
  return tokenizer.with_roles(roles);
}

// The numbers of a tensor in the dtype they are to be stored in.
at::Tensor converted(const HfTensor& tensor, checkpoint::Dtype dtype) {
  const auto view = tensor.view.detach().cpu();
  if (dtype == checkpoint::Dtype::f32) return view.contiguous();
  const auto small = view.to(dtype == checkpoint::Dtype::f16 ? at::kHalf : at::kBFloat16).contiguous();
  // A weight that is not finite was not finite before; one beyond the range has become so.
  const bool lost = view.isfinite().logical_and(small.isfinite().logical_not()).any().item<bool>();
  if (!lost) return small;
  throw Error(ErrorKind::numeric,
              fmt::format("tensor \"{}\" has a weight of {:.3g}, which {} cannot hold", tensor.name,
                          view.abs().max().item<double>(), checkpoint::name_of(dtype)),
              "train from a model in float32 or bfloat16");
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
  if (m.scalar())
    out.push_back({"score.weight", m.score});
  else if (!m.config.tied)
    out.push_back({"lm_head.weight", m.head});
  return out;
}

Decoder open_decoder(const std::filesystem::path& path) {
  const checkpoint::ModelDir dir(path);
  const auto config = config_from_json(dir.config(), (path / "config.json").string());
  // Refused before any memory is taken for it. A file that only lacks a tensor passes: load_weights names it.
  double stored = 0;
  for (const auto* tensor : dir.tensors()) stored += static_cast<double>(tensor->elements());
  require(numbers_in_matrices(config) <= 2 * stored, ErrorKind::format,
          "{}: config.json describes a larger model than the {:.0f} numbers stored", path.string(), stored);
  Decoder decoder = zeros(config);
  Origin origin;
  origin.tensors = load_weights(decoder, dir);
  account_for_all(dir, origin.tensors, config);
  origin.config = dir.config();
  origin.folder = std::filesystem::absolute(path).lexically_normal();
  read_others(origin, path);
  decoder.origin = std::make_shared<const Origin>(std::move(origin));
  return decoder;
}

Model open(const std::filesystem::path& path) {
  Model model{open_decoder(path), text::Tokenizer::load(path / "tokenizer.json"), text::ChatTemplate::load(path)};
  const int64_t vocab = model.decoder.config.vocab;
  require(model.tokenizer.size() <= vocab, ErrorKind::format,
          "{}: tokenizer.json has {} tokens but config.json says vocab_size {}", path.string(), model.tokenizer.size(),
          vocab);
  Origin origin = *model.decoder.origin;
  origin.tokenizer = model.tokenizer.file_text();
  model.tokenizer = with_roles_of(origin, model.tokenizer, path.string());
  model.decoder.origin = std::make_shared<const Origin>(std::move(origin));
  return model;
}

std::vector<int32_t> end_ids(const Model& model) {
  std::vector<int32_t> ids;
  if (model.tokenizer.has_end()) ids.push_back(model.tokenizer.end());
  const Origin* origin = model.decoder.origin.get();
  if (origin == nullptr) return ids;
  const auto names = [](const Json& config) { return config.is_object() && config.contains("eos_token_id"); };
  const Json& config = names(origin->generation_config) ? origin->generation_config : origin->config;
  if (!names(config)) return ids;
  const Json& value = config["eos_token_id"];
  for (const Json& id : value.is_array() ? value : Json::array({value})) {
    if (!id.is_number_unsigned() || id.get<uint64_t>() >= static_cast<uint64_t>(model.tokenizer.size())) continue;
    if (std::find(ids.begin(), ids.end(), id.get<int32_t>()) == ids.end()) ids.push_back(id.get<int32_t>());
  }
  return ids;
}

Decoder rounded_as_stored(const Decoder& decoder) {
  const auto is_narrow = [](const Origin::Stored& tensor) { return tensor.dtype != checkpoint::Dtype::f32; };
  if (!decoder.origin) return decoder;
  const auto& stored = decoder.origin->tensors;
  if (std::none_of(stored.begin(), stored.end(), is_narrow)) return decoder;
  Decoder rounded = copy(decoder);
  const auto tensors = hf_tensors(rounded);
  for (std::size_t i = 0; i < tensors.size(); ++i)
    if (is_narrow(stored.at(i))) tensors[i].view.copy_(converted(tensors[i], stored[i].dtype));
  return rounded;
}

void save(const std::filesystem::path& dir, const Decoder& decoder, const text::Tokenizer& tokenizer,
          const text::ChatTemplate* chat) {
  checkpoint::ModelFiles files;
  const Origin* origin = decoder.origin.get();
  const bool same_tokenizer = origin && origin->tokenizer == tokenizer.file_text();
  if (origin) {
    files.config = origin->config;
    files.generation_config = origin->generation_config;
    if (same_tokenizer) files.others = origin->others;
  } else {
    files.config = to_json(decoder.config);
    for (const auto& [key, id] : {std::pair{"bos_token_id", tokenizer.bos()},
                                  {"eos_token_id", tokenizer.end()},
                                  {"pad_token_id", tokenizer.pad()}})
      files.config[key] = files.generation_config[key] = id;
    files.generation_config["do_sample"] = false;
    files.generation_config["max_length"] = decoder.config.context;
  }
  if (decoder.scalar()) {
    files.generation_config = nullptr;  // it generates nothing
    // Transformers finds the last token of a padded row by it.
    const auto pad = tokenizer.find("<pad>");
    if (!files.config.contains("pad_token_id") && (pad || tokenizer.has_end()))
      files.config["pad_token_id"] = pad ? *pad : tokenizer.end();
  }
  files.tokenizer = tokenizer.to_json();
  if (chat != nullptr && !same_tokenizer) {
    files.others["chat_template.jinja"] = chat->source();
    files.others["tokenizer_config.json"] = base::dump(chat->special_tokens(), 2) + "\n";
  }
  const auto tensors = hf_tensors(decoder);
  std::vector<at::Tensor> kept;  // contiguous copies must outlive the write
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const auto stored = origin ? origin->tensors.at(i) : Origin::Stored{tensors[i].name, checkpoint::Dtype::f32};
    kept.push_back(converted(tensors[i], stored.dtype));
    files.tensors.push_back({stored.name, stored.dtype, kept.back().sizes().vec(), kept.back().data_ptr()});
  }
  checkpoint::write_model_dir(dir, files);
}

}  // namespace hone::models
