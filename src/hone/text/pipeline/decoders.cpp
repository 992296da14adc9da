#include "hone/text/pipeline/decoders.h"

#include "hone/base/error.h"
#include "hone/text/byte_alphabet.h"
#include "hone/text/pipeline/unicode.h"
#include "hone/text/utf8.h"

#include <array>
#include <optional>
#include <utility>

namespace hone::text::pipeline {
namespace {

constexpr std::size_t kMostTokenBytes = 1 << 20;
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

std::string replace_all(std::string_view text, std::string_view from, std::string_view to) {
  if (from.empty()) return std::string(text);
  std::string out;
  std::size_t at = 0;
  for (std::size_t hit = text.find(from); hit != std::string_view::npos; hit = text.find(from, at)) {
    out.append(text, at, hit - at);
    out += to;
    at = hit + from.size();
    require(out.size() <= kMostTokenBytes, ErrorKind::data, "the decoder makes over {} bytes of one token",
            kMostTokenBytes);
  }
  out.append(text, at);
  return out;
}

// Spaces before punctuation and in contractions, in the order that the reference takes them away.
std::string clean_up(std::string text) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 11> kRules = {{{" .", "."},
                                                                                     {" ?", "?"},
                                                                                     {" !", "!"},
                                                                                     {" ,", ","},
                                                                                     {" ' ", "'"},
                                                                                     {" n't", "n't"},
                                                                                     {" 'm", "'m"},
                                                                                     {" do not", " don't"},
                                                                                     {" 's", "'s"},
                                                                                     {" 've", "'ve"},
                                                                                     {" 're", "'re"}}};
  for (const auto& [from, to] : kRules) text = replace_all(text, from, to);
  return text;
}

// Bytes of a token of GPT-2's alphabet; a token with any other character stands for itself.
std::string bytes_of_token(std::string_view token) {
  std::string bytes;
  for (std::string_view rest = token; !rest.empty();) {
    const auto length = static_cast<std::size_t>(step(rest).bytes);
    const std::optional<uint8_t> byte = byte_of_symbol(rest.substr(0, length));
    if (!byte) return std::string(token);
    bytes += static_cast<char>(*byte);
    rest.remove_prefix(length);
  }
  return bytes;
}

// Takes the text of `bytes` that later bytes can't change.
std::string take_certain(std::string& bytes) {
  std::size_t certain = 0;
  while (certain < bytes.size()) {
    const CodePoint point = first_code_point(std::string_view(bytes).substr(certain));
    const std::size_t end = certain + static_cast<std::size_t>(point.bytes);
    if (!point.valid && end == bytes.size()) break;
    certain = end;
  }
  std::string text = repair_utf8(std::string_view(bytes).substr(0, certain));
  bytes.erase(0, certain);
  return text;
}

std::optional<char> fallback_byte(std::string_view token) {
  if (token.size() != 6 || !token.starts_with("<0x") || token[5] != '>') return {};
  const auto digit = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
  };
  const int high = digit(token[3]), low = digit(token[4]);
  if (high < 0 || low < 0) return {};
  return static_cast<char>(16 * high + low);
}

std::string text_of_run(const std::string& bytes) {
  if (is_valid_utf8(bytes)) return bytes;
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); ++i) text += kReplacement;
  return text;
}

// Bytes of up to `most` characters `content` at the beginning of `text`.
std::size_t leading(std::string_view text, std::string_view content, std::size_t most) {
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < most && text.substr(bytes).starts_with(content); ++i) bytes += content.size();
  return bytes;
}
std::size_t trailing(std::string_view text, std::string_view content, std::size_t most) {
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < most && text.substr(0, text.size() - bytes).ends_with(content); ++i) {
    bytes += content.size();
  }
  return bytes;
}

