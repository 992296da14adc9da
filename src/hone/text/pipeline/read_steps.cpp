#include "hone/text/pipeline/read_steps.h"

#include "hone/base/error.h"
#include "hone/text/utf8.h"

#include <array>
#include <initializer_list>
#include <limits>
#include <string>
#include <utility>

namespace hone::text::pipeline {
namespace {

constexpr std::size_t kMostSteps = 64;
constexpr std::size_t kMostTextBytes = 1024;
constexpr int64_t kMostCount = 1'000'000;

[[noreturn]] void refuse(std::string_view what, std::string_view found, std::string_view known,
                         std::string_view where) {
  fail(ErrorKind::format, "{}: {} {} is not supported; supported: {}", where, what, quote(found), known);
}

// The steps of a (nested) Sequence in order; the parser has bounded the nesting.
void flatten(const Json& step, const char* list_key, std::string_view where, std::vector<const Json*>& out) {
  if (type_of(step, list_key, where) != "Sequence") {
    require(out.size() < kMostSteps, ErrorKind::format, "{}: over {} {}", where, kMostSteps, list_key);
    out.push_back(&step);
    return;
  }
  const Json* list = member(step, list_key);
  require(list != nullptr && list->is_array(), ErrorKind::format, "{}: a Sequence without a list \"{}\"", where,
          list_key);
  for (const Json& one : *list) flatten(one, list_key, where, out);
}

std::vector<const Json*> steps_of(const Json* step, const char* list_key, std::string_view where) {
  std::vector<const Json*> steps;
  if (step != nullptr) flatten(*step, list_key, where, steps);
  return steps;
}

std::string short_text(const Json& step, std::string_view key, std::string_view where) {
  std::string text = base::get_string(step, key, where);
  require(text.size() <= kMostTextBytes, ErrorKind::format, "{}: \"{}\" has {} bytes; at most {}", where, key,
          text.size(), kMostTextBytes);
  return text;
}
std::string short_text_or(const Json& step, std::string_view key, const char* fallback, std::string_view where) {
  return member(step, key) == nullptr ? std::string(fallback) : short_text(step, key, where);
}

char32_t one_character(const Json& step, std::string_view key, std::string_view where) {
  const std::string text = short_text(step, key, where);
  const CodePoint point = text.empty() ? CodePoint{} : first_code_point(text);
  require(point.valid && static_cast<std::size_t>(point.bytes) == text.size(), ErrorKind::format,
          "{}: \"{}\" is {}; expected one character", where, key, quote(text));
  return point.value;
}

std::size_t count_of(const Json& step, std::string_view key, int64_t least, std::string_view where) {
  return static_cast<std::size_t>(base::get_int(step, key, least, kMostCount, where));
}

Pattern read_pattern(const Json& step, std::string_view where) {
  const Json* pattern = member(step, "pattern");
  require(pattern != nullptr && pattern->is_object() && pattern->size() == 1, ErrorKind::format,
          "{}: \"pattern\" must be {{\"String\": …}} or {{\"Regex\": …}}", where);
  if (member(*pattern, "Regex") != nullptr) return Pattern::regex(base::get_string(*pattern, "Regex", where), where);
  return Pattern::literal(short_text(*pattern, "String", where), where);
}

Delimiters read_behavior(const Json& step, std::string_view fallback, std::string_view where) {
  constexpr std::array<std::pair<std::string_view, Delimiters>, 5> kNames = {
      {{"Removed", Delimiters::removed},
       {"Isolated", Delimiters::isolated},
       {"MergedWithPrevious", Delimiters::merged_with_previous},
       {"MergedWithNext", Delimiters::merged_with_next},
       {"Contiguous", Delimiters::contiguous}}};
  const std::string found = base::get_string_or(step, "behavior", fallback, where);
  for (const auto& [name, behavior] : kNames) {
    if (name == found) return behavior;
  }
  refuse("behavior", found, "Removed, Isolated, MergedWithPrevious, MergedWithNext, Contiguous", where);
}

// The symbol and the scheme of a Metaspace, which older files spell as add_prefix_space.
Metaspace read_metaspace(const Json& step, std::string_view where) {
  Metaspace made;
  made.symbol = to_utf8(one_character(step, "replacement", where));
  const std::string scheme = base::get_string_or(step, "prepend_scheme", "always", where);
  if (scheme == "first") {
    made.prepend = Metaspace::Prepend::first;
  } else if (scheme == "never") {
    made.prepend = Metaspace::Prepend::never;
  } else if (scheme != "always") {
    refuse("prepend_scheme", scheme, "always, first, never", where);
  }
  if (!base::get_bool_or(step, "add_prefix_space", true, where)) {
    require(scheme == "never" || member(step, "prepend_scheme") == nullptr, ErrorKind::format,
            "{}: Metaspace says add_prefix_space false and prepend_scheme {}", where, quote(scheme));
    made.prepend = Metaspace::Prepend::never;
  }
  made.splits = base::get_bool_or(step, "split", true, where);
  return made;
}

Normalizer read_normalizer(const Json& step, std::string_view where) {
  const std::string type = type_of(step, "normalizer", where);
  const auto flag = [&](const char* key, bool fallback) { return base::get_bool_or(step, key, fallback, where); };
  if (type == "BertNormalizer") {
    const bool lowercase = flag("lowercase", true);
    return BertNormalizer{flag("clean_text", true), flag("handle_chinese_chars", true),
                          flag("strip_accents", lowercase), lowercase};
  }
  if (type == "NFC") return ToForm{NormalForm::nfc};
  if (type == "NFD") return ToForm{NormalForm::nfd};
  if (type == "NFKC") return ToForm{NormalForm::nfkc};
  if (type == "NFKD") return ToForm{NormalForm::nfkd};
  if (type == "Strip") return StripEnds{flag("strip_left", true), flag("strip_right", true)};
  if (type == "StripAccents") return StripAccents{};
  if (type == "Lowercase") return Lowercase{};
  if (type == "Nmt") return Nmt{};
  if (type == "Replace") return ReplaceAll{read_pattern(step, where), short_text(step, "content", where)};
  if (type == "Prepend") return Prepend{short_text(step, "prepend", where)};
  if (type == "ByteLevel") return ToByteSymbols{};
  if (type == "Precompiled") {
    return Charsmap(decode_base64(base::get_string(step, "precompiled_charsmap", where), where), where);
  }
  refuse("normalizer", type,
         "BertNormalizer, ByteLevel, Lowercase, NFC, NFD, NFKC, NFKD, Nmt, Precompiled, Prepend, Replace, Sequence, "
         "Strip, StripAccents",
         where);
}

void read_pre_tokenizer(const Json& step, std::string_view where, std::vector<PreTokenizer>& out) {
  const std::string type = type_of(step, "pre_tokenizer", where);
  const auto flag = [&](const char* key, bool fallback) { return base::get_bool_or(step, key, fallback, where); };
  if (type == "ByteLevel") {
    out.push_back(ByteLevel{flag("add_prefix_space", true), flag("use_regex", true), true});
  } else if (type == "BertPreTokenizer") {
    out.push_back(SplitPoints{&is_white_space, Delimiters::removed});
    out.push_back(SplitPoints{&is_punctuation, Delimiters::isolated});
  } else if (type == "Whitespace") {
    out.push_back(WordsAndSymbols{});
  } else if (type == "WhitespaceSplit") {
    out.push_back(SplitPoints{&is_white_space, Delimiters::removed});
  } else if (type == "Punctuation") {
    out.push_back(SplitPoints{&is_punctuation, read_behavior(step, "Isolated", where)});
  } else if (type == "Digits") {
    const bool each = flag("individual_digits", false);
    out.push_back(SplitPoints{&is_numeric, each ? Delimiters::isolated : Delimiters::contiguous});
  } else if (type == "CharDelimiterSplit") {
    out.push_back(SplitChar{one_character(step, "delimiter", where)});
  } else if (type == "FixedLength") {
    out.push_back(FixedLength{count_of(step, "length", 1, where)});
  } else if (type == "Metaspace") {
    out.push_back(read_metaspace(step, where));
  } else if (type == "Split") {
    out.push_back(SplitPattern{read_pattern(step, where), read_behavior(step, "", where), flag("invert", false)});
  } else {
    refuse("pre_tokenizer", type,
           "BertPreTokenizer, ByteLevel, CharDelimiterSplit, Digits, FixedLength, Metaspace, Punctuation, Sequence, "
           "Split, Whitespace, WhitespaceSplit",
           where);
  }
}

Decoder read_decoder(const Json& step, std::string_view where) {
  const std::string type = type_of(step, "decoder", where);
  const auto flag = [&](const char* key, bool fallback) { return base::get_bool_or(step, key, fallback, where); };
  if (type == "ByteLevel") return BytesToText{};
  if (type == "WordPiece") return WordPieceDecoder{short_text_or(step, "prefix", "##", where), flag("cleanup", true)};
  if (type == "Metaspace") {
    const Metaspace meta = read_metaspace(step, where);
    return MetaspaceDecoder{meta.symbol, meta.prepend != Metaspace::Prepend::never};
  }
  if (type == "BPEDecoder") return SuffixDecoder{short_text_or(step, "suffix", "</w>", where)};
  if (type == "ByteFallback") return ByteFallbackDecoder{};
  if (type == "Fuse") return Fuse{};
  if (type == "Replace") return ReplaceDecoder{read_pattern(step, where), short_text(step, "content", where)};
  if (type == "Strip") {
    return StripDecoder{one_character(step, "content", where), count_of(step, "start", 0, where),
                        count_of(step, "stop", 0, where)};
  }
  if (type == "CTC") {
    return CtcDecoder{short_text_or(step, "pad_token", "<pad>", where),
                      short_text_or(step, "word_delimiter_token", "|", where), flag("cleanup", true)};
  }
  refuse("decoder", type,
         "BPEDecoder, ByteFallback, ByteLevel, CTC, Fuse, Metaspace, Replace, Sequence, Strip, WordPiece", where);
}

using Texts = std::vector<std::pair<std::string, std::vector<int32_t>>>;

// special_tokens of a TemplateProcessing: name → ids.
Texts special_tokens(const Json& step, std::string_view where) {
  Texts out;
  const Json* tokens = member(step, "special_tokens");
  if (tokens == nullptr) return out;
  require(tokens->is_object() && tokens->size() <= kMostTextBytes, ErrorKind::format,
          "{}: \"special_tokens\" of the template is no object, or holds over {} tokens", where, kMostTextBytes);
  for (const auto& [name, token] : tokens->items()) {
    const Json* ids = token.is_object() ? member(token, "ids") : nullptr;
    require(ids != nullptr && ids->is_array(), ErrorKind::format, "{}: special token {} has no list \"ids\"", where,
            quote(name));
    out.emplace_back(name, std::vector<int32_t>());
    for (const Json& id : *ids) out.back().second.push_back(token_id(id, name, where));
  }
  return out;
}

TemplatePart read_part(const Json& part, const Texts& specials, std::string_view where) {
  require(part.is_object() && part.size() == 1, ErrorKind::format,
          "{}: a part of a template must be {{\"SpecialToken\": …}} or {{\"Sequence\": …}}", where);
  TemplatePart made;
  const Json* sequence = member(part, "Sequence");
  const Json* special = member(part, "SpecialToken");
  const Json* body = sequence != nullptr ? sequence : special;
  require(body != nullptr && body->is_object(), ErrorKind::format,
          "{}: a part of a template must be {{\"SpecialToken\": …}} or {{\"Sequence\": …}}", where);
  const std::string id = base::get_string(*body, "id", where);
  made.type_id = static_cast<int32_t>(base::get_int_or(*body, "type_id", 0, 0, kMostCount, where));
  if (sequence != nullptr) {
    require(id == "A" || id == "B", ErrorKind::format, "{}: sequence {} of a template is neither A nor B", where,
            quote(id));
    made.what = id == "A" ? TemplatePart::What::first : TemplatePart::What::second;
    return made;
  }
  made.what = TemplatePart::What::special;
  for (const auto& [name, ids] : specials) {
    if (name != id) continue;
    made.ids = ids;
    return made;
  }
  fail(ErrorKind::format, "{}: the template names {}, which is not in its special_tokens", where, quote(id));
}

Template read_template(const Json& step, const char* key, std::string_view where) {
  const Json* list = member(step, key);
  require(list != nullptr && list->is_array() && list->size() <= kMostTextBytes, ErrorKind::format,
          "{}: TemplateProcessing has no list \"{}\", or one of over {} parts", where, key, kMostTextBytes);
  const Texts specials = special_tokens(step, where);
  Template made;
  for (const Json& part : *list) made.push_back(read_part(part, specials, where));
  return made;
}

// ["[SEP]", 102]
int32_t named_id(const Json& step, const char* key, std::string_view where) {
  const Json* pair = member(step, key);
  require(pair != nullptr && pair->is_array() && pair->size() == 2, ErrorKind::format,
          "{}: \"{}\" of the post_processor must be [token, id]", where, key);
  return token_id((*pair)[1], key, where);
}

}  // namespace

const Json* member(const Json& object, std::string_view key) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(std::string(key));
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

std::string type_of(const Json& step, std::string_view what, std::string_view where) {
  require(step.is_object(), ErrorKind::format, "{}: \"{}\" is not an object", where, what);
  return base::get_string(step, "type", where);
}

int32_t token_id(const Json& value, std::string_view token, std::string_view where) {
  constexpr int64_t kMost = std::numeric_limits<int32_t>::max();
  const bool fits = value.is_number_integer() &&
                    (value.is_number_unsigned() ? value.get<uint64_t>() <= uint64_t{kMost}
                                                : value.get<int64_t>() >= 0 && value.get<int64_t>() <= kMost);
  require(fits, ErrorKind::format, "{}: the id of token {} is {}; expected an integer from 0 to {}", where,
          quote(token), quote(base::dump(value)), kMost);
  return value.get<int32_t>();
}

std::vector<Normalizer> read_normalizers(const Json* step, std::string_view where) {
  std::vector<Normalizer> made;
  for (const Json* one : steps_of(step, "normalizers", where)) made.push_back(read_normalizer(*one, where));
  return made;
}

std::vector<PreTokenizer> read_pre_tokenizers(const Json* step, std::string_view where) {
  std::vector<PreTokenizer> made;
  for (const Json* one : steps_of(step, "pretokenizers", where)) read_pre_tokenizer(*one, where, made);
  return made;
}

std::vector<Decoder> read_decoders(const Json* step, std::string_view where) {
  std::vector<Decoder> made;
  for (const Json* one : steps_of(step, "decoders", where)) made.push_back(read_decoder(*one, where));
  if (made.empty()) made.push_back(JoinWithSpaces{});
  return made;
}

PostProcessor read_post_processor(const Json* step, std::string_view where) {
  using What = TemplatePart::What;
  PostProcessor made;
  for (const Json* one : steps_of(step, "processors", where)) {
    const std::string type = type_of(*one, "post_processor", where);
    if (type == "ByteLevel") continue;  // trims offsets, leaves ids alone
    require(made.single.empty(), ErrorKind::format, "{}: two post_processors that add tokens are not supported", where);
    if (type == "TemplateProcessing") {
      made.single = read_template(*one, "single", where);
      made.pair = read_template(*one, "pair", where);
      continue;
    }
    if (type != "BertProcessing" && type != "RobertaProcessing") {
      refuse("post_processor", type, "BertProcessing, ByteLevel, RobertaProcessing, Sequence, TemplateProcessing",
             where);
    }
    const bool bert = type == "BertProcessing";
    const int32_t second = bert ? 1 : 0;
    const TemplatePart cls{What::special, {named_id(*one, "cls", where)}, 0};
    const TemplatePart sep{What::special, {named_id(*one, "sep", where)}, 0};
    const TemplatePart last{What::special, sep.ids, second};
    made.single = {cls, {What::first, {}, 0}, sep};
    made.pair = made.single;
    if (!bert) made.pair.push_back(sep);
    made.pair.push_back({What::second, {}, second});
    made.pair.push_back(last);
  }
  return made;
}

}  // namespace hone::text::pipeline
