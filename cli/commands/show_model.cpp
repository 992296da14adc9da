#include "cli/commands/show_model.h"

#include "cli/console.h"
#include "hone/base/files.h"
#include "hone/base/sha256.h"
#include "hone/checkpoint/model_dir.h"
#include "hone/text/tokenizer.h"

#include <algorithm>
#include <map>

namespace hone::cli {
namespace {

namespace fs = std::filesystem;

struct Facts {
  int64_t parameters = 0;
  std::map<std::string, int64_t> dtypes;  ///< elements by dtype
};

Facts facts_of(const checkpoint::ModelDir& model) {
  Facts facts;
  for (const checkpoint::TensorInfo* tensor : model.tensors()) {
    facts.parameters += tensor->elements();
    facts.dtypes[checkpoint::name_of(tensor->dtype)] += tensor->elements();
  }
  return facts;
}

Json files_json(const fs::path& dir) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(dir)) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  Json list = Json::array();
  for (const fs::path& file : files) {
    list.push_back({{"file", file.filename().string()},
                    {"bytes", fs::file_size(file)},
                    {"sha256", base::sha256_hex_of_file(file)}});
  }
  return list;
}

Json tokenizer_json(const text::Tokenizer& tokenizer) {
  return {{"kind", text::name_of(tokenizer.kind())}, {"tokens", tokenizer.size()}};
}

std::string shape_text(const std::vector<int64_t>& shape) { return fmt::format("[{}]", fmt::join(shape, ", ")); }

}  // namespace

void show_model(const Call& call, const fs::path& dir) {
  const checkpoint::ModelDir model(dir);
  const Facts facts = facts_of(model);
  const Json tokenizer = tokenizer_json(text::Tokenizer::load(dir / "tokenizer.json"));
  const Json files = files_json(dir);
  if (call.has("--json")) {
    Json tensors = Json::array();
    for (const checkpoint::TensorInfo* tensor : model.tensors()) {
      tensors.push_back(
          {{"name", tensor->name}, {"dtype", checkpoint::name_of(tensor->dtype)}, {"shape", tensor->shape}});
    }
    const Json out = {{"path", dir.string()},   {"config", model.config()}, {"parameters", facts.parameters},
                      {"dtypes", facts.dtypes}, {"tokenizer", tokenizer},   {"files", files},
                      {"tensors", tensors}};
    put("{}\n", base::dump(out, 2));
    return;
  }
  const Console console = Console::of(stdout);
  const std::string type = base::get_string_or(model.config(), "model_type", "unknown", "config.json");
  put("{}  {} · {} parameters", console.paint(Tone::bold, dir.string()), type, count_text(facts.parameters));
  for (const auto& [dtype, count] : facts.dtypes) put(" · {}", dtype);
  put(" · {} of {} tokens\n\n", tokenizer["kind"].get<std::string>(), tokenizer["tokens"].get<int64_t>());
  Table table({"file", "size", "sha256"});
  for (const Json& file : files) {
    table.row({file["file"].get<std::string>(), size_text(file["bytes"].get<uint64_t>()),
               file["sha256"].get<std::string>().substr(0, 16)});
  }
  Table tensors({"tensor", "dtype", "shape"});
  for (const checkpoint::TensorInfo* tensor : model.tensors()) {
    tensors.row({tensor->name, checkpoint::name_of(tensor->dtype), shape_text(tensor->shape)});
  }
  put("{}\n{}", table.text(console), tensors.text(console));
}

}  // namespace hone::cli
