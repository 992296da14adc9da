// A decoder and its tokenizer, in and out of Hugging Face-shaped folders.
#pragma once

#include "hone/models/decoder.h"
#include "hone/text/chat_template.h"
#include "hone/text/tokenizer.h"

#include <filesystem>
#include <optional>

namespace hone::models {

struct Model {
  Decoder decoder;
  text::Tokenizer tokenizer;
  std::optional<text::ChatTemplate> chat = std::nullopt;  ///< the folder's own format for conversations

  const text::ChatTemplate* chat_format() const { return chat ? &*chat : nullptr; }
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

/// Writes config.json, model.safetensors, tokenizer.json and generation_config.json in one rename; with `chat` also
/// chat_template.jinja and the special tokens it names.
/// Errors: usage if `dir` exists and is not empty; io.
void save(const std::filesystem::path& dir, const Decoder& decoder, const text::Tokenizer& tokenizer,
          const text::ChatTemplate* chat = nullptr);

}  // namespace hone::models
