// Tokenizers out of tokenizer.json, and the two kinds that hone makes, which are made as such files.
#include "hone/base/error.h"
#include "hone/base/files.h"
#include "hone/text/byte_alphabet.h"
#include "hone/text/pipeline/read_pipeline.h"
#include "hone/text/pipeline/read_sentence_piece.h"
#include "hone/text/tokenizer.h"
#include "hone/text/utf8.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

namespace hone::text {
namespace {

using pipeline::Pipeline;

constexpr uint64_t kMostBytes = uint64_t{256} << 20;

bool holds_white_space(std::string_view text) {
  while (!text.empty()) {
    const CodePoint point = first_code_point(text);
    if (point.valid && is_white_space(point.value)) return true;
    text.remove_prefix(static_cast<std::size_t>(point.bytes));
  }
  return false;
}

bool every_added_is_special(const Pipeline& p) {
  return std::all_of(p.added.begin(), p.added.end(),
                     [&](const auto& token) { return p.special[static_cast<std::size_t>(token.second)] != 0; });
}

// hone's symbols: words cut at white space, joined by spaces, nothing else.
bool is_symbols(const Pipeline& p) {
  if (!p.normalizers.empty() || p.pre_tokenizers.size() != 1 || !every_added_is_special(p)) return false;
  const auto* split = std::get_if<pipeline::SplitPoints>(&p.pre_tokenizers[0]);
  return split != nullptr && split->is_delimiter == &is_white_space &&
         std::holds_alternative<pipeline::JoinWithSpaces>(p.decoders.front());
}

// hone's bytes: 256 tokens and the special ones.
bool is_bytes(const Pipeline& p) {
  const auto& bpe = std::get<pipeline::Bpe>(p.model);
  if (!bpe.on_bytes || bpe.merges.size() > 0 || !p.normalizers.empty() || p.pre_tokenizers.size() != 1) return false;
  const bool complete = std::count(bpe.bytes.begin(), bpe.bytes.end(), -1) == 0;
  return complete && !std::get<pipeline::ByteLevel>(p.pre_tokenizers[0]).add_prefix_space &&
         every_added_is_special(p) && static_cast<std::size_t>(p.vocab.size()) == 256 + p.added.size();
}

TokenizerKind kind_of(const Pipeline& p) {
  if (std::holds_alternative<pipeline::WordLevel>(p.model)) {
    return is_symbols(p) ? TokenizerKind::symbols : TokenizerKind::word_level;
  }
  if (std::holds_alternative<pipeline::WordPiece>(p.model)) return TokenizerKind::word_piece;
  if (std::holds_alternative<pipeline::Unigram>(p.model)) return TokenizerKind::unigram;
  return is_bytes(p) ? TokenizerKind::bytes : TokenizerKind::bpe;
}

void require_words(const Pipeline& p, std::string_view where) {
  for (int32_t id = 0; id < p.vocab.size(); ++id) {
    const bool word = p.vocab.has(id) && p.special[static_cast<std::size_t>(id)] == 0;
    require(!word || !holds_white_space(p.vocab.text(id)), ErrorKind::format,
            "{}: token {} of a symbol vocabulary holds white space", where, quote(p.vocab.text(id)));
  }
}

// The members that every file of hone's has; `vocab` is in order of the ids.
Json file_of(std::span<const std::string> specials, Json model, Json pre_tokenizer, Json decoder) {
  Json added = Json::array();
  for (std::size_t id = 0; id < specials.size(); ++id) {
    added.push_back({{"id", id},
                     {"content", specials[id]},
                     {"single_word", false},
                     {"lstrip", false},
                     {"rstrip", false},
                     {"normalized", false},
                     {"special", true}});
  }
  return {{"version", "1.0"},          {"truncation", nullptr},
          {"padding", nullptr},        {"added_tokens", std::move(added)},
          {"normalizer", nullptr},     {"pre_tokenizer", std::move(pre_tokenizer)},
          {"post_processor", nullptr}, {"decoder", std::move(decoder)},
          {"model", std::move(model)}};
}

// Tokens in order of their ids, each once.
class VocabWriter {
 public:
  void add(const std::string& token) {
    const auto refuse = [&](const char* why) { fail(ErrorKind::data, "token {} {}", quote(token), why); };
    if (token.empty()) refuse("is empty");
    if (!is_valid_utf8(token)) refuse("is not valid UTF-8");
    if (!seen_.insert(token).second) refuse("is in the vocabulary twice");
    // Straight into the list of pairs: the ordered map looks every new key up linearly.
    Json::object_t::Container& pairs = vocab_.get_ref<Json::object_t&>();
    pairs.emplace_back(token, seen_.size() - 1);
  }
  Json take() { return std::move(vocab_); }

