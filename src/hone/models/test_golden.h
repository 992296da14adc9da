// The checkpoints of tests/golden/models and what transformers computes from them (tools/golden/make_models.py).
#pragma once

#include "hone/base/files.h"
#include "hone/base/json.h"

#include <ATen/ATen.h>

#include <filesystem>
#include <string>
#include <vector>

namespace hone::models {

/// src/hone/models/test_golden.h → tests/golden/NAME
inline std::filesystem::path golden_dir(const std::string& name) {
  return std::filesystem::absolute(__FILE__).parent_path().parent_path().parent_path().parent_path() / "tests" /
         "golden" / name;
}

/// Storage, names, config keys and what each stands for: tools/golden/make_models.py.
inline const std::vector<std::string>& golden_models() {
  static const std::vector<std::string> names = {"gpt2",          "llama3",  "llama-linear", "llama-yarn",
                                                 "llama-dynamic", "mistral", "qwen2",        "qwen3"};
  return names;
}

inline std::filesystem::path golden_model(const std::string& name) { return golden_dir("models") / name; }

inline Json golden_logits(const std::string& name) {
  const auto path = golden_model(name) / "logits.json";
  return base::parse_json(base::read_file(path, 1 << 20), path.string());
}

/// "llama-yarn" → "llama_yarn", for names of tests.
inline std::string golden_test_name(std::string name) {
  for (char& c : name)
    if (c == '-') c = '_';
  return name;
}

/// [T, V] of a list of rows.
inline at::Tensor matrix_of(const Json& rows) {
  std::vector<at::Tensor> all;
  for (const Json& row : rows) all.push_back(at::tensor(row.get<std::vector<double>>()));
  return at::stack(all);
}

}  // namespace hone::models
