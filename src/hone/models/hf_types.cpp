#include "hone/models/hf_types.h"

#include "hone/base/error.h"
#include "hone/models/hf_config.h"

#include <algorithm>

namespace hone::models {
namespace {

constexpr std::string_view kClassifier = "ForSequenceClassification";

constexpr HfType kTypes[] = {{"gpt2", "GPT2", "LMHeadModel"},
                             {"llama", "Llama", "ForCausalLM"},
                             {"mistral", "Mistral", "ForCausalLM"},
                             {"qwen2", "Qwen2", "ForCausalLM"},
                             {"qwen3", "Qwen3", "ForCausalLM"}};

}  // namespace

std::string HfType::architecture(bool scalar) const { return fmt::format("{}{}", stem, scalar ? kClassifier : head); }

const HfType& type_named(std::string_view name) {
  return *std::find_if(std::begin(kTypes), std::end(kTypes), [&](const HfType& type) { return type.name == name; });
}

std::string shown(const Json& value) {
  constexpr std::size_t kShown = 80;
  const std::string text = base::dump(value);
  return text.size() > kShown ? text.substr(0, kShown) + "…" : text;
}

std::string model_type_of(const Json& json, std::string_view where) {
  require(json.is_object(), ErrorKind::format, "{}: expected an object", where);
  const auto named = json.find("architectures");
  std::string type;
  if (!json.contains("model_type") && named != json.end() && named->is_array() && !named->empty()) {
    for (const HfType& known : kTypes)
      for (const bool scalar : {false, true})
        if ((*named)[0] == known.architecture(scalar)) return std::string(known.name);
    fail(ErrorKind::format, "{}: no model_type, and architectures {} are not supported", where, shown(*named));
  }
  type = base::get_string(json, "model_type", where);
  std::string allowed;
  for (const HfType& known : kTypes) {
    if (known.name == type) return type;
    allowed += (allowed.empty() ? "" : ", ") + std::string(known.name);
  }
  fail(ErrorKind::format, "{}: model_type \"{}\" is not supported; allowed: {}", where, type, allowed);
}

bool is_scalar(const Json& j, std::string_view where) {
  const auto named = j.find("architectures");
  if (named == j.end() || !named->is_array() || named->empty() || !(*named)[0].is_string()) return false;
  if (!(*named)[0].get_ref<const std::string&>().ends_with(kClassifier)) return false;
  const auto labels = j.find("id2label");
  const bool listed = labels != j.end() && labels->is_object();
  const int64_t implied = listed ? static_cast<int64_t>(labels->size()) : 2;  // two is transformers' default
  const int64_t count = base::get_int_or(j, "num_labels", implied, 0, int64_t{1} << 24, where);
  require(count == 1 && (!listed || implied == 1), ErrorKind::format,
          "{}: architectures {} with {} labels is not supported; allowed: num_labels 1, a reward model or a critic",
          where, shown(*named), count == 1 ? implied : count);
  return true;
}

void make_scalar(Json& json) {
  json["architectures"] = Json::array({type_named(model_type_of(json, "config.json")).architecture(true)});
  json["num_labels"] = 1;
  json["id2label"] = {{"0", "LABEL_0"}};
  json["label2id"] = {{"LABEL_0", 0}};
}

}  // namespace hone::models