 private:
  Json vocab_ = Json::object();
  std::unordered_set<std::string> seen_;
};

}  // namespace

Tokenizer Tokenizer::symbols(std::span<const std::string> specials, std::span<const std::string> words) {
  VocabWriter vocab;
  for (const std::string& special : specials) vocab.add(special);
  for (const std::string& word : words) {
    vocab.add(word);
    require(!holds_white_space(word), ErrorKind::data, "token {} of a symbol vocabulary holds white space",
            quote(word));
  }
  const Json model = {{"type", "WordLevel"}, {"vocab", vocab.take()}, {"unk_token", "<unk>"}};
  const Json json = file_of(specials, model, {{"type", "WhitespaceSplit"}}, nullptr);
  Tokenizer made = read(json, base::dump(json), "symbols");
  made.kind_ = TokenizerKind::symbols;
  return made;
}

Tokenizer Tokenizer::bytes(std::span<const std::string> specials) {
  VocabWriter vocab;
  for (const std::string& special : specials) {
    require(!byte_of_symbol(special), ErrorKind::data,
            "token {} is special, but its text is the character that stands for a byte in the file", quote(special));
    vocab.add(special);
  }
  for (int byte = 0; byte < 256; ++byte) vocab.add(byte_symbol(static_cast<uint8_t>(byte)));
  const Json byte_level = {
      {"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", false}};
  const Json model = {{"type", "BPE"},
                      {"dropout", nullptr},
                      {"unk_token", nullptr},
                      {"continuing_subword_prefix", nullptr},
                      {"end_of_word_suffix", nullptr},
                      {"fuse_unk", false},
                      {"byte_fallback", false},
                      {"ignore_merges", false},
                      {"vocab", vocab.take()},
                      {"merges", Json::array()}};
  const Json json = file_of(specials, model, byte_level, byte_level);
  return read(json, base::dump(json), "bytes");
}

Tokenizer Tokenizer::read(const Json& json, std::string text, std::string_view where) {
  Tokenizer made;
  made.pipeline_ = std::make_shared<const Pipeline>(pipeline::read_pipeline(json, where));
  made.file_ = std::make_shared<const std::string>(std::move(text));
  made.kind_ = kind_of(*made.pipeline_);
  if (made.kind_ == TokenizerKind::symbols) require_words(*made.pipeline_, where);
  return made;
}

Tokenizer Tokenizer::from_json(const Json& json, std::string_view where) { return read(json, base::dump(json), where); }

Tokenizer Tokenizer::load(const std::filesystem::path& tokenizer_json) {
  const std::string where = tokenizer_json.string();
  std::string text = base::read_file(tokenizer_json, kMostBytes);
  const Json json = base::parse_json(text, where);
  return read(json, std::move(text), where);
}

Tokenizer Tokenizer::load_sentence_piece(const std::filesystem::path& model) {
  Tokenizer made;
  made.file_ = std::make_shared<const std::string>(base::read_file(model, kMostBytes));
  pipeline::PieceRoles roles;
  made.pipeline_ = std::make_shared<const Pipeline>(pipeline::read_sentence_piece(*made.file_, model.string(), roles));
  made.kind_ = kind_of(*made.pipeline_);
  made.format_ = Format::sentence_piece;
  made.pad_ = roles.pad;
  made.bos_ = roles.bos;
  made.end_ = roles.end;
  return made;
}

const char* Tokenizer::file_name() const { return format_ == Format::json ? "tokenizer.json" : "tokenizer.model"; }

Json Tokenizer::to_json() const {
  require(format_ == Format::json, ErrorKind::usage,
          "a SentencePiece model has no tokenizer.json; its file is tokenizer.model");
  return file_->empty() ? Json() : base::parse_json(*file_, "tokenizer");
}

}  // namespace hone::text
