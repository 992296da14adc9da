#include "cli/model_facts.h"

#include "cli/console.h"
#include "hone/base/files.h"
#include "hone/base/sha256.h"
#include "hone/checkpoint/io.h"
#include "hone/checkpoint/json_events.h"
#include "hone/models/hf_config.h"
#include "hone/text/tokenizer.h"

#include <algorithm>

namespace hone::cli {
namespace {

namespace fs = std::filesystem;

// Building a tokenizer or hashing a file of this size takes longer than a person should wait for `hone show`.
constexpr uint64_t kLargeTokenizer = uint64_t{1} << 20, kLargeFile = uint64_t{8} << 20;
constexpr uint64_t kMostBytes = uint64_t{256} << 20;

// {"model": {"type": "BPE", "vocab": {token: id} or [[token, score], …]}, "added_tokens": [{"id": …}], …}
class TokenizerGlance : public checkpoint::JsonEvents {
 public:
  std::string type;
  int64_t tokens() const { return std::max(largest_ + 1, pieces_); }

  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(int64_t) override { return true; }
  bool number_unsigned(uint64_t value) override {
    const bool is_added = path_.size() == 3 && path_[0] == "added_tokens" && path_[2] == "id";
    const bool is_id = is_added || in("model", "vocab", 3);
    if (is_id) largest_ = std::max(largest_, static_cast<int64_t>(std::min<uint64_t>(value, INT32_MAX)));
    return true;
  }
  bool number_float(double, const std::string&) override { return true; }
  bool string(std::string& value) override {
    if (in("model", "type", 2)) type = value;
    return true;
  }
  bool start_object(std::size_t) override { return open(); }
  bool start_array(std::size_t) override {
    if (in("model", "vocab", 3)) ++pieces_;
    return open();
  }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool key(std::string& name) override {
    path_.back() = name;
    return true;
  }

 private:
  // path_ holds the last key of every open object, and "" for every open list.
  bool in(std::string_view outer, std::string_view inner, std::size_t depth) const {
    return path_.size() == depth && path_[0] == outer && path_[1] == inner;
  }
  bool open() {
    require(path_.size() < base::kMaxJsonDepth, ErrorKind::format, "{}: nested deeper than {} levels", where(),
            base::kMaxJsonDepth);
    path_.emplace_back();
    return true;
  }
  bool close() {
    path_.pop_back();
    return true;
  }
  std::string expected() const override { return "a tokenizer must be one JSON object"; }

