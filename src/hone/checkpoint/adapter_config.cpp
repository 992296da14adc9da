#include "hone/checkpoint/adapter_config.h"

#include "hone/base/error.h"
#include "hone/checkpoint/io.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>

namespace hone::checkpoint {
namespace {

// Longest lists that are believed: a model has some hundreds of modules.
constexpr std::size_t kMaxNames = 4096;
constexpr std::size_t kMaxShown = 200;

// Keys that change what the adapter computes, or what it was made from, and that hone does not do.
constexpr std::array kRefused = {"use_dora",
                                 "use_qalora",
                                 "use_bdlora",
                                 "lora_bias",
                                 "layer_replication",
                                 "target_parameters",
                                 "alora_invocation_tokens",
                                 "trainable_token_indices",
                                 "kasa_config",
                                 "arrow_config",
                                 "velora_config",
                                 "monteclora_config",
                                 "lora_ga_config"};

// Keys that are read, or that say nothing of what a finished adapter computes.
constexpr std::array kKnown = {"peft_type",
                               "task_type",
                               "base_model_name_or_path",
                               "revision",
                               "auto_mapping",
                               "inference_mode",
                               "peft_version",
                               "r",
                               "lora_alpha",
                               "lora_dropout",
                               "target_modules",
                               "exclude_modules",
                               "modules_to_save",
                               "fan_in_fan_out",
                               "bias",
                               "use_rslora",
                               "init_lora_weights",
                               "layers_to_transform",
                               "layers_pattern",
                               "rank_pattern",
                               "alpha_pattern",
                               "loftq_config",
                               "eva_config",
                               "corda_config",
                               "megatron_config",
                               "megatron_core",
                               "qalora_group_size",
                               "ensure_weight_tying",
                               "runtime_config"};

// Ways to begin that change the base as well: the adapter alone is then not what was trained.
constexpr std::array kChangesBase = {"pissa", "olora", "corda", "loftq", "lora_ga"};

bool is_nothing(const Json& value) {
  if (value.is_null()) return true;
  if (value.is_boolean()) return !value.get<bool>();
  if (value.is_number()) return value.get<double>() == 0;
  return value.empty() || (value.is_string() && value.get_ref<const std::string&>().empty());
}

template <class List, class Item>
bool holds(const List& list, const Item& item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

std::string shown(const Json& value) {
  const std::string text = base::dump(value);
  return text.size() <= kMaxShown ? text : text.substr(0, kMaxShown) + "…";
}

int64_t checked_rank(const Json& value, std::string_view where, const std::string& what) {
  const bool whole = value.is_number_integer() && (value.is_number_unsigned() || value.get<int64_t>() >= 0);
  const auto rank = whole ? value.get<uint64_t>() : 0;
  require(rank >= 1 && rank <= static_cast<uint64_t>(kMaxRank), ErrorKind::format,
          "{}: {} is {}; a rank is a whole number from 1 to {}", where, what, shown(value), kMaxRank);
  return static_cast<int64_t>(rank);
}

double checked_alpha(const Json& value, std::string_view where, const std::string& what) {
  const double alpha = value.is_number() ? value.get<double>() : NAN;
  require(alpha >= kMinAlpha && alpha <= kMaxAlpha, ErrorKind::format, "{}: {} is {}; allowed: a number from {} to {}",
          where, what, shown(value), kMinAlpha, kMaxAlpha);
  return alpha;
}

std::string checked_text(const Json& value, std::string_view where, std::string_view what) {
  require(value.is_string() && !value.get_ref<const std::string&>().empty(), ErrorKind::format,
          "{}: \"{}\" holds {}; expected names", where, what, shown(value));
  return value.get<std::string>();
}

// A string, or a list of strings: a pattern, or names.
void read_names(const Json& json, std::string_view key, std::string_view where, std::vector<std::string>& names,
                std::string* pattern) {
  const auto found = json.find(key);
  if (found == json.end() || is_nothing(*found)) return;
  if (found->is_string()) {
    pattern ? * pattern = found->get<std::string>() : names.emplace_back(found->get<std::string>());
    return;
  }
  require(found->is_array() && found->size() <= kMaxNames, ErrorKind::format,
          "{}: \"{}\" is {}; expected a string or a list of at most {} names", where, key, shown(*found), kMaxNames);
  for (const Json& name : *found) names.push_back(checked_text(name, where, key));
}

// {"q_proj": value, …}
template <class Value, class Check>
void read_pattern(const Json& json, std::string_view key, std::string_view where,
                  std::vector<std::pair<std::string, Value>>& into, const Check& check) {
  const auto found = json.find(key);
  if (found == json.end() || is_nothing(*found)) return;
  require(found->is_object() && found->size() <= kMaxNames, ErrorKind::format,
          "{}: \"{}\" is {}; expected an object of at most {} names", where, key, shown(*found), kMaxNames);
  for (const auto& [name, value] : found->items()) {
    require(!name.empty(), ErrorKind::format, "{}: \"{}\" has a name without letters", where, key);
    into.emplace_back(name, check(value, where, fmt::format("{} of {}", key, quote_name(name))));
  }
}

void refuse_unsupported(const Json& json, std::string_view where) {
  for (const char* key : kRefused) {
    const auto found = json.find(key);
    if (found == json.end() || is_nothing(*found)) continue;
    throw Error(ErrorKind::format, fmt::format("{}: \"{}\" is {}, which hone does not do", where, key, shown(*found)),
                "train the adapter without it, or merge it into its base with PEFT and use the merged model");
  }
  const std::string bias = base::get_string_or(json, "bias", "none", where);
  require(bias == "none", ErrorKind::format, "{}: \"bias\" is {}; allowed: \"none\"", where, quote_name(bias));
  const auto init = json.find("init_lora_weights");
  if (init == json.end() || !init->is_string()) return;
  const auto& name = init->get_ref<const std::string&>();
  const bool changes_base = std::any_of(kChangesBase.begin(), kChangesBase.end(),
                                        [&](std::string_view way) { return name.starts_with(way); });
  if (!changes_base) return;
  throw Error(ErrorKind::format,
              fmt::format("{}: \"init_lora_weights\" is {}: such an adapter belongs to a changed base", where,
                          quote_name(name)),
              "convert it with PEFT (save_pretrained with path_initial_model_for_weight_conversion)");
}

void read_layers(const Json& json, std::string_view where, AdapterConfig& config) {
  const auto found = json.find("layers_to_transform");
  if (found == json.end() || found->is_null()) return;
  const Json list = found->is_array() ? *found : Json::array({*found});
  require(list.size() <= kMaxNames, ErrorKind::format, "{}: \"layers_to_transform\" has {} entries", where,
          list.size());
  for (const Json& layer : list) {
    const bool whole = layer.is_number_unsigned() && layer.get<uint64_t>() <= 1 << 20;
    require(whole, ErrorKind::format, "{}: \"layers_to_transform\" holds {}; expected numbers of layers", where,
            shown(layer));
    config.layers.push_back(layer.get<int64_t>());
  }
}

// PEFT names both heads that transformers' classifiers may have, whichever the model has. Decoders have "score".
bool saves_score(const Json& json, std::string_view where) {
  std::vector<std::string> names;
  read_names(json, "modules_to_save", where, names, nullptr);
  for (const auto& name : names) {
    if (name == "score" || name == "classifier") continue;
    throw Error(ErrorKind::format,
                fmt::format("{}: \"modules_to_save\" is {}; hone does so with a scalar head alone, \"score\"", where,
                            shown(json["modules_to_save"])),
                "train the adapter without it, or merge it into its base with PEFT and use the merged model");
  }
  return !names.empty();
}

// Expressions in the place that PEFT puts them. The bare one is compiled first, so that a bracket too many in it does
// not pair with ours.
text::pipeline::Regex whole_name(const std::string& pattern, std::string_view where) {
  text::pipeline::Regex(pattern, where);
  return {fmt::format("\\A(?:{})\\z", pattern), where};
}

text::pipeline::Regex end_of_name(const std::string& pattern, std::string_view where) {
  text::pipeline::Regex(pattern, where);
  if (pattern.starts_with('^')) return {fmt::format("\\A(?:{})", pattern.substr(1)), where};
  return {fmt::format("\\A(?:.*\\.)?(?:{})\\z", pattern), where};
}

bool fits(const text::pipeline::Regex& regex, std::string_view name) {
  return text::pipeline::RegexSearch(regex).find(name, 0).has_value();
}

// The first that fits, or the number of expressions.
std::size_t first_of(const std::vector<text::pipeline::Regex>& all, std::string_view name) {
  const auto found = std::find_if(all.begin(), all.end(), [&](const auto& regex) { return fits(regex, name); });
  return static_cast<std::size_t>(found - all.begin());
}

struct Layer {
  std::string_view name;  // "layers"
  int64_t index = -1;
};

// "layers" and 3 of "model.layers.3.self_attn.q_proj": the last number that stands between dots.
Layer layer_of(std::string_view module) {
  Layer layer;
  std::string_view before;
  for (std::size_t begin = 0; begin < module.size();) {
    const auto dot = std::min(module.find('.', begin), module.size());
    const auto part = module.substr(begin, dot - begin);
    int64_t index = 0;
    const auto [end, code] = std::from_chars(part.data(), part.data() + part.size(), index);
    if (code == std::errc() && end == part.data() + part.size() && dot < module.size()) layer = {before, index};
    before = part;
    begin = dot + 1;
  }
  return layer;
}

bool named_by(const std::vector<std::string>& names, std::string_view module) {
  return std::any_of(names.begin(), names.end(), [&](const auto& name) { return is_named(module, name); });
}

}  // namespace

AdapterConfig parse_adapter_config(std::string_view text, std::string_view where, std::vector<std::string>* ignored) {
  const Json json = base::parse_json(text, where);
  require(json.is_object(), ErrorKind::format, "{}: expected an object, found {}", where, json.type_name());
  const std::string type = base::get_string(json, "peft_type", where);
  require(type == "LORA", ErrorKind::format, "{}: \"peft_type\" is {}; allowed: \"LORA\"", where, quote_name(type));
  refuse_unsupported(json, where);
  AdapterConfig config;
  if (json.contains("r")) config.rank = checked_rank(json["r"], where, "\"r\"");
  if (json.contains("lora_alpha")) config.alpha = checked_alpha(json["lora_alpha"], where, "\"lora_alpha\"");
  config.dropout = base::get_number_or(json, "lora_dropout", 0, where);
  require(config.dropout >= 0 && config.dropout < 1, ErrorKind::format,
          "{}: \"lora_dropout\" is {}; allowed: 0 up to below 1", where, config.dropout);
  config.rslora = base::get_bool_or(json, "use_rslora", false, where);
  config.fan_in_fan_out = base::get_bool_or(json, "fan_in_fan_out", false, where);
  read_names(json, "target_modules", where, config.targets, &config.target_pattern);
  if (config.target_pattern == "all-linear") config.all_linear = true, config.target_pattern.clear();
  require(config.all_linear || !config.targets.empty() || !config.target_pattern.empty(), ErrorKind::format,
          "{}: \"target_modules\" names no modules", where);
  read_names(json, "exclude_modules", where, config.excluded, &config.excluded_pattern);
  read_layers(json, where, config);
  read_names(json, "layers_pattern", where, config.layer_names, nullptr);
  read_pattern(json, "rank_pattern", where, config.ranks, &checked_rank);
  read_pattern(json, "alpha_pattern", where, config.alphas, &checked_alpha);
  config.score = saves_score(json, where);
  config.base = base::get_string_or(json, "base_model_name_or_path", "", where);
  config.revision = base::get_string_or(json, "revision", "", where);
  config.task = base::get_string_or(json, "task_type", "", where);
  for (const auto& [key, value] : json.items())
    if (ignored && !is_nothing(value) && !holds(kKnown, key)) ignored->push_back(key);
  return config;
}

Json to_json(const AdapterConfig& c) {
  const auto text_or_null = [](const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); };
  const auto names_or_pattern = [&](const std::vector<std::string>& names, const std::string& pattern) {
    return names.empty() ? text_or_null(pattern) : Json(names);
  };
  Json ranks = Json::object(), alphas = Json::object();
  for (const auto& [name, rank] : c.ranks) ranks[name] = rank;
  for (const auto& [name, alpha] : c.alphas) alphas[name] = alpha;
  return {{"peft_type", "LORA"},
          {"task_type", text_or_null(c.task)},
          {"base_model_name_or_path", text_or_null(c.base)},
          {"revision", text_or_null(c.revision)},
          {"inference_mode", true},
          {"r", c.rank},
          {"lora_alpha", c.alpha},
          {"lora_dropout", c.dropout},
          {"use_rslora", c.rslora},
          {"use_dora", false},
          {"bias", "none"},
          {"fan_in_fan_out", c.fan_in_fan_out},
          {"init_lora_weights", true},
          {"target_modules", c.all_linear ? Json("all-linear") : names_or_pattern(c.targets, c.target_pattern)},
          {"exclude_modules", names_or_pattern(c.excluded, c.excluded_pattern)},
          {"modules_to_save", c.score ? Json::array({"score"}) : Json(nullptr)},
          {"layers_to_transform", c.layers.empty() ? Json(nullptr) : Json(c.layers)},
          {"layers_pattern", c.layer_names.empty() ? Json(nullptr) : Json(c.layer_names)},
          {"rank_pattern", ranks},
          {"alpha_pattern", alphas}};
}

AdapterRules::AdapterRules(const AdapterConfig& config, std::string_view where) : config_(config) {
  if (!config.target_pattern.empty()) targets_.push_back(whole_name(config.target_pattern, where));
  if (!config.excluded_pattern.empty()) excluded_.push_back(whole_name(config.excluded_pattern, where));
  for (const auto& [pattern, rank] : config.ranks) ranks_.push_back(end_of_name(pattern, where));
  for (const auto& [pattern, alpha] : config.alphas) alphas_.push_back(end_of_name(pattern, where));
}

bool AdapterRules::takes(std::string_view module) const {
  if (named_by(config_.excluded, module) || first_of(excluded_, module) < excluded_.size()) return false;
  if (!targets_.empty()) return fits(targets_[0], module);
  if (!config_.all_linear && !named_by(config_.targets, module)) return false;
  const Layer layer = layer_of(module);
  if (!config_.layers.empty() && !holds(config_.layers, layer.index)) return false;
  return config_.layer_names.empty() || config_.layers.empty() || holds(config_.layer_names, layer.name);
}

int64_t AdapterRules::rank_of(std::string_view module) const {
  const auto i = first_of(ranks_, module);
  return i < ranks_.size() ? config_.ranks[i].second : config_.rank;
}

double AdapterRules::scale_of(std::string_view module) const {
  const auto i = first_of(alphas_, module);
  const double alpha = i < alphas_.size() ? config_.alphas[i].second : config_.alpha;
  const auto rank = static_cast<double>(rank_of(module));
  return alpha / (config_.rslora ? std::sqrt(rank) : rank);
}

bool is_named(std::string_view module, std::string_view name) {
  if (name.empty() || !module.ends_with(name)) return false;
  return module.size() == name.size() || module[module.size() - name.size() - 1] == '.';
}

AdapterTensorNames adapter_tensors(std::string_view module) {
  return {fmt::format("base_model.model.{}.lora_A.weight", module),
          fmt::format("base_model.model.{}.lora_B.weight", module)};
}

}  // namespace hone::checkpoint
