// The decoder of a tokenizer: tokens → text, one token at a time, so that a stream and a whole decode are the same.
#pragma once

#include "hone/text/pipeline/pattern.h"

#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace hone::text::pipeline {

/// No decoder: tokens joined by one space.
struct JoinWithSpaces {};
/// Characters of GPT-2's alphabet back to bytes (`maps` is off where tokens are bytes already), all of them one text;
/// what is not UTF-8 becomes U+FFFD.
struct BytesToText {
  bool maps = true;
};
/// `prefix` off, or a space before the token; `cleanup` takes the spaces before punctuation and contractions away.
struct WordPieceDecoder {
  std::string prefix = "##";
  bool cleanup = true;
};
/// `symbol` becomes a space, or nothing in the first token where the tokenizer puts one there.
struct MetaspaceDecoder {
  std::string symbol = "▁";
  bool drops_first = true;
};
/// `suffix` becomes a space, or nothing in the last token.
struct SuffixDecoder {
  std::string suffix = "</w>";
};
/// <0xNN> back to bytes; a run of them that is not UTF-8 becomes one U+FFFD each.
struct ByteFallbackDecoder {};
/// All tokens one text.
struct Fuse {};
/// In every token (or in the text, behind Fuse).
struct ReplaceDecoder {
  Pattern pattern;
  std::string content;
};
/// At most `start` and `stop` characters `content` off the ends of every token (or of the text, behind Fuse).
struct StripDecoder {
  char32_t content = U' ';
  std::size_t start = 0, stop = 0;
};
/// Equal neighbours once, `pad` out, `delimiter` to a space.
struct CtcDecoder {
  std::string pad = "<pad>", delimiter = "|";
  bool cleanup = true;
};

/// SentencePiece's: ▁ becomes a space, or nothing at the beginning (`drops_first`; in every piece before the first text
/// with `drops_all`); <0xNN> back to bytes, each byte that is not UTF-8 one U+FFFD.
struct SentencePieceDecoder {
  bool drops_first = true, drops_all = true;
};

using Decoder = std::variant<JoinWithSpaces, BytesToText, WordPieceDecoder, MetaspaceDecoder, SuffixDecoder,
                             ByteFallbackDecoder, Fuse, ReplaceDecoder, StripDecoder, CtcDecoder, SentencePieceDecoder>;

/// Runs the steps over tokens as they come. Copying it copies its state. `steps` must outlive it.
class DecodeRun {
 public:
  explicit DecodeRun(const std::vector<Decoder>& steps);

  /// Takes the next token and appends the text that is certain now; UTF-8 that is not complete is held back, and so is
  /// what a later token may still change. Errors: data for a token that the steps blow up to over 1 MB.
  void push(std::string_view token, std::string& out);
  /// Ends the text and appends what was held back.
  void finish(std::string& out);

 private:
  /// A step and what it remembers.
  struct Stage {
    const Decoder* step = nullptr;
    bool joined = false;   ///< a step before made one text of all tokens
    bool begun = false;    ///< a token has come
    std::string held;      ///< what may still change
    std::size_t left = 0;  ///< characters that may still go off the beginning
  };
  void pass(std::size_t stage, std::string token, std::string& out);
  void step_token(std::size_t stage, std::string token, std::string& out);
  void end(std::size_t stage, std::string& out);
  std::vector<Stage> stages_;
};

}  // namespace hone::text::pipeline
