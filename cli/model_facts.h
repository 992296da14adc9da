// What `hone show` says of a model folder without reading its weights in full.
#pragma once

#include "hone/base/json.h"
#include "hone/checkpoint/model_dir.h"
#include "hone/models/decoder_config.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace hone::cli {

/// Bytes that working with a model takes in float32 on the CPU; activations come on top.
struct ModelMemory {
  uint64_t inference = 0;    ///< weights
  uint64_t cache_token = 0;  ///< keys and values of one token of context
  uint64_t lora = 0;         ///< weights; adapters of rank 8 on queries and values, their gradients and two moments
  uint64_t full = 0;         ///< weights, gradients and two moments
};

struct ModelFacts {
  std::string type;                             ///< model_type
  std::optional<models::DecoderConfig> config;  ///< empty when hone can't run it
  std::string unsupported;                      ///< why it can't
  int64_t parameters = 0;                       ///< without buffers and copies
  std::map<std::string, int64_t> dtypes;        ///< numbers by dtype
  std::optional<ModelMemory> memory;
};

/// Errors: none of its own; a config that hone doesn't support is a fact.
ModelFacts model_facts(const checkpoint::ModelDir& model);

/// "2 layers · width 32 · 4 heads of 8, 2 of keys and values · …"
std::string architecture_text(const models::DecoderConfig& config);

/// {"kind", "tokens"} of tokenizer.json, of large ones without building the tokenizer; null when there is none.
/// Errors: format, io.
Json tokenizer_facts(const std::filesystem::path& dir);

/// {"file", "bytes", "sha256"} of chat_template.jinja or of the template in tokenizer_config.json; null when there is
/// none. Errors: format, io.
Json template_facts(const std::filesystem::path& dir);

/// Whether large files are read in full.
enum class Hashing { sampled, full };
/// {"file", "bytes", "sha256" or "sample_sha256"} of every file. A sample is the SHA-256 of a large file's size in
/// decimal digits and 256 blocks of 4096 bytes, block i at the offset ⌊i·(size − 4096)/255⌋: it tells models apart
/// after any training, but not a file that was changed in one place. Errors: io.
Json file_facts(const std::filesystem::path& dir, Hashing hashing);

}  // namespace hone::cli
