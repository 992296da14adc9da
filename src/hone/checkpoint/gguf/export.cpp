#include "hone/checkpoint/gguf/export.h"

#include "hone/base/error.h"
#include "hone/base/files.h"
#include "hone/checkpoint/gguf/names.h"
#include "hone/checkpoint/gguf/quantise.h"
#include "hone/checkpoint/gguf/vocabulary.h"
#include "hone/text/chat_template.h"

#include <algorithm>
#include <array>

namespace hone::checkpoint::gguf {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMostTokenizerBytes = uint64_t{256} << 20;

// GPT-2's first release stores names without "transformer.".
const TensorInfo& stored(const ModelDir& model, const std::string& name) {
  constexpr std::string_view kRoot = "transformer.";
  const TensorInfo* found = model.find(name);
  if (found == nullptr && name.starts_with(kRoot)) found = model.find(std::string_view(name).substr(kRoot.size()));
  require(found != nullptr, ErrorKind::format, "{}: there is no tensor {}", model.path().string(), quote_name(name));
  return *found;
}

std::vector<int64_t> shape_of(const TensorInfo& tensor, const Origin& origin, const ModelDir& model) {
  std::vector<int64_t> shape = tensor.shape;
  const bool matrix = shape.size() == 2;
  require(matrix || (shape.size() == 1 && origin.arrange == Arrange::as_is), ErrorKind::format,
          "{}: tensor {} has the shape {}, expected {}", model.path().string(), quote_name(tensor.name),
          shape_text(shape), origin.arrange == Arrange::as_is ? "a vector or a matrix" : "a matrix");
  require(std::all_of(shape.begin(), shape.end(), [](int64_t size) { return size > 0; }), ErrorKind::format,
          "{}: tensor {} is empty", model.path().string(), quote_name(tensor.name));
  if (origin.arrange == Arrange::transpose) std::swap(shape[0], shape[1]);
  require(origin.arrange != Arrange::interleave || shape[0] % (2 * origin.heads) == 0, ErrorKind::format,
          "{}: tensor {} has {} rows for {} heads", model.path().string(), quote_name(tensor.name), shape[0],
          origin.heads);
  return shape;
}

TensorType type_for(const Origin& origin, const std::vector<int64_t>& shape, TensorType wanted) {
  if (origin.full || shape.size() == 1) return TensorType::f32;
  if (wanted == TensorType::q8_0 && shape.back() % 32 != 0) return TensorType::f16;
  return wanted;
}

std::vector<float> transposed(std::span<const float> matrix, int64_t rows, int64_t columns) {
  std::vector<float> out(matrix.size());
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t column = 0; column < columns; ++column) {
      out[static_cast<std::size_t>(column * rows + row)] = matrix[static_cast<std::size_t>(row * columns + column)];
    }
  }
  return out;
}

std::vector<float> load(const ModelDir& model, const Origin& origin) {
  const TensorInfo& tensor = stored(model, origin.source);
  std::vector<float> values(static_cast<std::size_t>(tensor.elements()));
  model.read_floats(tensor.name, tensor.shape, values);
  if (origin.arrange == Arrange::transpose) return transposed(values, tensor.shape[0], tensor.shape[1]);
  if (origin.arrange == Arrange::interleave) return interleave_rotary(values, tensor.shape[0], origin.heads);
  return values;
}

uint32_t file_type(TensorType type) { return type == TensorType::f32 ? 0 : type == TensorType::f16 ? 1 : 7; }

void add_shape(Metadata& keys, const Shape& shape) {
  const std::string root = shape.architecture + ".";
  const auto whole = [&](const char* name, int64_t number) {
    keys.emplace_back(root + name, of_u32(static_cast<uint32_t>(number)));
  };
  whole("vocab_size", shape.vocab);
  whole("context_length", shape.context);
  whole("embedding_length", shape.width);
  whole("block_count", shape.layers);
  whole("feed_forward_length", shape.mlp);
  whole("attention.head_count", shape.heads);
  whole("attention.head_count_kv", shape.kv_heads);
  if (shape.architecture == "gpt2") {
    keys.emplace_back(root + "attention.layer_norm_epsilon", of_f32(static_cast<float>(shape.norm_eps)));
    return;
  }
  keys.emplace_back(root + "attention.layer_norm_rms_epsilon", of_f32(static_cast<float>(shape.norm_eps)));
  keys.emplace_back(root + "rope.freq_base", of_f32(static_cast<float>(shape.rope_theta)));
  whole("rope.dimension_count", shape.head_dim);
  whole("attention.key_length", shape.head_dim);
  whole("attention.value_length", shape.head_dim);
}

// bos_token_id and its like: a number, or a list whose first one counts.
void add_token_id(Metadata& keys, const Json& config, const char* from, const char* to, int64_t vocab) {
  const auto found = config.find(from);
  if (found == config.end()) return;
  const Json& id = found->is_array() && !found->empty() ? (*found)[0] : *found;
  if (!id.is_number_integer()) return;
  const int64_t number = base::get_int(Json{{from, id}}, from, 0, vocab - 1, "config.json");
  keys.emplace_back(fmt::format("tokenizer.ggml.{}", to), of_u32(static_cast<uint32_t>(number)));
}

