// A Hugging Face model folder as one GGUF file.
#pragma once

#include "hone/checkpoint/gguf/format.h"
#include "hone/checkpoint/model_dir.h"

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace hone::checkpoint::gguf {

/// What was written.
struct Exported {
  uint64_t bytes = 0;
  int64_t tensors = 0;
  std::vector<std::string> notes;  ///< what a user should know, e.g. that there is no tokenizer
};

/// Writes `out` from `model`. Matrices get `type` (f32, f16 or q8_0); norms, biases and position embeddings stay f32; a
/// matrix whose rows are no multiple of 32 falls back from q8_0 to f16, which is noted. One tensor at a time is in
/// memory.
/// Errors: format for a config, tensor or tokenizer that can't be exported; numeric for weights that are not finite or
/// beyond f16; usage for another type; io, with nothing left behind.
Exported export_model(const ModelDir& model, const std::filesystem::path& out, TensorType type);

/// Rows of [heads·d, in] as llama.cpp's rotary embedding wants them: row h·d + 2i + j is row h·d + j·d/2 + i of the
/// input. Errors: internal unless `rows` is a multiple of 2·heads.
std::vector<float> interleave_rotary(std::span<const float> matrix, int64_t rows, int64_t heads);

}  // namespace hone::checkpoint::gguf
