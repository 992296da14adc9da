// What tokenizers ask of Unicode beyond UTF-8 itself: classes of code points, normal forms, lower case, clusters.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace hone::text::pipeline {

/// How the split patterns of byte-level tokenizers see a code point: \p{L}, \p{N}, \s and the rest.
enum class Class : uint8_t { letter, number, space, other };

/// The code point at the start of `text` and its length; `text` must be well-formed and not empty.
struct Step {
  char32_t value = 0;
  int bytes = 0;
};
Step step(std::string_view text);

Class class_of(char32_t c);
/// Categories Nd, Nl and No (Rust's char::is_numeric).
bool is_numeric(char32_t c);
/// Punctuation as BERT sees it: categories P*, and every ASCII symbol ($ + < = > ^ ` | ~ too).
bool is_punctuation(char32_t c);
/// The regular expression's \w: letters, marks, decimal and letter numbers, connectors, joiners, circled letters.
bool is_word(char32_t c);
/// Categories Cc, Cf, Co (and Cs): what BERT's clean_text removes. Unassigned code points are not among them.
bool is_other(char32_t c);
/// Category Mn.
bool is_nonspacing_mark(char32_t c);
/// Categories Mn, Mc and Me.
bool is_mark(char32_t c);
/// The CJK ideograph blocks that BERT puts spaces around.
bool is_chinese(char32_t c);

/// Unicode's four normal forms.
enum class NormalForm { nfc, nfd, nfkc, nfkd };

/// `text` (well-formed UTF-8) in the normal form `form`.
/// Cost: O(n log n) whatever the text (marks are sorted, not bubbled). Unicode version: that of libutf8proc.
std::string normalize(std::string_view text, NormalForm form);

/// Appends the lower case of `c`, one code point at a time as Rust's char::to_lowercase (no final sigma): "İ" becomes
/// "i" and a combining dot.
void append_lower(char32_t c, std::string& out);

/// Bytes of the extended grapheme cluster at the start of `text` (well-formed, not empty).
std::size_t cluster_bytes(std::string_view text);

}  // namespace hone::text::pipeline