std::string strip(std::string_view token, const StripDecoder& by) {
  const std::string content = to_utf8(by.content);
  const std::size_t begin = leading(token, content, by.start);
  const std::size_t end = token.size() - trailing(token, content, by.stop);
  return begin < end ? std::string(token.substr(begin, end - begin)) : std::string();
}

std::string replace_matches(std::string_view token, const ReplaceDecoder& by) {
  std::string out;
  for_each_match(by.pattern, token, [&](Match match, IsMatch is) {
    out += is == IsMatch::yes ? std::string_view(by.content) : token.substr(match.begin, match.end - match.begin);
    require(out.size() <= kMostTokenBytes, ErrorKind::data, "the decoder makes over {} bytes of one token",
            kMostTokenBytes);
  });
  return out;
}

std::string ctc(std::string_view token, const CtcDecoder& by) {
  std::string text = replace_all(token, by.pad, "");
  return by.cleanup ? replace_all(clean_up(std::move(text)), by.delimiter, " ") : text;
}

// Whether a token begins the text.
enum class Place { first, later };

std::string word_piece(std::string_view token, const WordPieceDecoder& by, Place place) {
  const bool first = place == Place::first;
  std::string text(token);
  if (!first && token.starts_with(by.prefix)) {
    text.erase(0, by.prefix.size());
  } else if (!first) {
    text.insert(0, " ");
  }
  return by.cleanup ? clean_up(std::move(text)) : text;
}

// Takes the text of `bytes` that is certain (all of it at the end), each ill-formed byte as one U+FFFD.
enum class More { expected, none };
std::string take_bytewise(std::string& bytes, More more) {
  std::string text;
  std::size_t at = 0;
  while (at < bytes.size()) {
    const CodePoint point = first_code_point(std::string_view(bytes).substr(at));
    const auto length = static_cast<std::size_t>(point.bytes);
    if (!point.valid && more == More::expected && at + length == bytes.size()) break;
    text += point.valid ? std::string_view(bytes).substr(at, length) : kReplacement;
    at += point.valid ? length : 1;
  }
  bytes.erase(0, at);
  return text;
}

// A piece that is no byte. `leading` (characters that may go off the beginning: 1 or 0) is brought up to date.
std::string sentence_piece(std::string_view piece, const SentencePieceDecoder& by, std::size_t& leading) {
  constexpr std::string_view kSpace = "▁";
  const bool drops = leading > 0 && by.drops_first && piece.starts_with(kSpace);
  if (drops) piece.remove_prefix(kSpace.size());
  if (!piece.empty() || (drops && !by.drops_all)) leading = 0;
  return replace_all(piece, kSpace, " ");
}

bool joins(const Decoder& step) {
  return std::holds_alternative<BytesToText>(step) || std::holds_alternative<Fuse>(step);
}

}  // namespace

DecodeRun::DecodeRun(const std::vector<Decoder>& steps) {
  bool joined = false;
  for (const Decoder& step : steps) {
    const auto* strip = std::get_if<StripDecoder>(&step);
    stages_.push_back({&step, joined, false, {}, strip != nullptr ? strip->start : 1});
    joined = joined || joins(step);
  }
}

void DecodeRun::push(std::string_view token, std::string& out) { pass(0, std::string(token), out); }

void DecodeRun::finish(std::string& out) {
  for (std::size_t stage = 0; stage < stages_.size(); ++stage) end(stage, out);
}

// Gives `token` to a stage; behind the last one stands the text.
void DecodeRun::pass(std::size_t stage, std::string token, std::string& out) {
  if (stage == stages_.size()) {
    out += token;
    return;
  }
  Stage& s = stages_[stage];
  if (!s.joined || joins(*s.step)) return step_token(stage, std::move(token), out);
  const auto* by = std::get_if<StripDecoder>(s.step);
  s.held += token;
  if (by == nullptr) return;  // sees the whole text at the end
  const std::string content = to_utf8(by->content);
  const std::size_t gone = leading(s.held, content, s.left);
  s.left -= gone / content.size();
  s.held.erase(0, gone);
  if (s.held.empty()) return;
  s.left = 0;
  const std::size_t certain = s.held.size() - trailing(s.held, content, by->stop);
  std::string text = s.held.substr(0, certain);
  s.held.erase(0, certain);
  pass(stage + 1, std::move(text), out);
}

