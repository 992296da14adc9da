// A decoder and its tokenizer, in and out of Hugging Face-shaped folders.
#pragma once

#include "hone/models/decoder.h"
#include "hone/text/tokenizer.h"

#include <filesystem>

namespace hone::models {

struct Model {
  Decoder decoder;
  text::Tokenizer tokenizer;
};

/// One tensor of the Hugging Face file as a view of ours: transposed for GPT-2's Conv1D, a slice of a fused matrix for
/// Llama's q/k/v and gate/up. Copying into or out of the view converts.
struct HfTensor {
  std::string name;
  at::Tensor view;
};
std::vector<HfTensor> hf_tensors(const Decoder& model);

/// Reads a model folder. Every tensor of the file is used or named in an error.
/// Errors: io (missing files), format (config, shapes, names, tokenizer that doesn't fit the vocabulary), numeric
/// (non-finite weights).
Model open(const std::filesystem::path& dir);

/// Writes config.json, model.safetensors, tokenizer.json and generation_config.json in one rename.
/// Errors: usage if `dir` exists and is not empty; io.
void save(const std::filesystem::path& dir, const Decoder& decoder, const text::Tokenizer& tokenizer);

}  // namespace hone::models
