// A decoder and its tokenizer, in and out of Hugging Face-shaped folders.
#pragma once

#include "hone/base/json.h"
#include "hone/checkpoint/safetensors.h"
#include "hone/models/decoder.h"
#include "hone/text/chat_template.h"
#include "hone/text/tokenizer.h"

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace hone::models {

struct Model {
  Decoder decoder;
  text::Tokenizer tokenizer;
  std::optional<text::ChatTemplate> chat = std::nullopt;  ///< the folder's own format for conversations

  const text::ChatTemplate* chat_format() const { return chat ? &*chat : nullptr; }
};

/// What of a model folder is not in the decoder, kept to be written back: names and dtypes of the stored tensors (in
/// the order of hf_tensors), both configs with the keys that hone doesn't understand, and the files beside them.
struct Origin {
  struct Stored {
    std::string name;
    checkpoint::Dtype dtype = checkpoint::Dtype::f32;
  };
  std::vector<Stored> tensors;
  Json config, generation_config;             ///< the latter null where there was none
  std::map<std::string, std::string> others;  ///< tokenizer_config.json, chat_template.jinja, …: name and bytes
  std::string tokenizer;                      ///< bytes of the tokenizer.json that those files belong to
  std::filesystem::path folder;               ///< where it was read from, absolute
};

/// One tensor of the Hugging Face file as a view of ours: transposed for GPT-2's Conv1D, a slice of a fused matrix for
/// Llama's q/k/v and gate/up. Copying into or out of the view converts.
struct HfTensor {
  std::string name;
  at::Tensor view;
};
std::vector<HfTensor> hf_tensors(const Decoder& model);

/// Reads a model folder. Weights in float32, float16 or bfloat16 become float32, straight in their place. Every tensor
/// of the file is used, or is a buffer or a copy that holds nothing of its own, or is named in an error. Names may lack
/// the "transformer." or "model." in front. The tokenizer gets the roles that tokenizer_config.json,
/// generation_config.json or config.json name.
/// Errors: io (missing files), format (config, shapes, dtypes, names, a head that differs from the embedding it is tied
/// to, a tokenizer that doesn't fit the vocabulary), numeric (non-finite weights).
Model open(const std::filesystem::path& dir);
/// The same without the tokenizer, which may be missing.
Decoder open_decoder(const std::filesystem::path& dir);

/// Tokens that end a text of this model: the tokenizer's, and those that generation_config.json, or else config.json,
/// of the folder it was read from lists as eos_token_id. In this order, each once; may be empty.
std::vector<int32_t> end_ids(const Model& model);

/// The decoder with its weights rounded to what save() stores them as, so that what is read back is equal: in storage
/// of its own for a model that was read as float16 or bfloat16, the given one otherwise. Errors: numeric as save().
Decoder rounded_as_stored(const Decoder& decoder);

/// Writes config.json, model.safetensors, tokenizer.json and generation_config.json in one rename. A decoder that was
/// read from a folder is written as it was found there: names, dtypes, config and, with the same tokenizer, the files
/// beside them; several shards become one. An adapter is left out. Otherwise `chat` adds chat_template.jinja and the special tokens it names.
/// Errors: usage if `dir` exists and is not empty; numeric, naming the tensor, for a weight beyond the range of
/// float16; io.
void save(const std::filesystem::path& dir, const Decoder& decoder, const text::Tokenizer& tokenizer,
          const text::ChatTemplate* chat = nullptr);

}  // namespace hone::models
