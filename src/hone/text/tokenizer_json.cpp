// tokenizer.json of Hugging Face tokenizers, version 1.0: the two kinds of file that hone makes, read strictly.
#include "hone/base/error.h"
#include "hone/base/files.h"
#include "hone/text/byte_alphabet.h"
#include "hone/text/tokenizer.h"
#include "hone/text/utf8.h"

#include <limits>
#include <utility>

namespace hone::text {
namespace {

// nullptr when absent or null.
const Json* member(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

std::string type_of(const Json* step, std::string_view name, std::string_view where) {
  if (step == nullptr) return "none";
  require(step->is_object(), ErrorKind::format, "{}: \"{}\" is not an object", where, name);
  return base::get_string(*step, "type", where);
}

void require_type(const Json& json, const char* name, std::string_view allowed, std::string_view where) {
  const std::string found = type_of(member(json, name), name, where);
  require(found == allowed, ErrorKind::format, "{}: {} {} is not supported for this model; allowed: {}", where, name,
          quote(found), allowed);
}

// Switches of a BPE model that change ids once they are set.
void require_plain_bytes(const Json& json, const Json& model, std::string_view where) {
  const Json* merges = member(model, "merges");
  require(merges != nullptr && merges->is_array(), ErrorKind::format, "{}: the BPE model has no list \"merges\"",
          where);
  require(merges->empty(), ErrorKind::format,
          "{}: BPE with {} merges is not supported; byte-level BPE without merges is", where, merges->size());
  require(base::get_number_or(model, "dropout", 0, where) == 0, ErrorKind::format, "{}: BPE dropout is not supported",
          where);
  for (const char* key : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    require(base::get_string_or(model, key, "", where).empty(), ErrorKind::format, "{}: {} is not supported", where,
            key);
  }
  require(!base::get_bool_or(model, "byte_fallback", false, where), ErrorKind::format,
          "{}: byte_fallback is not supported", where);
  require_type(json, "pre_tokenizer", "ByteLevel", where);
  require_type(json, "decoder", "ByteLevel", where);
  require(!base::get_bool_or(*member(json, "pre_tokenizer"), "add_prefix_space", true, where), ErrorKind::format,
          "{}: ByteLevel with add_prefix_space is not supported", where);
}

struct Entry {
  std::string text;
  int64_t id = 0;
  bool special = false;
};

int64_t checked_id(const Json& value, std::string_view token, std::string_view where) {
  constexpr int64_t kMost = std::numeric_limits<int32_t>::max();
  const bool small = value.is_number_integer() &&
                     (value.is_number_unsigned() ? value.get<uint64_t>() <= uint64_t{kMost}
                                                 : value.get<int64_t>() >= 0 && value.get<int64_t>() <= kMost);
  require(small, ErrorKind::format, "{}: the id of token {} is {}; expected an integer from 0 to {}", where,
          quote(token), quote(base::dump(value)), kMost);
  return value.get<int64_t>();
}

std::vector<Entry> vocabulary(const Json& model, std::string_view where) {
  const Json* vocab = member(model, "vocab");
  require(vocab != nullptr && vocab->is_object(), ErrorKind::format, "{}: the model has no object \"vocab\"", where);
  std::vector<Entry> entries;
  for (const auto& [text, id] : vocab->items()) entries.push_back({text, checked_id(id, text, where), false});
  return entries;
}

// Marks the vocabulary's special tokens and appends those that it lacks.
void add_specials(const Json& json, std::vector<Entry>& entries, std::string_view where) {
  const Json* added = member(json, "added_tokens");
  if (added == nullptr) return;
  require(added->is_array(), ErrorKind::format, "{}: \"added_tokens\" is not a list", where);
  std::unordered_map<std::string, std::size_t> index;
  for (std::size_t i = 0; i < entries.size(); ++i) index.emplace(entries[i].text, i);
  for (const Json& token : *added) {
    require(token.is_object(), ErrorKind::format, "{}: an entry of \"added_tokens\" is not an object", where);
    std::string text = base::get_string(token, "content", where);
    const int64_t id = base::get_int(token, "id", 0, std::numeric_limits<int32_t>::max(), where);
    require(base::get_bool_or(token, "special", false, where), ErrorKind::format,
            "{}: added token {} is not special; only special added tokens are supported", where, quote(text));
    const auto [found, is_new] = index.emplace(text, entries.size());
    if (is_new) {
      entries.push_back({std::move(text), id, true});
      continue;
    }
    Entry& entry = entries[found->second];
    require(entry.id == id && !entry.special, ErrorKind::format, "{}: token {} is given twice, as id {} and as id {}",
            where, quote(text), entry.id, id);
    entry.special = true;
  }
}

// Entries by id; that every id is below the count and none is taken twice makes them 0..n-1.
std::vector<Entry> in_order(std::vector<Entry> entries, std::string_view where) {
  const std::size_t count = entries.size();
  require(count > 0, ErrorKind::format, "{}: the vocabulary is empty", where);
  std::vector<Entry> ordered(count);
  for (Entry& entry : entries) {
    require(entry.id < static_cast<int64_t>(count), ErrorKind::format,
            "{}: token {} has id {}, but {} tokens must have ids 0..{}", where, quote(entry.text), entry.id, count,
            count - 1);
    Entry& place = ordered[static_cast<std::size_t>(entry.id)];
    require(place.text.empty(), ErrorKind::format, "{}: id {} is given to both {} and {}", where, entry.id,
            quote(place.text), quote(entry.text));
    require(!entry.text.empty(), ErrorKind::format, "{}: the token of id {} is empty", where, entry.id);
    place = std::move(entry);
  }
  return ordered;
}

void symbols_to_bytes(std::vector<Entry>& entries, std::string_view where) {
  std::vector<uint8_t> seen(256, 0);
  for (Entry& entry : entries) {
    if (entry.special) continue;
    const auto byte = byte_of_symbol(entry.text);
    require(byte.has_value(), ErrorKind::format,
            "{}: token {} stands for no single byte and cannot be made without merges", where, quote(entry.text));
    seen[*byte] = 1;
    entry.text.assign(1, static_cast<char>(*byte));
  }
  for (std::size_t byte = 0; byte < seen.size(); ++byte) {
    require(seen[byte] != 0, ErrorKind::format, "{}: byte 0x{:02X} has no token", where, byte);
  }
}

Json step(const char* type) { return Json{{"type", type}}; }

}  // namespace

Tokenizer Tokenizer::from_json(const Json& json, std::string_view where) {
  require(json.is_object(), ErrorKind::format, "{}: not an object", where);
  const Json* model = member(json, "model");
  const std::string type = type_of(model, "model", where);
  require(type == "WordLevel" || type == "BPE", ErrorKind::format,
          "{}: model {} is not supported; allowed: WordLevel, or byte-level BPE without merges", where, quote(type));
  require_type(json, "normalizer", "none", where);
  Tokenizer made;
  made.kind_ = type == "BPE" ? TokenizerKind::bytes : TokenizerKind::symbols;
  if (made.kind_ == TokenizerKind::bytes) {
    require_plain_bytes(json, *model, where);
  } else {
    require_type(json, "pre_tokenizer", "WhitespaceSplit", where);
    require_type(json, "decoder", "none", where);
    made.unk_token_ = base::get_string(*model, "unk_token", where);
  }
  std::vector<Entry> entries = vocabulary(*model, where);
  add_specials(json, entries, where);
  entries = in_order(std::move(entries), where);
  if (made.kind_ == TokenizerKind::bytes) symbols_to_bytes(entries, where);
  try {
    for (Entry& entry : entries) made.add(std::move(entry.text), entry.special ? Part::special : Part::plain);
  } catch (const Error& error) {
    fail(ErrorKind::format, "{}: {}", where, error.what());
  }
  return made;
}

Tokenizer Tokenizer::load(const std::filesystem::path& tokenizer_json) {
  constexpr uint64_t kMostBytes = uint64_t{256} << 20;
  const std::string where = tokenizer_json.string();
  return from_json(base::parse_json(base::read_file(tokenizer_json, kMostBytes), where), where);
}

Json Tokenizer::to_json() const {
  const bool bytes = kind_ == TokenizerKind::bytes;
  Json added = Json::array();
  Json vocab = Json::object();
  // Straight into the list of pairs: the ordered map looks every new key up linearly.
  Json::object_t::Container& pairs = vocab.get_ref<Json::object_t&>();
  for (int32_t id = 0; id < size(); ++id) {
    const std::string& text = token(id);
    if (is_special(id)) {
      added.push_back({{"id", id},
                       {"content", text},
                       {"single_word", false},
                       {"lstrip", false},
                       {"rstrip", false},
                       {"normalized", false},
                       {"special", true}});
    }
    pairs.emplace_back(bytes && !is_special(id) ? byte_symbol(static_cast<uint8_t>(text[0])) : text, id);
  }
  Json byte_level = {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", false}};
  Json model = step("WordLevel");
  if (bytes) {
    model = {{"type", "BPE"},
             {"dropout", nullptr},
             {"unk_token", nullptr},
             {"continuing_subword_prefix", nullptr},
             {"end_of_word_suffix", nullptr},
             {"fuse_unk", false},
             {"byte_fallback", false},
             {"ignore_merges", false}};
  }
  model["vocab"] = std::move(vocab);
  if (bytes) model["merges"] = Json::array();
  if (!bytes) model["unk_token"] = unk_token_;
  return {{"version", "1.0"},          {"truncation", nullptr},
          {"padding", nullptr},        {"added_tokens", std::move(added)},
          {"normalizer", nullptr},     {"pre_tokenizer", bytes ? byte_level : step("WhitespaceSplit")},
          {"post_processor", nullptr}, {"decoder", bytes ? byte_level : Json(nullptr)},
          {"model", std::move(model)}};
}

}  // namespace hone::text
