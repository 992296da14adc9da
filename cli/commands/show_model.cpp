#include "cli/commands/show_model.h"

#include "cli/console.h"
#include "cli/model_facts.h"
#include "hone/checkpoint/model_dir.h"

#include <vector>

namespace hone::cli {
namespace {

namespace fs = std::filesystem;

Json memory_json(const ModelMemory& memory) {
  return {{"inference_bytes", memory.inference},
          {"cache_bytes_per_token", memory.cache_token},
          {"lora_bytes", memory.lora},
          {"full_bytes", memory.full}};
}

void print_json(const fs::path& dir, const checkpoint::ModelDir& model, const ModelFacts& facts, const Json& rest) {
  Json tensors = Json::array();
  for (const checkpoint::TensorInfo* tensor : model.tensors()) {
    tensors.push_back(
        {{"name", tensor->name}, {"dtype", checkpoint::name_of(tensor->dtype)}, {"shape", tensor->shape}});
  }
  Json out = {{"path", dir.string()},
              {"model_type", facts.type},
              {"supported", facts.config.has_value()},
              {"parameters", facts.parameters},
              {"dtypes", facts.dtypes},
              {"config", model.config()},
              {"memory", nullptr}};
  if (!facts.config) out["unsupported"] = facts.unsupported;
  if (facts.memory) out["memory"] = memory_json(*facts.memory);
  out.update(rest);
  out["tensors"] = tensors;
  put("{}\n", base::dump(out, 2));
}

std::string tokenizer_text(const Json& tokenizer) {
  if (tokenizer.is_null()) return "none";
  return fmt::format("{} of {} tokens", tokenizer["kind"].get<std::string>(),
                     count_text(tokenizer["tokens"].get<int64_t>()));
}

std::string template_text(const Json& chat) {
  if (chat.is_null()) return "none";
  return fmt::format("{}, {} · {}", chat["file"].get<std::string>(), size_text(chat["bytes"].get<uint64_t>()),
                     chat["sha256"].get<std::string>().substr(0, 16));
}

std::string memory_text(const ModelMemory& m) {
  return fmt::format("inference {} and {} a token of context · LoRA {} · full training {}, each without activations",
                     size_text(m.inference), size_text(m.cache_token), size_text(m.lora), size_text(m.full));
}

Table file_table(const Json& files) {
  Table table({"file", "size", "sha256"});
  for (const Json& file : files) {
    const bool whole = file.contains("sha256");
    const auto hash = file[whole ? "sha256" : "sample_sha256"].get<std::string>().substr(0, 16);
    table.row({file["file"].get<std::string>(), size_text(file["bytes"].get<uint64_t>()),
               hash + (whole ? "" : " of a sample (--hash reads all)")});
  }
  return table;
}

}  // namespace

void show_model(const Call& call, const fs::path& dir) {
  const checkpoint::ModelDir model(dir);
  const ModelFacts facts = model_facts(model);
  const Json rest = {{"tokenizer", tokenizer_facts(dir)},
                     {"template", template_facts(dir)},
                     {"files", file_facts(dir, call.has("--hash") ? Hashing::full : Hashing::sampled)}};
  if (call.has("--json")) return print_json(dir, model, facts, rest);
  const Console console = Console::of(stdout);
  put("{}  {} · {} parameters", console.paint(Tone::bold, dir.string()), facts.type, count_text(facts.parameters));
  for (const auto& [dtype, count] : facts.dtypes) put(" · {}", dtype);
  put("\n\n");
  if (facts.config) put("architecture  {}\n", architecture_text(*facts.config));
  if (!facts.config) put("{}  {}\n", console.paint(Tone::warn, "unsupported "), facts.unsupported);
  put("tokenizer     {}\ntemplate      {}\n", tokenizer_text(rest["tokenizer"]), template_text(rest["template"]));
  if (facts.memory) put("memory        {}\n", memory_text(*facts.memory));
  Table tensors({"tensor", "dtype", "shape"});
  for (const checkpoint::TensorInfo* tensor : model.tensors()) {
    tensors.row(
        {tensor->name, checkpoint::name_of(tensor->dtype), fmt::format("[{}]", fmt::join(tensor->shape, ", "))});
  }
  put("\n{}\n{}", file_table(rest["files"]).text(console), tensors.text(console));
}

}  // namespace hone::cli
