// Text ↔ token ids. A tokenizer is one of those that hone makes itself (a symbol vocabulary, bytes) or any that a
// Hugging Face tokenizer.json describes: BPE, WordPiece, Unigram or WordLevel with their normalizers, pre-tokenizers,
// post-processors, decoders and added tokens (pipeline/ holds the parts).
#pragma once

#include "hone/base/json.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hone::text {

namespace pipeline {
struct Pipeline;
}

using Ids = std::vector<int32_t>;

/// What the model of a tokenizer is: hone's own two (whose files are WordLevel and BPE), or another one.
enum class TokenizerKind { symbols, bytes, word_level, bpe, word_piece, unigram };
/// "symbols", "bytes", "word level", "BPE", "WordPiece" or "Unigram".
const char* name_of(TokenizerKind kind);

/// What special tokens that are written out in a text are: text like any other, or tokens.
enum class SpecialText { as_text, as_tokens };
/// Whether the post-processor puts its tokens around the text.
enum class Surroundings { none, add };

struct EncodeOptions {
  SpecialText specials = SpecialText::as_text;
  Surroundings surroundings = Surroundings::none;
};

/// Ids with the segment that each belongs to (BERT's token_type_ids), equally many.
struct Encoding {
  Ids ids, type_ids;
};

/// A vocabulary and the rules that cut text into its tokens. A value: copying shares what never changes.
///
/// Text that is not UTF-8 is read as Python does with errors="replace": every maximal ill-formed part is one U+FFFD.
class Tokenizer {
 public:
  /// Has no tokens.
  Tokenizer();
  /// One token per word of `words` after the special tokens; text is split at Unicode white space, and joined by one
  /// space. Errors: data for a word that is empty, holds white space, is not UTF-8 or is there twice.
  static Tokenizer symbols(std::span<const std::string> specials, std::span<const std::string> words);
  /// One token per byte (GPT-2's printable alphabet in the file) after the special tokens.
  static Tokenizer bytes(std::span<const std::string> specials);

  /// Reads tokenizer.json. Ids may have holes. "truncation" and "padding" are not applied.
  /// Errors: format naming `where` and what is unsupported or inconsistent (pipeline/read_pipeline.h).
  static Tokenizer from_json(const Json& json, std::string_view where);
  static Tokenizer load(const std::filesystem::path& tokenizer_json);
  /// Reads a SentencePiece model (tokenizer.model, spiece.model), with its roles. Errors: format
  /// (pipeline/read_sentence_piece.h); io.
  static Tokenizer load_sentence_piece(const std::filesystem::path& model);
  /// The file that transformers and tokenizers read to the same ids; what was read comes back unchanged.
  /// Errors: usage for a SentencePiece model, which has no such file: write file_text() as file_name().
  Json to_json() const;
  /// The file's bytes: those that were read where the tokenizer was loaded.
  const std::string& file_text() const { return *file_; }
  /// "tokenizer.json" or "tokenizer.model".
  const char* file_name() const;

  TokenizerKind kind() const { return kind_; }
  /// One more than the largest id.
  int32_t size() const;

  /// Ids of ordinary text; special tokens written out in it are treated as text, and none are added.
  /// Errors: data, naming the first word that has no token (and the nearest one that has), where the vocabulary holds
  /// no token for unknown words. Cost: near linear, also for a megabyte without a space; safe to call from many
  /// threads.
  Ids encode(std::string_view text) const;
  /// The same with special tokens as the options say. Only for text that may contain them: a prompt that a user wrote
  /// must not be read as_tokens.
  Ids encode(std::string_view text, const EncodeOptions& options) const;
  /// Two texts in the template for pairs (or one after the other, without surroundings).
  Encoding encode_pair(std::string_view first, std::string_view second, const EncodeOptions& options) const;

  /// Text of ids. Special tokens are left out (decode) or written out (decode_all).
  /// Bytes that are not UTF-8 become U+FFFD. Errors: data for an id that is not in the vocabulary.
  /// For ids that come one by one see StreamDecoder, which gives the same text.
  std::string decode(std::span<const int32_t> ids) const;
  std::string decode_all(std::span<const int32_t> ids) const;

  /// The id of a token by its text, special tokens included.
  std::optional<int32_t> find(std::string_view token) const;
  /// The same; errors: data, naming the token.
  int32_t id(std::string_view token) const;
  /// The text of an id as the vocabulary spells it (byte-level tokenizers: its raw bytes). Errors: data for an id that
  /// is not in the vocabulary.
  const std::string& token(int32_t id) const;
  bool is_special(int32_t id) const;

  /// Ids with a role: those that with_roles() has set, or the tokens <pad> <bos> <end>, which every tokenizer that hone
  /// makes has. Errors: data, naming the token that is missing.
  int32_t pad() const { return role(pad_, "<pad>"); }
  int32_t bos() const { return role(bos_, "<bos>"); }
  int32_t end() const { return role(end_, "<end>"); }
  /// Whether there is such a token.
  bool has_bos() const { return bos_ >= 0 || find("<bos>").has_value(); }
  bool has_end() const { return end_ >= 0 || find("<end>").has_value(); }
  /// The token that a text of its own begins with: <bos> for hone's own tokenizers and SentencePiece models, otherwise
  /// what the file's post-processor puts in front (GPT-2's and Qwen's put nothing, though they may have a bos).
  std::optional<int32_t> opening() const;
  /// Token texts by role, as tokenizer_config.json names them; an empty one keeps what was there.
  struct Roles {
    std::string pad, bos, end;
  };
  /// A copy with these roles. Errors: data, naming a token that is not in the vocabulary.
  Tokenizer with_roles(const Roles& roles) const;

  const pipeline::Pipeline& pipeline() const { return *pipeline_; }

 private:
  static Tokenizer read(const Json& json, std::string text, std::string_view where);
  int32_t role(int32_t set, std::string_view fallback) const { return set >= 0 ? set : id(fallback); }

  TokenizerKind kind_ = TokenizerKind::symbols;
  std::shared_ptr<const pipeline::Pipeline> pipeline_;
  std::shared_ptr<const std::string> file_;
  enum class Format { json, sentence_piece };
  Format format_ = Format::json;
  int32_t pad_ = -1, bos_ = -1, end_ = -1;
};

/// Special tokens of every tokenizer hone makes, in id order: <pad> <bos> <end> <retry> <user> <assistant> <system>.
std::span<const std::string> standard_specials();

}  // namespace hone::text