  std::vector<std::string> path_;
  int64_t largest_ = -1, pieces_ = 0;
};

ModelMemory memory_of(const models::DecoderConfig& c, int64_t parameters) {
  constexpr uint64_t kFloat = 4, kRank = 8;
  const auto size = [](int64_t n) { return static_cast<uint64_t>(n); };
  const uint64_t q = size(c.heads * c.head_dim), kv = size(c.kv_heads * c.head_dim);
  const uint64_t adapters = size(c.layers) * kRank * (2 * size(c.width) + q + kv);
  ModelMemory memory;
  memory.inference = kFloat * size(parameters);
  memory.cache_token = kFloat * 2 * size(c.layers) * kv;
  memory.lora = memory.inference + 4 * kFloat * adapters;
  memory.full = 4 * kFloat * size(parameters);
  return memory;
}

std::string sampled_hash(const fs::path& path, uint64_t size) {
  constexpr uint64_t kBlocks = 256, kBlock = 4096;
  const checkpoint::InFile file(path);
  base::Sha256 hash;
  hash.add(std::to_string(size));
  std::vector<char> block(kBlock);
  for (uint64_t i = 0; i < kBlocks; ++i) {
    // Divided first: a file may have more than 2^56 bytes as far as this arithmetic knows.
    const uint64_t room = size - kBlock, offset = room / (kBlocks - 1) * i + room % (kBlocks - 1) * i / (kBlocks - 1);
    file.read(offset, std::as_writable_bytes(std::span(block)));
    hash.add(std::string_view(block.data(), block.size()));
  }
  return hash.hex();
}

std::string rope_text(const models::DecoderConfig& c) {
  constexpr const char* kNames[] = {"", " linear", " dynamic", " llama3", " yarn"};
  const auto type = static_cast<std::size_t>(c.rope.type);
  return fmt::format(" · rope {:g}{}", c.rope_theta,
                     type == 0 ? "" : fmt::format("{} ×{:g}", kNames[type], c.rope.factor));
}

}  // namespace

ModelFacts model_facts(const checkpoint::ModelDir& model) {
  ModelFacts facts;
  const std::string where = (model.path() / "config.json").string();
  try {
    facts.type = models::model_type_of(model.config(), where);
    facts.config = models::config_from_json(model.config(), where);
  } catch (const Error& error) {
    facts.unsupported = error.what();
    if (facts.type.empty()) facts.type = "unknown";
    const auto type = model.config().find("model_type");
    if (type != model.config().end() && type->is_string()) facts.type = type->get<std::string>();
  }
  for (const checkpoint::TensorInfo* tensor : model.tensors()) {
    if (facts.config &&
        (models::is_buffer(tensor->name, *facts.config) || (facts.config->tied && tensor->name == "lm_head.weight")))
      continue;
    facts.parameters += tensor->elements();
    facts.dtypes[checkpoint::name_of(tensor->dtype)] += tensor->elements();
  }
  if (facts.config) facts.memory = memory_of(*facts.config, facts.parameters);
  return facts;
}

std::string architecture_text(const models::DecoderConfig& c) {
  std::string text = fmt::format("{} layers · width {} · {} heads of {}", c.layers, c.width, c.heads, c.head_dim);
  if (c.kv_heads != c.heads) text += fmt::format(", {} of keys and values", c.kv_heads);
  text += fmt::format(" · mlp {} · context {} · vocabulary {}", c.mlp, count_text(c.context), count_text(c.vocab));
  if (c.family == models::Family::llama) text += rope_text(c);
  const auto sliding = std::count_if(c.windows.begin(), c.windows.end(), [](int64_t w) { return w > 0; });
  if (sliding > 0) {
    text += fmt::format(" · window {}", count_text(*std::max_element(c.windows.begin(), c.windows.end())));
    if (sliding < c.layers) text += fmt::format(" in {} layers", sliding);
  }
  if (c.qk_norm) text += " · normed queries and keys";
  if (c.scalar) return text + " · a scalar head";
  return text + (c.tied ? " · tied head" : " · own head");
}

Json tokenizer_facts(const fs::path& dir) {
  const fs::path path = dir / "tokenizer.json";
  if (!fs::exists(path)) return nullptr;
  if (fs::file_size(path) < kLargeTokenizer) {
    const auto tokenizer = text::Tokenizer::load(path);
    return {{"kind", text::name_of(tokenizer.kind())}, {"tokens", tokenizer.size()}};
  }
  TokenizerGlance glance;
  glance.read(base::read_file(path, kMostBytes), path.string());
  return {{"kind", glance.type}, {"tokens", glance.tokens()}};
}

Json template_facts(const fs::path& dir) {
  const auto facts = [](const char* file, const std::string& text) -> Json {
    return {{"file", file}, {"bytes", text.size()}, {"sha256", base::sha256_hex(text)}};
  };
  const fs::path jinja = dir / "chat_template.jinja", config = dir / "tokenizer_config.json";
  if (fs::exists(jinja)) return facts("chat_template.jinja", base::read_file(jinja, kLargeFile));
  if (!fs::exists(config)) return nullptr;
  const Json json = base::parse_json(base::read_file(config, kMostBytes), config.string());
  const auto found = json.is_object() ? json.find("chat_template") : json.end();
  if (found == json.end() || found->is_null()) return nullptr;
  return facts("tokenizer_config.json", found->is_string() ? found->get<std::string>() : base::dump(*found));
}

Json file_facts(const fs::path& dir, Hashing hashing) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(dir)) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  Json list = Json::array();
  for (const fs::path& file : files) {
    const uint64_t bytes = fs::file_size(file);
    Json facts = {{"file", file.filename().string()}, {"bytes", bytes}};
    if (hashing == Hashing::sampled && bytes > kLargeFile) {
      facts["sample_sha256"] = sampled_hash(file, bytes);
    } else {
      facts["sha256"] = base::sha256_hex_of_file(file);
    }
    list.push_back(facts);
  }
  return list;
}

}  // namespace hone::cli
