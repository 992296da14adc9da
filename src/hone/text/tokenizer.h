// Text ↔ token ids for the worlds hone makes itself: a symbol vocabulary (one token per white-space separated word)
// and bytes. Both are written and read as Hugging Face tokenizer.json. What this does not do: BPE merges, WordPiece,
// Unigram.
#pragma once

#include "hone/base/json.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace hone::text {

using Ids = std::vector<int32_t>;

/// How the text between special tokens is cut.
enum class TokenizerKind { symbols, bytes };

/// A vocabulary and the rule that cuts text into its tokens. A value: copy freely, no hidden state.
///
/// Special tokens (<bos>, <end>, …) are never produced from user text by encode(); they are added by id.
class Tokenizer {
 public:
  /// One token per word of `words` after the special tokens; text is split at Unicode white space, and joined by one
  /// space. Errors: data for a word that is empty, holds white space, is not UTF-8 or is there twice.
  static Tokenizer symbols(std::span<const std::string> specials, std::span<const std::string> words);
  /// One token per byte (GPT-2's printable alphabet in the file) after the special tokens.
  static Tokenizer bytes(std::span<const std::string> specials);

  /// Reads tokenizer.json (WordLevel with WhitespaceSplit, or byte-level BPE without merges).
  /// Ids must be 0..n-1, each once; special tokens may have any of them. What a post_processor adds is left out, as
  /// encode() never adds special tokens; added tokens must be special.
  /// Errors: format naming `where` and what is unsupported (a BPE with merges, say), ids out of range or given twice.
  static Tokenizer from_json(const Json& json, std::string_view where);
  static Tokenizer load(const std::filesystem::path& tokenizer_json);
  /// The file that transformers and tokenizers read to the same ids.
  Json to_json() const;

  TokenizerKind kind() const { return kind_; }
  int32_t size() const { return static_cast<int32_t>(tokens_.size()); }

  /// Ids of ordinary text; special tokens written out in it are treated as text, not as tokens.
  /// Errors: data, naming the first word that is not in a symbol vocabulary (and the nearest one that is); a loaded
  /// vocabulary that holds its unk_token maps such words to it.
  Ids encode(std::string_view text) const;
  /// Text of ids. Special tokens are left out (decode) or written out (decode_all).
  /// Bytes that are not UTF-8 become U+FFFD. Errors: data for an id that is not in the vocabulary.
  std::string decode(std::span<const int32_t> ids) const;
  std::string decode_all(std::span<const int32_t> ids) const;

  /// The id of a token by its text, special tokens included.
  std::optional<int32_t> find(std::string_view token) const;
  /// The same; errors: data, naming the token.
  int32_t id(std::string_view token) const;
  /// The text of an id (for bytes: the raw byte); errors: data for an id that is not in the vocabulary.
  const std::string& token(int32_t id) const;
  bool is_special(int32_t id) const { return id >= 0 && id < size() && special_[static_cast<std::size_t>(id)] != 0; }

  /// Ids with a role. <pad> <bos> <end> are present in every tokenizer that hone makes.
  int32_t pad() const { return id("<pad>"); }
  int32_t bos() const { return id("<bos>"); }
  int32_t end() const { return id("<end>"); }

 private:
  enum class Part { plain, special };  ///< which of two sorts a token is
  enum class Specials { skip, write };

  void add(std::string token, Part part);
  Ids encode_words(std::string_view text) const;
  std::string render(std::span<const int32_t> ids, Specials specials) const;

  TokenizerKind kind_ = TokenizerKind::symbols;
  std::vector<std::string> tokens_;  ///< text per id; for bytes: the raw byte
  std::vector<uint8_t> special_;     ///< per id: 1 for special tokens
  std::unordered_map<std::string, int32_t> index_;
  std::string unk_token_ = "<unk>";  ///< stands for unknown words when the vocabulary holds it
};

/// Special tokens of every tokenizer hone makes, in id order: <pad> <bos> <end> <retry> <user> <assistant> <system>.
std::span<const std::string> standard_specials();

}  // namespace hone::text
