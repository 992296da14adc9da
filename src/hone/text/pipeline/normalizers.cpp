#include "hone/text/pipeline/normalizers.h"

#include "hone/base/error.h"
#include "hone/text/byte_alphabet.h"
#include "hone/text/utf8.h"

#include <algorithm>
#include <utility>

namespace hone::text::pipeline {
namespace {

template <class Use>
void for_each_point(std::string_view text, Use use) {
  while (!text.empty()) {
    const Step at = step(text);
    use(at.value, text.substr(0, static_cast<std::size_t>(at.bytes)));
    text.remove_prefix(static_cast<std::size_t>(at.bytes));
  }
}

// Keeps the code points for which keep() is true, each through map(); notes whether the first one went.
template <class Keep, class Map>
void filter(Normalized& n, Keep keep, Map map) {
  std::string out;
  out.reserve(n.text.size());
  bool first = true;
  for_each_point(n.text, [&](char32_t c, std::string_view bytes) {
    const bool kept = keep(c);
    if (first && !kept) n.at_start = false;
    first = false;
    if (!kept) return;
    const char32_t mapped = map(c);
    if (mapped == c) {
      out += bytes;
    } else {
      out += to_utf8(mapped);
    }
  });
  n.text = std::move(out);
}

char32_t same(char32_t c) { return c; }

void lowercase(Normalized& n) {
  std::string out;
  out.reserve(n.text.size());
  for_each_point(n.text, [&](char32_t c, std::string_view) { append_lower(c, out); });
  n.text = std::move(out);
}

void run(const BertNormalizer& bert, Normalized& n) {
  if (bert.clean_text) {
    const auto is_space = [](char32_t c) { return is_white_space(c); };
    filter(
        n,
        [](char32_t c) {
          if (c == '\t' || c == '\n' || c == '\r') return true;
          return c != 0 && c != 0xFFFD && !is_other(c);
        },
        [&](char32_t c) { return is_space(c) ? U' ' : c; });
  }
  if (bert.handle_chinese_chars) {
    std::string out;
    for_each_point(n.text, [&](char32_t c, std::string_view bytes) {
      if (is_chinese(c)) {
        out += ' ';
        out += bytes;
        out += ' ';
      } else {
        out += bytes;
      }
    });
    n.text = std::move(out);
  }
  if (bert.strip_accents) {
    n.text = normalize(n.text, NormalForm::nfd);
    filter(
        n, [](char32_t c) { return !is_nonspacing_mark(c); }, same);
  }
  if (bert.lowercase) lowercase(n);
}

void run(const StripEnds& strip, Normalized& n) {
  std::size_t begin = 0, end = 0;
  bool inside = false;
  std::size_t at = 0;
  for_each_point(n.text, [&](char32_t c, std::string_view bytes) {
    if (!is_white_space(c)) {
      if (!inside) begin = at;
      inside = true;
      end = at + bytes.size();
    }
    at += bytes.size();
  });
  if (!inside) begin = n.text.size();
  const std::size_t from = strip.left ? begin : 0;
  const std::size_t to = strip.right ? std::max(end, from) : n.text.size();
  if (from > 0) n.at_start = false;
  n.text = n.text.substr(from, to - from);
}

void run(const StripAccents&, Normalized& n) {
  filter(
      n, [](char32_t c) { return !is_mark(c); }, same);
}
void run(const ToForm& to, Normalized& n) { n.text = normalize(n.text, to.form); }
void run(const Lowercase&, Normalized& n) { lowercase(n); }

void run(const Nmt&, Normalized& n) {
  const auto keep = [](char32_t c) {
    return !((c >= 1 && c <= 8) || c == 0xB || (c >= 0xE && c <= 0x1F) || c == 0x7F || c == 0x8F || c == 0x9F);
  };
  filter(n, keep, [](char32_t c) {
    const bool space = c == 9 || c == 10 || c == 12 || c == 13 || c == 0x1680 || (c >= 0x200B && c <= 0x200F) ||
                       c == 0x2028 || c == 0x2029 || c == 0x2581 || c == 0xFEFF || c == 0xFFFD;
    return space ? U' ' : c;
  });
}

void run(const ReplaceAll& replace, Normalized& n) {
  std::string out;
  const std::size_t most = n.most_bytes;
  for_each_match(replace.pattern, n.text, [&](Match match, IsMatch is) {
    const std::string_view part = std::string_view(n.text).substr(match.begin, match.end - match.begin);
    if (is == IsMatch::no) {
      out += part;
      return;
    }
    // What replaces a text of several characters is aligned with the last of them.
    const bool several = !part.empty() && part.size() > static_cast<std::size_t>(step(part).bytes);
    if (match.begin == 0 && (several || (replace.content.empty() && !part.empty()))) n.at_start = false;
    out += replace.content;
    require(out.size() <= most, ErrorKind::data, "replacing {} makes a text of over {} bytes",
            quote(replace.pattern.text()), most);
  });
  n.text = std::move(out);
}

void run(const Prepend& prepend, Normalized& n) {
  if (!n.text.empty()) n.text.insert(0, prepend.text);
}

void run(const ToByteSymbols&, Normalized& n) {
  std::string out;
  out.reserve(n.text.size() + n.text.size() / 2);
  for (const char c : n.text) out += byte_symbol(static_cast<uint8_t>(c));
  n.text = std::move(out);
}

void run(const Charsmap& map, Normalized& n) {
  const bool gone = !n.text.empty() && map.find(n.text.substr(0, static_cast<std::size_t>(step(n.text).bytes))) == "";
  if (gone) n.at_start = false;
  n.text = map.apply(n.text, n.most_bytes);
}

void run(const SentencePieceNormalizer& by, Normalized& n) { n.text = normalize(by, n.text, n.most_bytes); }

}  // namespace

Normalized normalized(const std::vector<Normalizer>& steps, std::string_view text) {
  // Nothing that is known to be in use grows a text more (one letter of NFKC becomes 18).
  Normalized n{std::string(text), true, 32 * text.size() + 4096};
  for (const Normalizer& step : steps) {
    std::visit([&](const auto& one) { run(one, n); }, step);
    require(n.text.size() <= n.most_bytes, ErrorKind::data, "the normalizer makes {} bytes of a text of {}",
            n.text.size(), text.size());
  }
  return n;
}

}  // namespace hone::text::pipeline
