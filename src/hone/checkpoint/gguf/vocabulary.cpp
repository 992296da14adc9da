#include "hone/checkpoint/gguf/vocabulary.h"

#include "hone/base/error.h"
#include "hone/checkpoint/io.h"

#include <unordered_map>

namespace hone::checkpoint::gguf {
namespace {

// Numbers of llama.cpp's token types.
enum TokenType : int64_t { kNormal = 1, kControl = 3, kUserDefined = 4, kUnused = 5 };

const Json* member(const Json& object, const char* key) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(key);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

std::string type_of(const Json* step) {
  const Json* type = step == nullptr ? nullptr : member(*step, "type");
  return type != nullptr && type->is_string() ? type->get<std::string>() : "none";
}

// The steps of a pre-tokenizer, a Sequence taken apart.
std::vector<const Json*> steps_of(const Json& json) {
  const Json* step = member(json, "pre_tokenizer");
  std::vector<const Json*> steps;
  if (step == nullptr) return steps;
  const Json* list = member(*step, "pretokenizers");
  if (type_of(step) != "Sequence" || list == nullptr || !list->is_array()) return {step};
  for (const Json& one : *list) steps.push_back(&one);
  return steps;
}

// The regular expression of the Split steps, or "".
std::string split_pattern(const std::vector<const Json*>& steps) {
  std::string all;
  for (const Json* step : steps) {
    const Json* pattern = type_of(step) == "Split" ? member(*step, "pattern") : nullptr;
    const Json* regex = pattern == nullptr ? nullptr : member(*pattern, "Regex");
    if (regex != nullptr && regex->is_string()) all += regex->get<std::string>() + "\n";
  }
  return all;
}

// llama.cpp's name for how text is cut before merging; "" when it has none that is known to be the same.
std::string pre_name(const Json& json, bool has_merges) {
  const auto steps = steps_of(json);
  const std::string pattern = split_pattern(steps);
  if (pattern.empty()) {
    // Without merges every byte is a token, however the text is cut.
    if (!has_merges) return "gpt-2";
    for (const Json* step : steps) {
      const Json* regex = type_of(step) == "ByteLevel" ? member(*step, "use_regex") : nullptr;
      if (type_of(step) == "ByteLevel" && (regex == nullptr || *regex == true)) return steps.size() == 1 ? "gpt-2" : "";
    }
    return "";
  }
  const bool contractions = pattern.find("(?i:'s|'t|'re|'ve|'m|'ll|'d)") != std::string::npos;
  if (contractions && pattern.find("\\p{N}{1,3}") != std::string::npos) return "llama-bpe";
  if (contractions && pattern.find("|\\p{N}|") != std::string::npos) return "qwen2";
  return "";
}

struct Tokens {
  std::vector<std::string> texts;
  std::vector<int64_t> types;
};

class Collector {
 public:
  Collector(int64_t vocab, std::string_view where) : where_(where) {
    tokens_.texts.resize(static_cast<std::size_t>(vocab));
    tokens_.types.assign(static_cast<std::size_t>(vocab), kUnused);
  }

  void add(const std::string& text, const Json& id_value, TokenType type) {
    const auto size = static_cast<int64_t>(tokens_.texts.size());
    const int64_t id = base::get_int(Json{{"id", id_value}}, "id", 0, size - 1, where_);
    std::string& place = tokens_.texts[static_cast<std::size_t>(id)];
    const auto [old, is_new] = ids_.emplace(text, id);
    require(!text.empty() && (place.empty() || place == text) && (is_new || old->second == id), ErrorKind::format,
            "{}: token {} of id {} is empty, or its text or id is given to another too", where_, quote_name(text), id);
    place = text;
    tokens_.types[static_cast<std::size_t>(id)] = type;
  }

  Tokens take() {
    for (std::size_t id = 0; id < tokens_.texts.size(); ++id) {
      if (!tokens_.texts[id].empty()) continue;
      std::string name = fmt::format("[PAD{}]", id);
      // llama.cpp needs every text to be unique.
      while (ids_.contains(name)) name += '_';
      ids_.emplace(name, static_cast<int64_t>(id));
      tokens_.texts[id] = std::move(name);
    }
    return std::move(tokens_);
  }

 private:
  std::string_view where_;
  Tokens tokens_;
  std::unordered_map<std::string, int64_t> ids_;
};

Tokens collect(const Json& json, const Json& model, int64_t vocab, std::string_view where) {
  Collector collector(vocab, where);
  const Json* list = member(model, "vocab");
  require(list != nullptr && list->is_object(), ErrorKind::format, "{}: the model has no object \"vocab\"", where);
  for (const auto& [text, id] : list->items()) collector.add(text, id, kNormal);
  const Json* added = member(json, "added_tokens");
  require(added == nullptr || added->is_array(), ErrorKind::format, "{}: \"added_tokens\" is not a list", where);
  if (added != nullptr) {
    for (const Json& token : *added) {
      const bool special = base::get_bool_or(token, "special", false, where);
      require(token.contains("id"), ErrorKind::format, "{}: an added token has no id", where);
      collector.add(base::get_string(token, "content", where), token["id"], special ? kControl : kUserDefined);
    }
  }
  return collector.take();
}

// "a b" and ["a", "b"] are both in use.
std::vector<std::string> merges_of(const Json& model, std::string_view where) {
  std::vector<std::string> merges;
  const Json* list = member(model, "merges");
  if (list == nullptr) return merges;
  require(list->is_array(), ErrorKind::format, "{}: \"merges\" is not a list", where);
  for (const Json& merge : *list) {
    const bool pair = merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string();
    require(pair || merge.is_string(), ErrorKind::format, "{}: merge {} is no pair of texts", where, merges.size());
    merges.push_back(pair ? merge[0].get<std::string>() + " " + merge[1].get<std::string>() : merge.get<std::string>());
  }
  return merges;
}

Vocabulary without(std::string why) { return {{{"tokenizer.ggml.model", of_text("none")}}, std::move(why)}; }

}  // namespace

Vocabulary read_vocabulary(const Json& json, int64_t vocab, std::string_view where) {
  const Json* model = member(json, "model");
  require(model != nullptr, ErrorKind::format, "{}: there is no \"model\"", where);
  const std::string type = type_of(model);
  if (type == "WordLevel") return without("a symbol vocabulary (WordLevel) has no equivalent in GGUF");
  bool byte_level = type_of(member(json, "decoder")) == "ByteLevel";
  for (const Json* step : steps_of(json)) byte_level = byte_level || type_of(step) == "ByteLevel";
  if (type != "BPE" || !byte_level) {
    return without(fmt::format("a tokenizer of the type {} is not exported; byte-level BPE is", quote_name(type)));
  }
  std::vector<std::string> merges = merges_of(*model, where);
  const std::string pre = pre_name(json, !merges.empty());
  if (pre.empty()) return without("llama.cpp has no name for the way this tokenizer cuts text before merging");
  Tokens tokens = collect(json, *model, vocab, where);
  Vocabulary out;
  out.keys = {{"tokenizer.ggml.model", of_text("gpt2")},
              {"tokenizer.ggml.pre", of_text(pre)},
              {"tokenizer.ggml.tokens", of_texts(std::move(tokens.texts))},
              {"tokenizer.ggml.token_type", of_i32s(std::move(tokens.types))},
              {"tokenizer.ggml.merges", of_texts(std::move(merges))}};
  return out;
}

}  // namespace hone::checkpoint::gguf
