#include "hone/checkpoint/model_dir.h"

#include "hone/base/error.h"
#include "hone/base/files.h"
#include "hone/base/text_match.h"
#include "hone/checkpoint/json_events.h"

#include <algorithm>
#include <system_error>

namespace hone::checkpoint {
namespace {

namespace fs = std::filesystem;

// Real configs stay below 2 MB (label tables), indices of the largest models below 20 MB.
constexpr uint64_t kMaxConfigBytes = uint64_t{16} << 20;
constexpr uint64_t kMaxIndexBytes = uint64_t{64} << 20;

// {"metadata": anything, "weight_map": {tensor: shard}}
class IndexReader : public JsonEvents {
 public:
  WeightMap map;
  bool has_map = false;

  bool null() override { return skip("null"); }
  bool boolean(bool) override { return skip("true or false"); }
  bool number_integer(int64_t value) override { return skip(fmt::format("{}", value)); }
  bool number_unsigned(uint64_t value) override { return skip(fmt::format("{}", value)); }
  bool number_float(double value, const std::string&) override { return skip(fmt::format("{}", value)); }
  bool start_array(std::size_t) override { return open("a list"); }
  bool end_array() override { return close(); }
  bool start_object(std::size_t) override { return open("an object"); }
  bool end_object() override { return close(); }

  bool key(std::string& name) override {
    if (depth_ == 1) {
      in_map_ = name == "weight_map";
      require(!in_map_ || !has_map, ErrorKind::format, "{}: \"weight_map\" appears twice", where());
      has_map = has_map || in_map_;
    } else if (in_map_) {
      map.emplace_back(std::move(name), std::string());
    }
    return true;
  }

  bool string(std::string& value) override {
    if (!in_map_ || depth_ != 2) return skip("a string");
    if (!is_plain_name(value)) {
      throw Error(ErrorKind::format,
                  fmt::format("{}: tensor {} is said to be in {}, which is not a plain file name", where(),
                              quote_name(map.back().first), quote_name(value)),
                  "a shard lies in the folder of its index; don't use an index that points elsewhere");
    }
    map.back().second = std::move(value);
    return true;
  }

 private:
  // A value outside the map, of no interest; anything but an object of strings is wrong in and above it.
  bool skip(std::string_view found) {
    if (depth_ == 0 || in_map_) refuse(found);
    return true;
  }

  bool open(std::string_view found) {
    const bool wanted = found == "an object" && (depth_ == 0 || (in_map_ && depth_ == 1));
    if (!wanted) skip(found);
    require(depth_ < base::kMaxJsonDepth, ErrorKind::format, "{}: nested deeper than {} levels", where(),
            base::kMaxJsonDepth);
    ++depth_;
    return true;
  }

  bool close() {
    if (--depth_ == 1) in_map_ = false;
    return true;
  }

  std::string expected() const override {
    if (depth_ == 0) return "an index must be one JSON object";
    if (depth_ == 1 || map.empty()) return "\"weight_map\" must be an object";
    return fmt::format("\"weight_map\" must give a file name for tensor {}", quote_name(map.back().first));
  }

