#include "hone/checkpoint/gguf/export.h"

#include "hone/checkpoint/gguf/quantise.h"
#include "hone/checkpoint/half.h"
#include "hone/checkpoint/test_files.h"

#include <cmath>
#include <cstring>

namespace hone::checkpoint::gguf {
namespace {

namespace fs = std::filesystem;

// src/hone/checkpoint/gguf/export_test.cpp → tests/golden
fs::path golden(const std::string& name) {
  fs::path root = fs::absolute(__FILE__);
  for (int up = 0; up < 5; ++up) root = root.parent_path();
  return root / "tests" / "golden" / name;
}

const Tensor& find(const Header& header, std::string_view name) {
  for (const Tensor& tensor : header.tensors) {
    if (tensor.name == name) return tensor;
  }
  throw std::runtime_error("no tensor " + std::string(name));
}

std::vector<float> numbers(const fs::path& path, const Header& header, const Tensor& tensor) {
  const std::string bytes = read_bytes(path).substr(header.data_begin + tensor.begin, tensor.bytes);
  int64_t count = 1;
  for (const int64_t size : tensor.shape) count *= size;
  std::vector<float> values(static_cast<std::size_t>(count));
  if (tensor.type == TensorType::q8_0) {
    from_q8_0(bytes, values);
  } else {
    for (std::size_t i = 0; i < values.size(); ++i) {
      uint16_t half = 0;
      if (tensor.type == TensorType::f16) {
        std::memcpy(&half, bytes.data() + 2 * i, 2);
        values[i] = half_to_float(half);
      } else {
        std::memcpy(&values[i], bytes.data() + 4 * i, 4);
      }
    }
  }
  return values;
}

std::vector<float> original(const ModelDir& model, const std::string& name) {
  const TensorInfo* info = model.find(name);
  std::vector<float> values(static_cast<std::size_t>(info->elements()));
  model.read_floats(name, info->shape, values);
  return values;
}

// Two heads of 4 rows, one number each: row 4h + 2i + j comes from 4h + 2j + i, so 0 1 2 3 becomes 0 2 1 3.
TEST(GgufExport, RotaryRowsByHand) {
  const std::vector<float> rows = {0, 1, 2, 3, 4, 5, 6, 7};
  EXPECT_EQ(interleave_rotary(rows, 8, 2), (std::vector<float>{0, 2, 1, 3, 4, 6, 5, 7}));
}

TEST(GgufExport, LlamaInFullPrecision) {
  const TempFolder folder;
  const ModelDir model(golden("llama-tiny"));
  const Exported exported = export_model(model, folder / "m.gguf", TensorType::f32);
  ASSERT_EQ(exported.notes.size(), 1u);
  EXPECT_NE(exported.notes[0].find("symbol vocabulary"), std::string::npos);
  const Header header = read_header(folder / "m.gguf");
  EXPECT_EQ(*header.find("llama.attention.head_count_kv"), of_u32(2));
  EXPECT_EQ(*header.find("llama.rope.freq_base"), of_f32(500));
  EXPECT_EQ(*header.find("tokenizer.ggml.model"), of_text("none"));
  EXPECT_EQ(numbers(folder / "m.gguf", header, find(header, "output.weight")), original(model, "lm_head.weight"));
  EXPECT_EQ(numbers(folder / "m.gguf", header, find(header, "blk.1.ffn_down.weight")),
            original(model, "model.layers.1.mlp.down_proj.weight"));
  EXPECT_EQ(numbers(folder / "m.gguf", header, find(header, "blk.1.attn_k.weight")),
            interleave_rotary(original(model, "model.layers.1.self_attn.k_proj.weight"), 16, 2));
}

TEST(GgufExport, Gpt2MatricesAreTransposed) {
  const TempFolder folder;
  const ModelDir model(golden("gpt2-tiny"));
  export_model(model, folder / "m.gguf", TensorType::f32);
  const Header header = read_header(folder / "m.gguf");
  const Tensor& qkv = find(header, "blk.0.attn_qkv.weight");
  EXPECT_EQ(qkv.shape, (std::vector<int64_t>{96, 32}));
  const std::vector<float> ours = numbers(folder / "m.gguf", header, qkv);
  const std::vector<float> theirs = original(model, "transformer.h.0.attn.c_attn.weight");
  for (std::size_t out = 0; out < 96; ++out) {
    for (std::size_t in = 0; in < 32; ++in) ASSERT_EQ(ours[out * 32 + in], theirs[in * 96 + out]);
  }
  EXPECT_EQ(numbers(folder / "m.gguf", header, find(header, "output.weight")),
            original(model, "transformer.wte.weight"));
}

TEST(GgufExport, SmallerTypesKeepNormsExact) {
  const TempFolder folder;
  const ModelDir model(golden("llama-tiny"));
  for (const TensorType type : {TensorType::f16, TensorType::q8_0}) {
    export_model(model, folder / "m.gguf", type);
    const Header header = read_header(folder / "m.gguf");
    EXPECT_EQ(find(header, "blk.0.attn_norm.weight").type, TensorType::f32);
    const Tensor& down = find(header, "blk.0.ffn_down.weight");
    EXPECT_EQ(down.type, type);
    const std::vector<float> exact = original(model, "model.layers.0.mlp.down_proj.weight");
    const std::vector<float> stored = numbers(folder / "m.gguf", header, down);
    float largest = 0;
    for (const float value : exact) largest = std::max(largest, std::fabs(value));
    for (std::size_t i = 0; i < exact.size(); ++i) ASSERT_NEAR(stored[i], exact[i], largest * (1.0f / 254 + 0x1p-11f));
  }
  expect_error(ErrorKind::usage, {"f32, f16 or q8_0"}, [&] { export_model(model, folder / "x", TensorType::q4_0); });
}

}  // namespace
}  // namespace hone::checkpoint::gguf
