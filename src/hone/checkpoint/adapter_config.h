// PEFT's adapter_config.json: which modules a LoRA adapter changes, and by how much. Knows names, no model
// (torch-free).
#pragma once

#include "hone/base/json.h"
#include "hone/text/pipeline/regex.h"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hone::checkpoint {

/// A LoRA adapter as PEFT describes it. Names of modules are those of transformers, "model.layers.0.self_attn.q_proj".
struct AdapterConfig {
  int64_t rank = 8;
  double alpha = 8;
  double dropout = 0;
  bool rslora = false;          ///< scale α/√r instead of α/r
  bool fan_in_fan_out = false;  ///< the base stores its matrices turned round (GPT-2); kept for PEFT, A and B don't
  /// Ends of names on a dot ("q_proj", "mlp.c_proj") or whole names; empty with a pattern.
  std::vector<std::string> targets, excluded;
  std::string target_pattern, excluded_pattern;  ///< regular expressions for whole names, where a string was given
  bool all_linear = false;                       ///< every linear map but the output head
  std::vector<int64_t> layers;                   ///< layers_to_transform; empty = all
  std::vector<std::string> layer_names;          ///< layers_pattern; empty = any
  /// Exceptions by expressions that match the end of a name on a dot; the first that matches counts.
  std::vector<std::pair<std::string, int64_t>> ranks;
  std::vector<std::pair<std::string, double>> alphas;
  bool score = false;  ///< modules_to_save: a scalar head stands beside the adapter, and was trained with it
  std::string base, revision, task = "CAUSAL_LM";  ///< base_model_name_or_path, revision, task_type
};

/// Ranks from 1 up to this, and α from the one to the other, are believed.
inline constexpr int64_t kMaxRank = 65536;
inline constexpr double kMinAlpha = 1e-6, kMaxAlpha = 1e6;

/// Reads adapter_config.json. Keys that it does not know and that are not false, null, empty or 0 are listed in
/// `ignored`, if given.
/// Errors: format, naming `where`, the key, what was found and what is allowed — another peft_type, ranks outside
/// 1..kMaxRank, α outside kMinAlpha..kMaxAlpha, dropout outside [0, 1), keys that change the mathematics (use_dora,
/// modules_to_save other than a scalar head, bias, layer_replication, …), weights initialised from the base's (pissa,
/// olora, loftq, corda).
AdapterConfig parse_adapter_config(std::string_view text, std::string_view where,
                                   std::vector<std::string>* ignored = nullptr);

/// adapter_config.json as PEFT writes it.
Json to_json(const AdapterConfig& config);

/// The rules of a config over names of modules, compiled.
class AdapterRules {
 public:
  /// Errors: format, naming `where`, for an expression that can't be compiled.
  AdapterRules(const AdapterConfig& config, std::string_view where);

  /// Whether the adapter changes a module. Errors: data for an expression that takes too long.
  bool takes(std::string_view module) const;
  int64_t rank_of(std::string_view module) const;
  /// α/r, or α/√r, with the module's own rank and α.
  double scale_of(std::string_view module) const;

 private:
  std::vector<text::pipeline::Regex> targets_, excluded_, ranks_, alphas_;
  AdapterConfig config_;
};

/// Whether `module` is `name` or ends in it on a dot.
bool is_named(std::string_view module, std::string_view name);

/// The scalar head of an adapter's file.
inline constexpr const char* kScoreTensor = "base_model.model.score.weight";

/// "base_model.model.<module>.lora_A.weight" and "….lora_B.weight".
struct AdapterTensorNames {
  std::string a, b;
};
AdapterTensorNames adapter_tensors(std::string_view module);

}  // namespace hone::checkpoint
