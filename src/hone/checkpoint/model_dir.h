// A Hugging Face model folder: config.json, model.safetensors (or shards with an index), tokenizer.json,
// generation_config.json. Knows names and bytes; what they mean is models/'s business.
#pragma once

#include "hone/base/json.h"
#include "hone/checkpoint/safetensors.h"

#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hone::checkpoint {

/// config.json out of its text: an object. Errors: format, naming `where`.
Json parse_config(std::string_view text, std::string_view where);

/// (tensor, shard) pairs, in order of the tensors' names.
using WeightMap = std::vector<std::pair<std::string, std::string>>;

/// The weight_map of a model.safetensors.index.json; other members are skipped. Errors: format — bad JSON, no
/// weight_map, a tensor twice, a shard name that is not a plain file name (a path would leave the folder).
WeightMap parse_index(std::string_view text, std::string_view where);

/// An opened model folder.
class ModelDir {
 public:
  /// Reads model.safetensors or, where there is none, the shards that model.safetensors.index.json names. Links are
  /// followed (a Hugging Face cache consists of them). Tensors that the index leaves out are read all the same.
  /// Errors: io if the folder, config.json or the weights are missing (with what was found there); format for a bad
  /// config, index or shard (a shard name with a path in it, a tensor that the index promises and the shard lacks, a
  /// tensor in two shards).
  explicit ModelDir(const std::filesystem::path& dir);

  const std::filesystem::path& path() const { return path_; }
  const Json& config() const { return config_; }
  /// Every tensor of all shards, in order of their names.
  std::vector<const TensorInfo*> tensors() const;
  /// nullptr when there is none of that name.
  const TensorInfo* find(std::string_view name) const;
  /// Bytes of a tensor as they are stored; `out` must have end - begin bytes.
  /// Errors: format if there is no such tensor, with the nearest name; io.
  void read(std::string_view name, std::span<std::byte> out) const;
  /// Whether two tensors have the same dtype, shape and bytes. Memory: half a megabyte. Errors: format, io.
  bool same(std::string_view a, std::string_view b) const;
  /// As float32. Errors: format if there is no such tensor, with the nearest name, or if `shape` is not the tensor's,
  /// naming both; numeric for non-finite weights; io.
  void read_floats(std::string_view name, std::span<const int64_t> shape, std::span<float> out) const;

 private:
  struct Entry {
    const SafetensorsFile* file;
    const TensorInfo* tensor;
  };
  const Entry& entry(std::string_view name) const;
  void open_shards(const std::filesystem::path& index_path);
  void add_file(const std::filesystem::path& path);
  std::filesystem::path path_;
  Json config_;
  std::vector<std::unique_ptr<SafetensorsFile>> files_;
  std::map<std::string, Entry, std::less<>> index_;
};

/// What a model folder is made of; null members are not written.
struct ModelFiles {
  Json config, tokenizer, generation_config;
  std::vector<TensorData> tensors;
  std::map<std::string, std::string> others = {};  ///< further files, by plain name
};

/// Writes a model folder in one rename. Errors: usage if `dir` exists and is not empty; io (disk full, …), with nothing
/// left behind; internal if `config` is not an object.
void write_model_dir(const std::filesystem::path& dir, const ModelFiles& files);

}  // namespace hone::checkpoint