// Left to llama.cpp's default for this kind of tokenizer when the folder doesn't say.
void add_bos_rule(Metadata& keys, const fs::path& path) {
  std::error_code code;
  if (!fs::exists(path, code)) return;
  const Json config = base::parse_json(base::read_file(path, kMostTokenizerBytes), path.string());
  const auto found = config.is_object() ? config.find("add_bos_token") : config.end();
  if (config.is_object() && found != config.end() && found->is_boolean()) {
    keys.emplace_back("tokenizer.ggml.add_bos_token", of_bool(found->get<bool>()));
  }
}

void add_tokenizer(Metadata& keys, const ModelDir& model, int64_t vocab, std::vector<std::string>& notes) {
  const fs::path path = model.path() / "tokenizer.json";
  std::error_code code;
  Vocabulary vocabulary{{{"tokenizer.ggml.model", of_text("none")}}, "the folder has no tokenizer.json"};
  if (fs::exists(path, code)) {
    const Json json = base::parse_json(base::read_file(path, kMostTokenizerBytes), path.string());
    vocabulary = read_vocabulary(json, vocab, path.string());
  }
  keys.insert(keys.end(), vocabulary.keys.begin(), vocabulary.keys.end());
  if (!vocabulary.lacking.empty()) {
    notes.push_back("no tokenizer in the file, so it works on token ids alone: " + vocabulary.lacking);
    return;
  }
  add_token_id(keys, model.config(), "bos_token_id", "bos_token_id", vocab);
  add_token_id(keys, model.config(), "eos_token_id", "eos_token_id", vocab);
  add_token_id(keys, model.config(), "pad_token_id", "padding_token_id", vocab);
  add_bos_rule(keys, model.path() / "tokenizer_config.json");
  if (const auto chat = text::ChatTemplate::load(model.path())) {
    keys.emplace_back("tokenizer.chat_template", of_text(chat->source()));
  }
}

}  // namespace

std::vector<float> interleave_rotary(std::span<const float> matrix, int64_t rows, int64_t heads) {
  require(rows > 0 && heads > 0 && rows % (2 * heads) == 0, ErrorKind::internal, "{} rows for {} heads", rows, heads);
  const int64_t half = rows / heads / 2, width = static_cast<int64_t>(matrix.size()) / rows;
  std::vector<float> out;
  out.reserve(matrix.size());
  for (int64_t head = 0; head < heads; ++head) {
    for (int64_t i = 0; i < half; ++i) {
      for (int64_t j = 0; j < 2; ++j) {
        const auto row = matrix.subspan(static_cast<std::size_t>(((head * 2 + j) * half + i) * width),
                                        static_cast<std::size_t>(width));
        out.insert(out.end(), row.begin(), row.end());
      }
    }
  }
  return out;
}

Exported export_model(const ModelDir& model, const fs::path& out, TensorType type) {
  require(type == TensorType::f32 || type == TensorType::f16 || type == TensorType::q8_0, ErrorKind::usage,
          "GGUF is written as f32, f16 or q8_0");
  const Shape shape = read_shape(model.config(), (model.path() / "config.json").string());
  const std::vector<Origin> all = origins(shape);
  Exported result;
  std::vector<Tensor> tensors;
  int64_t fallen_back = 0;
  for (const Origin& origin : all) {
    Tensor tensor{origin.name, type, shape_of(stored(model, origin.source), origin, model)};
    tensor.type = type_for(origin, tensor.shape, type);
    fallen_back += type == TensorType::q8_0 && tensor.type == TensorType::f16 ? 1 : 0;
    result.bytes += byte_count(tensor);
    tensors.push_back(std::move(tensor));
  }
  if (fallen_back > 0) {
    result.notes.push_back(fmt::format("{} matrices have rows that are no multiple of 32 and stay f16", fallen_back));
  }
  const fs::path folder = fs::absolute(model.path()).lexically_normal();
  Metadata keys = {{"general.architecture", of_text(shape.architecture)},
                   {"general.name", of_text(folder.has_filename() ? folder.filename().string()
                                                                  : folder.parent_path().filename().string())},
                   {"general.file_type", of_u32(file_type(type))}};
  if (type == TensorType::q8_0) keys.emplace_back("general.quantization_version", of_u32(2));
  add_shape(keys, shape);
  add_tokenizer(keys, model, shape.vocab, result.notes);
  write(out, keys, tensors, [&](std::size_t index, const std::function<void(std::string_view)>& add) {
    add(encode(load(model, all[index]), tensors[index].type));
  });
  result.tensors = static_cast<int64_t>(tensors.size());
  result.bytes = fs::file_size(out);
  return result;
}

}  // namespace hone::checkpoint::gguf
