#include "hone/text/pipeline/pre_tokenizers.h"

#include "hone/text/byte_alphabet.h"
#include "hone/text/pipeline/unicode.h"
#include "hone/text/utf8.h"

#include <array>
#include <optional>
#include <span>

namespace hone::text::pipeline {
namespace {

using Use = std::function<void(Piece)>;

// Turns segments (delimiter or not, without gaps) into pieces, one segment late where a merge may follow.
template <class Emit>
class Merger {
 public:
  Merger(Delimiters delimiters, Emit emit) : delimiters_(delimiters), emit_(emit) {}

  void add(Match segment, IsMatch is) {
    if (delimiters_ == Delimiters::isolated) return emit_(segment);
    if (delimiters_ == Delimiters::removed) {
      if (is == IsMatch::no) emit_(segment);
      return;
    }
    if (held_ && merges(is)) {
      held_->end = segment.end;
    } else {
      if (held_) emit_(*held_);
      held_ = segment;
    }
    previous_ = is;
  }
  void finish() {
    if (held_) emit_(*held_);
  }

 private:
  bool merges(IsMatch is) const {
    switch (delimiters_) {
      case Delimiters::contiguous:
        return is == previous_;
      case Delimiters::merged_with_previous:
        return is == IsMatch::yes && previous_ == IsMatch::no;
      default:
        return is == IsMatch::no && previous_ == IsMatch::yes;
    }
  }

  Delimiters delimiters_;
  Emit emit_;
  std::optional<Match> held_;
  IsMatch previous_ = IsMatch::no;
};

// Hands sub-pieces of `piece` on.
template <class Next>
auto emitter(Piece piece, Next& next) {
  return [piece, &next](Match m) {
    if (m.end > m.begin) next(Piece{piece.text.substr(m.begin, m.end - m.begin), piece.at_start && m.begin == 0});
  };
}

template <class IsDelimiter, class Next>
void split_points(Piece piece, IsDelimiter is_delimiter, Delimiters delimiters, Next& next) {
  Merger merger(delimiters, emitter(piece, next));
  std::size_t begin = 0;
  std::size_t at = 0;
  while (at < piece.text.size()) {
    const Step here = step(piece.text.substr(at));
    const std::size_t end = at + static_cast<std::size_t>(here.bytes);
    if (is_delimiter(here.value)) {
      if (at > begin) merger.add({begin, at}, IsMatch::no);
      merger.add({at, end}, IsMatch::yes);
      begin = end;
    }
    at = end;
  }
  if (at > begin) merger.add({begin, at}, IsMatch::no);
  merger.finish();
}

template <class Next>
void run(const SplitPoints& split, Piece piece, Next& next) {
  split_points(piece, split.is_delimiter, split.delimiters, next);
}

template <class Next>
void run(const SplitChar& split, Piece piece, Next& next) {
  split_points(
      piece, [&](char32_t c) { return c == split.delimiter; }, Delimiters::removed, next);
}

template <class Next>
void run(const SplitPattern& split, Piece piece, Next& next) {
  Merger merger(split.delimiters, emitter(piece, next));
  for_each_match(split.pattern, piece.text, [&](Match match, IsMatch is) {
    const bool delimiter = (is == IsMatch::yes) != split.inverted;
    merger.add(match, delimiter ? IsMatch::yes : IsMatch::no);
  });
  merger.finish();
}

enum class Sort { word, symbol, space };
Sort sort_of(char32_t c) { return is_word(c) ? Sort::word : is_white_space(c) ? Sort::space : Sort::symbol; }

template <class Next>
void run(const WordsAndSymbols&, Piece piece, Next& next) {
  const auto emit = emitter(piece, next);
  std::size_t at = 0, begin = 0;
  Sort run_sort = Sort::space;
  while (at < piece.text.size()) {
    const Step here = step(piece.text.substr(at));
    const Sort sort = sort_of(here.value);
    if (sort != run_sort) {
      if (run_sort != Sort::space) emit({begin, at});
      begin = at;
      run_sort = sort;
    }
    at += static_cast<std::size_t>(here.bytes);
  }
  if (run_sort != Sort::space) emit({begin, at});
}

template <class Next>
void run(const FixedLength& fixed, Piece piece, Next& next) {
  const auto emit = emitter(piece, next);
  std::size_t at = 0, begin = 0, points = 0;
  while (at < piece.text.size()) {
    at += static_cast<std::size_t>(step(piece.text.substr(at)).bytes);
    if (++points < fixed.length) continue;
    emit({begin, at});
    begin = at;
    points = 0;
  }
  emit({begin, at});
}

template <class Next>
void map_bytes(Piece piece, Next& next) {
  std::string mapped;
  mapped.reserve(piece.text.size() * 2);
  for (const char c : piece.text) mapped += byte_symbol(static_cast<uint8_t>(c));
  next(Piece{mapped, piece.at_start});
}

template <class Next>
void run(const ByteLevel& level, Piece piece, Next& next) {
  std::string spaced;
  if (level.add_prefix_space && !piece.text.starts_with(' ')) {
    spaced.reserve(piece.text.size() + 1);
    spaced += ' ';
    spaced += piece.text;
    piece.text = spaced;
  }
  const auto map = [&](Piece part) { level.maps ? map_bytes(part, next) : next(part); };
  if (!level.use_regex) return map(piece);
  for (std::size_t at = 0; at < piece.text.size();) {
    const std::size_t bytes = scan(KnownPattern::gpt2, piece.text, at);
    map(Piece{piece.text.substr(at, bytes), piece.at_start && at == 0});
    at += bytes;
  }
}

template <class Next>
void run(const Metaspace& meta, Piece piece, Next& next) {
  std::string text;
  text.reserve(piece.text.size() + piece.text.size() / 2 + meta.symbol.size());
  const bool starts = piece.text.starts_with(' ') || piece.text.starts_with(meta.symbol);
  const bool wanted =
      meta.prepend == Metaspace::Prepend::always || (meta.prepend == Metaspace::Prepend::first && piece.at_start);
  if (wanted && !starts) text += meta.symbol;
  for (const char c : piece.text) c == ' ' ? text += meta.symbol : text += c;
  const Piece whole{text, piece.at_start};
  if (!meta.splits) return next(whole);
  const auto emit = emitter(whole, next);
  std::size_t begin = 0;
  while (begin < text.size()) {
    std::size_t end = text.find(
        meta.symbol, begin + (text.compare(begin, meta.symbol.size(), meta.symbol) == 0 ? meta.symbol.size() : 0));
    if (end == std::string::npos) end = text.size();
    emit({begin, end});
    begin = end;
  }
}

void run_all(std::span<const PreTokenizer> steps, Piece piece, const Use& use) {
  if (steps.empty()) return use(piece);
  if (steps.size() == 1) {
    std::visit([&](const auto& one) { run(one, piece, use); }, steps[0]);
    return;
  }
  const auto next = [&](Piece part) { run_all(steps.subspan(1), part, use); };
  std::visit([&](const auto& one) { run(one, piece, next); }, steps[0]);
}

}  // namespace

void pre_tokenize(const std::vector<PreTokenizer>& steps, Piece piece, const std::function<void(Piece)>& use) {
  if (!piece.text.empty()) run_all(steps, piece, use);
}

}  // namespace hone::text::pipeline
