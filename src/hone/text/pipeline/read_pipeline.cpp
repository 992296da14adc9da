#include "hone/text/pipeline/read_pipeline.h"

#include "hone/base/error.h"
#include "hone/text/byte_alphabet.h"
#include "hone/text/pipeline/read_steps.h"
#include "hone/text/pipeline/unicode.h"
#include "hone/text/utf8.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

namespace hone::text::pipeline {
namespace {

// A token as the file gives it; texts point into the JSON.
struct Entry {
  std::string_view text;
  int32_t id = -1;
  double score = 0;
};

using IdOf = std::unordered_map<std::string_view, int32_t>;

// What reading one file carries along.
struct Reading {
  const Json& model;
  std::string_view where;
  std::vector<Entry> entries;  // of the model
  std::vector<AddedToken> added;
  IdOf ids;  // of the model's tokens
  Pipeline made;

  bool is_special(int32_t id) const {
    const auto at = static_cast<std::size_t>(id);
    return at < made.special.size() && made.special[at] != 0;
  }
  int32_t find(std::string_view text) const {
    const auto found = ids.find(text);
    return found == ids.end() ? -1 : found->second;
  }
};

std::string model_type(const Json* model, std::string_view where) {
  require(model == nullptr || model->is_object(), ErrorKind::format, "{}: \"model\" is not an object", where);
  if (model == nullptr) return "none";
  if (member(*model, "type") != nullptr) return base::get_string(*model, "type", where);
  // Old files leave the type to be guessed.
  if (member(*model, "merges") != nullptr) return "BPE";
  if (member(*model, "max_input_chars_per_word") != nullptr) return "WordPiece";
  const Json* vocab = member(*model, "vocab");
  return vocab != nullptr && vocab->is_array() ? "Unigram" : "WordLevel";
}

std::vector<Entry> read_vocab(const Json& model, std::string_view where) {
  const Json* vocab = member(model, "vocab");
  require(vocab != nullptr && vocab->is_object(), ErrorKind::format, "{}: the model has no object \"vocab\"", where);
  std::vector<Entry> entries;
  entries.reserve(vocab->size());
  for (const auto& pair : vocab->get_ref<const Json::object_t&>()) {
    entries.push_back({pair.first, token_id(pair.second, pair.first, where), 0});
  }
  return entries;
}

std::vector<Entry> read_scored_vocab(const Json& model, std::string_view where) {
  const Json* vocab = member(model, "vocab");
  require(vocab != nullptr && vocab->is_array(), ErrorKind::format, "{}: the Unigram model has no list \"vocab\"",
          where);
  std::vector<Entry> entries;
  entries.reserve(vocab->size());
  for (const Json& pair : *vocab) {
    const bool good = pair.is_array() && pair.size() == 2 && pair[0].is_string() && pair[1].is_number() &&
                      std::isfinite(pair[1].get<double>());
    require(good, ErrorKind::format, "{}: entry {} of \"vocab\" must be [piece, log-probability]", where,
            entries.size());
    entries.push_back(
        {pair[0].get_ref<const std::string&>(), static_cast<int32_t>(entries.size()), pair[1].get<double>()});
  }
  return entries;
}

std::vector<AddedToken> read_added(const Json& json, std::string_view where) {
  std::vector<AddedToken> made;
  const Json* added = member(json, "added_tokens");
  if (added == nullptr) return made;
  require(added->is_array(), ErrorKind::format, "{}: \"added_tokens\" is not a list", where);
  for (const Json& token : *added) {
    require(token.is_object(), ErrorKind::format, "{}: an entry of \"added_tokens\" is not an object", where);
    const auto flag = [&](const char* key, bool fallback) { return base::get_bool_or(token, key, fallback, where); };
    AddedToken one;
    one.content = base::get_string(token, "content", where);
    const Json* id = member(token, "id");
    one.id = token_id(id == nullptr ? Json() : *id, one.content, where);
    one.special = flag("special", false);
    one.single_word = flag("single_word", false);
    one.lstrip = flag("lstrip", false);
    one.rstrip = flag("rstrip", false);
    one.normalized = flag("normalized", !one.special);
    made.push_back(std::move(one));
  }
  return made;
}

// Checks ids against each other and notes which are special.
void check_ids(Reading& r) {
  const std::size_t count = r.entries.size() + r.added.size();
  require(count > 0, ErrorKind::format, "{}: the vocabulary is empty", r.where);
  const std::size_t limit = 2 * count + 4096;
  std::vector<std::string_view> owners;
  const auto claim = [&](int32_t id, std::string_view text) {
    const auto at = static_cast<std::size_t>(id);
    require(at < limit, ErrorKind::format, "{}: token {} has id {}; this vocabulary's ids must be under {}", r.where,
            quote(text), id, limit);
    require(!text.empty(), ErrorKind::format, "{}: the token of id {} is empty", r.where, id);
    if (owners.size() <= at) owners.resize(at + 1);
    require(owners[at].empty(), ErrorKind::format, "{}: id {} is given to both {} and {}", r.where, id,
            quote(owners[at]), quote(text));
    owners[at] = text;
  };
  for (const Entry& entry : r.entries) {
    claim(entry.id, entry.text);
    r.ids[entry.text] = entry.id;
  }
  IdOf seen;
  for (const AddedToken& token : r.added) {
    const int32_t known = r.find(token.content);
    const bool twice = !seen.emplace(token.content, token.id).second;
    require(!twice && (known < 0 || known == token.id), ErrorKind::format,
            "{}: token {} is given twice, as id {} and as id {}", r.where, quote(token.content),
            twice ? seen[token.content] : known, token.id);
    if (known < 0) claim(token.id, token.content);
  }
  r.made.special.assign(owners.size(), 0);
  for (const AddedToken& token : r.added) r.made.special[static_cast<std::size_t>(token.id)] = token.special ? 1 : 0;
}

// Bytes of a text of GPT-2's alphabet; nothing for any other text.
std::optional<std::string> alphabet_bytes(std::string_view text) {
  std::string bytes;
  while (!text.empty()) {
    const auto length = static_cast<std::size_t>(step(text).bytes);
    const auto byte = byte_of_symbol(text.substr(0, length));
    if (!byte) return {};
    bytes += static_cast<char>(*byte);
    text.remove_prefix(length);
  }
  return bytes;
}

bool is_one_point(std::string_view text) { return static_cast<std::size_t>(step(text).bytes) == text.size(); }

ByteIds fallback_ids(const Reading& r) {
  ByteIds ids = no_byte_ids();
  for (std::size_t byte = 0; byte < ids.size(); ++byte) ids[byte] = r.find(fmt::format("<0x{:02X}>", byte));
  return ids;
}

int32_t find_unk(const Reading& r, const std::string& token) { return token.empty() ? -1 : r.find(token); }

// "a b" or ["a", "b"].
std::pair<std::string_view, std::string_view> read_merge(const Json& merge, std::size_t index, std::string_view where) {
  if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string()) {
    return {merge[0].get_ref<const std::string&>(), merge[1].get_ref<const std::string&>()};
  }
  const std::string_view text = merge.is_string() ? std::string_view(merge.get_ref<const std::string&>()) : "";
  const std::size_t space = text.find(' ');
  require(space != std::string_view::npos && text.find(' ', space + 1) == std::string_view::npos, ErrorKind::format,
          "{}: merge {} must be two tokens, as [\"a\", \"b\"] or \"a b\"", where, index);
  return {text.substr(0, space), text.substr(space + 1)};
}

void read_merges(const Reading& r, Bpe& bpe) {
  const Json* merges = member(r.model, "merges");
  require(merges != nullptr && merges->is_array(), ErrorKind::format, "{}: the BPE model has no list \"merges\"",
          r.where);
  std::string joined;
  uint32_t rank = 0;
  for (const Json& merge : *merges) {
    const auto [left, right] = read_merge(merge, rank, r.where);
    const auto known = [&](std::string_view token) {
      const int32_t id = r.find(token);
      require(id >= 0, ErrorKind::format, "{}: merge {} needs token {}, which is not in the vocabulary", r.where, rank,
              quote(token));
      return id;
    };
    const int32_t a = known(left), b = known(right);
    require(right.size() >= bpe.prefix.size(), ErrorKind::format, "{}: token {} of merge {} lacks the prefix", r.where,
            quote(right), rank);
    joined.assign(left);
    joined += right.substr(bpe.prefix.size());
    const int32_t made = known(joined);
    // A text must not become a special token piece by piece.
    if (!r.is_special(made)) bpe.merges.add(a, b, {rank, made});
    ++rank;
  }
}

// Whether words can stay bytes from the split to the decoder, instead of becoming letters of the alphabet and back.
bool stays_bytes(const Pipeline& p, const Bpe& bpe) {
  const auto maps = [](const PreTokenizer& step) { return std::holds_alternative<ByteLevel>(step); };
  return std::count_if(p.pre_tokenizers.begin(), p.pre_tokenizers.end(), maps) == 1 && maps(p.pre_tokenizers.back()) &&
         std::holds_alternative<BytesToText>(p.decoders.front()) && bpe.prefix.empty() && bpe.suffix.empty() &&
         !bpe.byte_fallback;
}

Bpe read_bpe(Reading& r) {
  const Json& model = r.model;
  require(base::get_number_or(model, "dropout", 0, r.where) == 0, ErrorKind::format, "{}: BPE dropout is not supported",
          r.where);
  Bpe bpe;
  bpe.prefix = base::get_string_or(model, "continuing_subword_prefix", "", r.where);
  bpe.suffix = base::get_string_or(model, "end_of_word_suffix", "", r.where);
  bpe.byte_fallback = base::get_bool_or(model, "byte_fallback", false, r.where);
  bpe.fuse_unk = base::get_bool_or(model, "fuse_unk", false, r.where);
  bpe.ignore_merges = base::get_bool_or(model, "ignore_merges", false, r.where);
  for (const auto* affix : {&bpe.prefix, &bpe.suffix}) {
    require(affix->size() <= 64, ErrorKind::format, "{}: an affix of {} bytes; at most 64", r.where, affix->size());
  }
  const std::string unk = base::get_string_or(model, "unk_token", "", r.where);
  bpe.unk = find_unk(r, unk);
  bpe.on_bytes = stays_bytes(r.made, bpe);
  if (bpe.on_bytes) {
    std::get<ByteLevel>(r.made.pre_tokenizers.back()).maps = false;
    std::get<BytesToText>(r.made.decoders.front()).maps = false;
    for (std::size_t byte = 0; byte < 256; ++byte) bpe.bytes[byte] = r.find(byte_symbol(static_cast<uint8_t>(byte)));
  } else if (bpe.byte_fallback) {
    bpe.bytes = fallback_ids(r);
  }
  const bool complete = bpe.on_bytes && std::count(bpe.bytes.begin(), bpe.bytes.end(), -1) == 0;
  require(unk.empty() || bpe.unk >= 0 || complete, ErrorKind::format, "{}: unk_token {} is not in the vocabulary",
          r.where, quote(unk));
  read_merges(r, bpe);
  return bpe;
}

void check_piece(std::string_view piece, std::string_view where) {
  require(piece.size() <= ByteTrie::kMostKeyBytes, ErrorKind::format, "{}: piece {} has {} bytes; at most {}", where,
          quote(piece), piece.size(), ByteTrie::kMostKeyBytes);
}

Unigram read_unigram(const Reading& r) {
  Unigram made;
  made.byte_fallback = base::get_bool_or(r.model, "byte_fallback", false, r.where);
  if (member(r.model, "unk_id") != nullptr) {
    made.unk =
        static_cast<int32_t>(base::get_int(r.model, "unk_id", 0, static_cast<int64_t>(r.entries.size()) - 1, r.where));
  }
  if (made.byte_fallback) made.bytes = fallback_ids(r);
  made.lowest = r.entries.empty() ? 0 : r.entries.front().score;
  for (const Entry& entry : r.entries) {
    made.scores.push_back(entry.score);
    made.lowest = std::min(made.lowest, entry.score);
    check_piece(entry.text, r.where);
    if (!r.is_special(entry.id)) made.pieces.add(entry.text, entry.id);
  }
  return made;
}

WordPiece read_word_piece(const Reading& r) {
  WordPiece made;
  const std::string prefix = base::get_string_or(r.model, "continuing_subword_prefix", "##", r.where);
  made.most_chars =
      static_cast<std::size_t>(base::get_int_or(r.model, "max_input_chars_per_word", 100, 0, 1'000'000'000, r.where));
  made.unk = find_unk(r, base::get_string_or(r.model, "unk_token", "[UNK]", r.where));
  for (const Entry& entry : r.entries) {
    check_piece(entry.text, r.where);
    if (r.is_special(entry.id)) continue;
    made.begins.add(entry.text, entry.id);
    if (entry.text.size() > prefix.size() && entry.text.starts_with(prefix)) {
      made.continues.add(entry.text.substr(prefix.size()), entry.id);
    }
  }
  return made;
}

WordLevel read_word_level(const Reading& r) {
  const std::string unk = base::get_string(r.model, "unk_token", r.where);
  return {find_unk(r, unk), unk};
}

// Puts every token into the vocabulary, as the model (and, where the words stay bytes, the decoder) wants it.
void fill_vocab(Reading& r) {
  using Findable = Vocab::Findable;
  const auto* bpe = std::get_if<Bpe>(&r.made.model);
  const bool on_bytes = bpe != nullptr && bpe->on_bytes;
  for (const Entry& entry : r.entries) {
    const bool hidden = r.is_special(entry.id) && !(bpe != nullptr && is_one_point(entry.text));
    if (!on_bytes) {
      r.made.vocab.add(entry.id, std::string(entry.text), hidden ? Findable::no : Findable::yes);
      continue;
    }
    const auto bytes = alphabet_bytes(entry.text);
    const bool findable = bytes && bpe->ignore_merges && !r.is_special(entry.id);
    r.made.vocab.add(entry.id, r.is_special(entry.id) || !bytes ? std::string(entry.text) : *bytes,
                     findable ? Findable::yes : Findable::no);
  }
}

void add_tokens(Reading& r) {
  for (const AddedToken& token : r.added) {
    std::string spelled = token.content;
    if (token.normalized) spelled = normalized(r.made.normalizers, token.content).text;
    if (!r.made.vocab.has(token.id)) r.made.vocab.add(token.id, token.content, Vocab::Findable::no);
    const auto* bytes = std::get_if<BytesToText>(&r.made.decoders.front());
    const std::string& seen = spelled;
    if (bytes != nullptr && !bytes->maps) {
      r.made.decoded_as[token.id] = alphabet_bytes(seen).value_or(seen);
    } else if (seen != r.made.vocab.text(token.id)) {
      r.made.decoded_as[token.id] = seen;
    }
    (token.normalized ? r.made.normalized_tokens : r.made.raw_tokens).add(token, spelled, r.where);
    r.made.added.emplace(token.content, token.id);
  }
}

void check_template(const Reading& r) {
  for (const Template* parts : {&r.made.post.single, &r.made.post.pair}) {
    for (const TemplatePart& part : *parts) {
      for (const int32_t id : part.ids) {
        require(r.made.vocab.has(id), ErrorKind::format, "{}: the post_processor adds id {}, which no token has",
                r.where, id);
      }
    }
  }
}

}  // namespace

Pipeline read_pipeline(const Json& json, std::string_view where) {
  require(json.is_object(), ErrorKind::format, "{}: not an object", where);
  const Json* model = member(json, "model");
  const std::string type = model_type(model, where);
  const bool known = type == "BPE" || type == "WordPiece" || type == "Unigram" || type == "WordLevel";
  require(known, ErrorKind::format, "{}: model {} is not supported; supported: BPE, Unigram, WordLevel, WordPiece",
          where, quote(type));
  Reading r{*model, where, {}, {}, {}, {}};
  r.entries = type == "Unigram" ? read_scored_vocab(*model, where) : read_vocab(*model, where);
  r.added = read_added(json, where);
  check_ids(r);
  r.made.normalizers = read_normalizers(member(json, "normalizer"), where);
  r.made.pre_tokenizers = read_pre_tokenizers(member(json, "pre_tokenizer"), where);
  r.made.post = read_post_processor(member(json, "post_processor"), where);
  r.made.decoders = read_decoders(member(json, "decoder"), where);
  if (type == "BPE") r.made.model = read_bpe(r);
  if (type == "Unigram") r.made.model = read_unigram(r);
  if (type == "WordPiece") r.made.model = read_word_piece(r);
  if (type == "WordLevel") r.made.model = read_word_level(r);
  fill_vocab(r);
  add_tokens(r);
  check_template(r);
  r.made.special.resize(static_cast<std::size_t>(r.made.vocab.size()), 0);
  return std::move(r.made);
}

}  // namespace hone::text::pipeline