  int depth_ = 0;
  bool in_map_ = false;
};

std::string listing(const fs::path& dir) {
  constexpr std::size_t kShown = 12;
  std::vector<std::string> names;
  std::error_code code;
  for (fs::directory_iterator it(dir, code), end; it != end && !code; it.increment(code)) {
    names.push_back(it->path().filename().string());
  }
  if (names.empty()) return "an empty folder";
  std::sort(names.begin(), names.end());
  const bool cut = names.size() > kShown;
  names.resize(std::min(names.size(), kShown));
  return fmt::format("{}{}", fmt::join(names, ", "), cut ? ", …" : "");
}

[[noreturn]] void fail_missing(const fs::path& dir, std::string_view what) {
  std::error_code code;
  std::string remedy =
      "a model folder holds config.json, model.safetensors (or shards with an index) and tokenizer.json";
  if (fs::exists(dir / "pytorch_model.bin", code) || fs::exists(dir / "pytorch_model.bin.index.json", code)) {
    remedy = "hone does not read pickles (they can run code); convert pytorch_model.bin to safetensors";
  }
  const bool dangling = fs::is_symlink(fs::symlink_status(dir / what, code));
  if (dangling) remedy = "incomplete download? get the file again";
  throw Error(ErrorKind::io,
              fmt::format("{}: {} is {}; found {}", dir.string(), what,
                          dangling ? "a link to a file that does not exist" : "missing", listing(dir)),
              remedy);
}

void write_json(const fs::path& path, const Json& value) {
  if (!value.is_null()) base::write_file_atomic(path, base::dump(value, 2) + "\n");
}

}  // namespace

Json parse_config(std::string_view text, std::string_view where) {
  Json config = base::parse_json(text, where);
  require(config.is_object(), ErrorKind::format, "{}: expected an object, found {}", where, config.type_name());
  return config;
}

WeightMap parse_index(std::string_view text, std::string_view where) {
  IndexReader reader;
  reader.read(text, where);
  require(reader.has_map, ErrorKind::format, "{}: \"weight_map\" is missing", where);
  WeightMap map = std::move(reader.map);
  std::sort(map.begin(), map.end());
  const auto twice =
      std::adjacent_find(map.begin(), map.end(), [](const auto& a, const auto& b) { return a.first == b.first; });
  if (twice != map.end()) {
    fail(ErrorKind::format, "{}: \"weight_map\" has tensor {} twice", where, quote_name(twice->first));
  }
  return map;
}

ModelDir::ModelDir(const fs::path& dir) : path_(dir) {
  std::error_code code;
  const fs::file_status status = fs::status(dir, code);
  if (!fs::is_directory(status)) {
    throw Error(ErrorKind::io,
                fmt::format("{}: {}", dir.string(), fs::exists(status) ? "not a folder" : "no such model folder"),
                "give the folder that holds config.json and model.safetensors");
  }
  const fs::path config = dir / "config.json";
  if (!fs::exists(config, code)) fail_missing(dir, "config.json");
  config_ = parse_config(base::read_file(config, kMaxConfigBytes), config.string());
  const fs::path index = dir / "model.safetensors.index.json";
  if (fs::exists(dir / "model.safetensors", code)) {
    add_file(dir / "model.safetensors");
  } else if (fs::exists(index, code)) {
    open_shards(index);
  } else {
    fail_missing(dir, "model.safetensors");
  }
}

void ModelDir::open_shards(const fs::path& index_path) {
  const std::string where = index_path.string();
  const WeightMap map = parse_index(base::read_file(index_path, kMaxIndexBytes), where);
  std::vector<std::string> shards;
  for (const auto& [tensor, shard] : map) shards.push_back(shard);
  std::sort(shards.begin(), shards.end());
  shards.erase(std::unique(shards.begin(), shards.end()), shards.end());
  for (const std::string& shard : shards) {
    std::error_code code;
    if (!fs::exists(path_ / shard, code)) {
      throw Error(ErrorKind::io,
                  fmt::format("{}: shard {} is missing; found {}", where, quote_name(shard), listing(path_)),
                  "incomplete download? get the missing file");
    }
    add_file(path_ / shard);
  }
  for (const auto& [tensor, shard] : map) {
    const auto found = index_.find(tensor);
    const std::string actual = found == index_.end() ? "" : found->second.file->path().filename().string();
    if (actual == shard) continue;
    throw Error(ErrorKind::format,
                fmt::format("{}: tensor {} is said to be in {}, but it is in {}", where, quote_name(tensor),
                            quote_name(shard), actual.empty() ? "no shard" : quote_name(actual)),
                "the index and the shards come from different versions; download the folder again");
  }
}

void ModelDir::add_file(const fs::path& path) {
  files_.push_back(std::make_unique<SafetensorsFile>(path));
  const SafetensorsFile* file = files_.back().get();
  for (const TensorInfo& tensor : file->header().tensors) {
    const auto [place, added] = index_.try_emplace(tensor.name, Entry{file, &tensor});
    if (added) continue;
    fail(ErrorKind::format, "{}: tensor {} is in {} and in {}", path_.string(), quote_name(tensor.name),
         quote_name(place->second.file->path().filename().string()), quote_name(path.filename().string()));
  }
}

std::vector<const TensorInfo*> ModelDir::tensors() const {
  std::vector<const TensorInfo*> all;
  all.reserve(index_.size());
  for (const auto& [name, entry] : index_) all.push_back(entry.tensor);
  return all;
}

const TensorInfo* ModelDir::find(std::string_view name) const {
  const auto found = index_.find(name);
  return found == index_.end() ? nullptr : found->second.tensor;
}

const ModelDir::Entry& ModelDir::entry(std::string_view name) const {
  const auto found = index_.find(name);
  if (found != index_.end()) return found->second;
  std::vector<std::string> names;
  for (const auto& [known, entry] : index_) names.push_back(known);
  throw Error(ErrorKind::format,
              fmt::format("{}: there is no tensor {} among {}{}", path_.string(), quote_name(name),
                          grouped(names.size()), base::suggestion(name, names)),
              "config.json and the weights may belong to different models");
}

void ModelDir::read(std::string_view name, std::span<std::byte> out) const {
  const Entry& found = entry(name);
  found.file->read(*found.tensor, out);
}

bool ModelDir::same(std::string_view a, std::string_view b) const {
  const Entry &one = entry(a), &other = entry(b);
  if (one.tensor->dtype != other.tensor->dtype || one.tensor->shape != other.tensor->shape) return false;
  return one.file->same_bytes(*one.tensor, *other.file, *other.tensor);
}

void ModelDir::read_floats(std::string_view name, std::span<const int64_t> shape, std::span<float> out) const {
  const Entry& found = entry(name);
  if (!std::equal(shape.begin(), shape.end(), found.tensor->shape.begin(), found.tensor->shape.end())) {
    throw Error(ErrorKind::format,
                fmt::format("{}: tensor {} has the shape {}, the model needs {}", found.file->path().string(),
                            quote_name(name), shape_text(found.tensor->shape), shape_text(shape)),
                "config.json and the weights may belong to different models");
  }
  found.file->read_floats(*found.tensor, out);
}

void write_model_dir(const fs::path& dir, const ModelFiles& files) {
  require(files.config.is_object(), ErrorKind::internal, "{}: a config must be an object", dir.string());
  // "out/" and "out" are one folder; only the latter has a parent to publish into.
  const fs::path final = dir.has_filename() ? dir : dir.parent_path();
  std::error_code code;
  const fs::file_status status = fs::symlink_status(final, code);
  const bool empty = fs::is_directory(status) && fs::is_empty(final, code);
  if (fs::exists(status) && !empty) {
    throw Error(ErrorKind::usage, fmt::format("{}: exists already and is not an empty folder", dir.string()),
                "choose another folder, or remove this one");
  }
  uint64_t bytes = base::dump(files.tokenizer).size() * 2;
  for (const auto& [name, text] : files.others) bytes += text.size();
  for (const TensorData& tensor : files.tensors) bytes += byte_count(tensor);
  require_space(final, bytes);
  if (final.has_parent_path()) base::make_folders(final.parent_path());
  if (empty) fs::remove(final, code);
  base::publish_folder(final, [&](const fs::path& tmp) {
    write_json(tmp / "config.json", files.config);
    write_json(tmp / "tokenizer.json", files.tokenizer);
    write_json(tmp / "generation_config.json", files.generation_config);
    for (const auto& [name, text] : files.others) {
      require(is_plain_name(name), ErrorKind::internal, "{} is not the name of a file", quote_name(name));
      base::write_file_atomic(tmp / name, text);
    }
    write_safetensors(tmp / "model.safetensors", files.tensors);
  });
}

}  // namespace hone::checkpoint
