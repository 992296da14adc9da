// hone export: a trained model as a folder for transformers, or as one file for llama.cpp.
#include "hone/checkpoint/gguf/export.h"
#include "cli/commands/verbs.h"
#include "cli/console.h"
#include "cli/runs.h"
#include "cli/use/model_choice.h"
#include "hone/base/error.h"
#include "hone/base/files.h"
#include "hone/base/text_match.h"
#include "hone/checkpoint/adapter_config.h"
#include "hone/checkpoint/model_dir.h"

#include <algorithm>

namespace hone::cli {
namespace {

namespace fs = std::filesystem;
namespace gguf = checkpoint::gguf;

constexpr Option kOptions[] = {
    {"--to", "FORMAT", "hf (a folder), gguf (one file), peft (an adapter)"},
    {"--type", "TYPE", "gguf: f32, f16 (default) or q8_0"},
    {"--out", "PATH", "where to; default: next to the model"},
};

bool is_adapter(const fs::path& dir) {
  std::error_code code;
  return fs::is_regular_file(dir / "adapter_config.json", code);
}

// An adapter's folder itself; else the one that a run keeps beside the model of the same name.
fs::path adapter_folder(const Call& call) {
  const fs::path what = call.operands[0];
  if (is_adapter(what)) return what;
  fs::path model = find_model(call.runs, call.operands[0]).lexically_normal();
  if (!model.has_filename()) model = model.parent_path();
  const fs::path beside = model.parent_path().parent_path() / "adapters" / model.filename();
  if (model.parent_path().filename() == "models" && is_adapter(beside)) return beside;
  throw Error(ErrorKind::usage, fmt::format("{} has no adapter beside it", model.string()),
              "runs with lora.rank above 0 make adapters: hone run sft --model DIR --set lora.rank=16");
}

gguf::TensorType type_of(const Call& call) {
  const std::string type = call.value("--type").value_or("f16");
  if (type == "f32") return gguf::TensorType::f32;
  if (type == "f16") return gguf::TensorType::f16;
  if (type == "q8_0") return gguf::TensorType::q8_0;
  throw Error(ErrorKind::usage,
              fmt::format("--type: \"{}\" is not written{}", type,
                          base::suggestion(type, std::vector<std::string>{"f32", "f16", "q8_0"})),
              "--type f32, f16 or q8_0");
}

gguf::Exported to_gguf(const Call& call, const fs::path& model, const fs::path& out) {
  const gguf::TensorType type = type_of(call);
  refuse_existing(out);
  if (out.has_parent_path()) base::make_folders(out.parent_path());
  return gguf::export_model(checkpoint::ModelDir(model), out, type);
}

// The folder is in transformers' form already: what belongs to the model is copied in one rename.
gguf::Exported to_hf(const Call& call, const fs::path& model, const fs::path& out) {
  require(!call.has("--type"), ErrorKind::usage, "--type belongs to --to gguf; a folder keeps the weights as they are");
  refuse_existing(out);
  gguf::Exported exported;
  exported.tensors = static_cast<int64_t>(checkpoint::ModelDir(model).tensors().size());
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(model)) {
    const std::string name = entry.path().filename().string();
    const bool wanted = name.ends_with(".json") || name.ends_with(".safetensors") || name == "chat_template.jinja" ||
                        name == "tokenizer.model" || name == "merges.txt" || name == "vocab.txt";
    if (wanted && entry.is_regular_file()) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  if (out.has_parent_path()) base::make_folders(out.parent_path());
  base::publish_folder(out, [&](const fs::path& temporary) {
    for (const fs::path& file : files) {
      fs::copy_file(file, temporary / file.filename());
      exported.bytes += fs::file_size(file);
    }
  });
  return exported;
}

// The folder is in PEFT's form already, but is read once more before it is handed on.
gguf::Exported to_peft(const Call& call, const fs::path& adapter, const fs::path& out) {
  require(!call.has("--type"), ErrorKind::usage, "--type belongs to --to gguf; an adapter is kept as it is");
  refuse_existing(out);
  const fs::path config = adapter / "adapter_config.json", weights = adapter / "adapter_model.safetensors";
  const auto read = checkpoint::parse_adapter_config(base::read_file(config, 16 << 20), config.string());
  gguf::Exported exported;
  exported.tensors = static_cast<int64_t>(checkpoint::SafetensorsFile(weights).header().tensors.size());
  exported.bytes = fs::file_size(config) + fs::file_size(weights);
  exported.notes = {fmt::format("rank {}, alpha {}; its base is {}", read.rank, read.alpha, read.base)};
  if (out.has_parent_path()) base::make_folders(out.parent_path());
  base::publish_folder(out, [&](const fs::path& temporary) {
    for (const fs::path& file : {config, weights}) fs::copy_file(file, temporary / file.filename());
  });
  return exported;
}

int run_export(const Call& call) {
  const auto to = call.value("--to");
  if (!to || (*to != "hf" && *to != "gguf" && *to != "peft")) {
    throw Error(ErrorKind::usage, to ? fmt::format("--to: \"{}\" is not supported", *to) : "hone export needs a format",
                "--to hf (a folder for transformers), gguf (a file for llama.cpp) or peft (an adapter)");
  }
  fs::path from = (*to == "peft" ? adapter_folder(call) : find_model(call.runs, call.operands[0])).lexically_normal();
  if (!from.has_filename()) from = from.parent_path();
  const fs::path fallback = from.string() + (*to == "gguf" ? ".gguf" : "-" + *to);
  const fs::path out = call.value("--out") ? fs::path(*call.value("--out")) : fallback;
  const gguf::Exported exported = *to == "gguf" ? to_gguf(call, from, out)
                                  : *to == "hf" ? to_hf(call, from, out)
                                                : to_peft(call, from, out);
  if (call.has("--json")) {
    put("{}\n", base::dump(Json{{"path", out.string()},
                                {"format", *to},
                                {"tensors", exported.tensors},
                                {"bytes", exported.bytes},
                                {"notes", exported.notes}},
                           2));
    return 0;
  }
  put("{}\n", out.string());
  if (call.has("--quiet")) return 0;
  say("{} tensors, {}\n", count_text(exported.tensors), size_text(exported.bytes));
  for (const std::string& note : exported.notes) say("note: {}\n", note);
  return 0;
}

}  // namespace

Command export_verb() {
  return {
      "export",
      "a model for transformers, llama.cpp or PEFT",
      "<run|model folder> --to hf|gguf|peft [options]",
      1,
      1,
      "Writes a trained model where other programs read it: a Hugging Face folder, or one GGUF file with the weights "
      "as f32, f16 or q8_0, the byte-level BPE tokenizer and the chat template; or, of a run with lora.rank, the "
      "adapter "
      "for PEFT (hf and gguf then hold the merged model). Nothing that exists is overwritten.",
      "hone export latest --to gguf\n"
      "hone export runs/latest/models/sft --to gguf --type q8_0 --out m.gguf\n"
      "hone export latest --to peft --out my-adapter",
      kOptions,
      &run_export};
}

}  // namespace hone::cli