void DecodeRun::step_token(std::size_t stage, std::string token, std::string& out) {
  Stage& s = stages_[stage];
  const bool first = !s.begun;
  s.begun = true;
  const auto give = [&](std::string text) { pass(stage + 1, std::move(text), out); };
  if (std::holds_alternative<JoinWithSpaces>(*s.step)) {
    give(first ? std::move(token) : " " + token);
  } else if (const auto* bytes = std::get_if<BytesToText>(s.step)) {
    s.held += bytes->maps ? bytes_of_token(token) : token;
    give(take_certain(s.held));
  } else if (const auto* pieces = std::get_if<WordPieceDecoder>(s.step)) {
    give(word_piece(token, *pieces, first ? Place::first : Place::later));
  } else if (const auto* meta = std::get_if<MetaspaceDecoder>(s.step)) {
    give(replace_all(token, meta->symbol, first && meta->drops_first ? "" : " "));
  } else if (const auto* suffix = std::get_if<SuffixDecoder>(s.step)) {
    if (!first) give(replace_all(s.held, suffix->suffix, " "));
    s.held = std::move(token);
  } else if (std::holds_alternative<ByteFallbackDecoder>(*s.step)) {
    if (const auto byte = fallback_byte(token)) {
      s.held += *byte;
      return;
    }
    if (!s.held.empty()) give(text_of_run(std::exchange(s.held, {})));
    give(std::move(token));
  } else if (std::holds_alternative<Fuse>(*s.step)) {
    give(std::move(token));
  } else if (const auto* replace = std::get_if<ReplaceDecoder>(s.step)) {
    give(replace_matches(token, *replace));
  } else if (const auto* by = std::get_if<StripDecoder>(s.step)) {
    give(strip(token, *by));
  } else if (const auto* sentence = std::get_if<SentencePieceDecoder>(s.step)) {
    if (const auto byte = fallback_byte(token)) {
      s.held += *byte;
      s.left = 0;
      return give(take_bytewise(s.held, More::expected));
    }
    give(take_bytewise(s.held, More::none));
    give(sentence_piece(token, *sentence, s.left));
  } else if (const auto* one = std::get_if<CtcDecoder>(s.step)) {
    if (!first && s.held == token) return;
    s.held = token;
    if (std::string text = ctc(token, *one); !text.empty()) give(std::move(text));
  }
}

void DecodeRun::end(std::size_t stage, std::string& out) {
  Stage& s = stages_[stage];
  std::string held = std::exchange(s.held, {});
  if (s.joined && !joins(*s.step)) {
    // What a Strip holds goes; any other step now sees the one text, and then its end.
    if (std::holds_alternative<StripDecoder>(*s.step) || held.empty()) return;
    s.joined = false;
    step_token(stage, std::move(held), out);
    held = std::exchange(s.held, {});
  }
  if (const auto* suffix = std::get_if<SuffixDecoder>(s.step); suffix != nullptr && s.begun) {
    pass(stage + 1, replace_all(held, suffix->suffix, ""), out);
  } else if (std::holds_alternative<BytesToText>(*s.step) && !held.empty()) {
    pass(stage + 1, repair_utf8(held), out);
  } else if (std::holds_alternative<ByteFallbackDecoder>(*s.step) && !held.empty()) {
    pass(stage + 1, text_of_run(held), out);
  } else if (std::holds_alternative<SentencePieceDecoder>(*s.step)) {
    pass(stage + 1, take_bytewise(held, More::none), out);
  }
}

}  // namespace hone::text::pipeline
