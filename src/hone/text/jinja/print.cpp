#include "hone/text/jinja/print.h"

#include "hone/text/utf8.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace hone::text::jinja {
namespace {

void append_code(std::string& out, char32_t code, bool json) {
  if (!json && code < 0x100) {
    out += fmt::format("\\x{:02x}", static_cast<uint32_t>(code));
  } else if (code < 0x10000) {
    out += fmt::format("\\u{:04x}", static_cast<uint32_t>(code));
  } else if (json) {
    const auto rest = static_cast<uint32_t>(code) - 0x10000;
    out += fmt::format("\\u{:04x}\\u{:04x}", 0xD800 + (rest >> 10), 0xDC00 + (rest & 0x3FF));
  } else {
    out += fmt::format("\\U{:08x}", static_cast<uint32_t>(code));
  }
}

// Copies `text`, each character either as it is or as escape(code, out) writes it.
template <class Escape>
void append_escaped(MarkedText& out, const MarkedText& text, Escape escape) {
  std::size_t begin = 0, at = 0;
  const auto flush = [&] { out.append(text, begin, at); };
  while (at < text.size()) {
    const CodePoint point = first_code_point(std::string_view(text.bytes).substr(at));
    const auto bytes = static_cast<std::size_t>(point.bytes);
    std::string escaped;
    if (point.valid && escape(point.value, escaped)) {
      flush();
      out.append(escaped, text.mark(at));
      begin = at + bytes;
    }
    at += bytes;
  }
  flush();
}

bool has_no_glyph(char32_t c) {
  return c < 0x20 || (c >= 0x7F && c < 0xA1) || c == 0xAD || (c > 0xFF && is_white_space(c)) ||
         (c >= 0x200B && c <= 0x200F) || (c >= 0x202A && c <= 0x202E) || (c >= 0x2060 && c <= 0x206F) ||
         (c >= 0xE000 && c <= 0xF8FF) || c == 0xFEFF;
}

void append_repr(MarkedText& out, const MarkedText& text) {
  const bool single = text.bytes.find('\'') != std::string::npos && text.bytes.find('"') == std::string::npos;
  const char quote = single ? '"' : '\'';
  out.append(std::string_view(&quote, 1));
  append_escaped(out, text, [&](char32_t c, std::string& escaped) {
    if (c == static_cast<char32_t>(quote) || c == '\\') {
      escaped = {'\\', static_cast<char>(c)};
    } else if (c == '\n' || c == '\r' || c == '\t') {
      escaped = c == '\n' ? "\\n" : c == '\r' ? "\\r" : "\\t";
    } else if (has_no_glyph(c)) {
      append_code(escaped, c, false);
    }
    return !escaped.empty();
  });
  out.append(std::string_view(&quote, 1));
}

class PythonWriter {
 public:
  PythonWriter(Context& context, MarkedText& out) : context_(context), out_(out) {}

  // Inside a container strings are quoted.
  void repr(const Value& value) {
    if (value.text() == nullptr) return str(value);
    context_.scan(value.text()->size());
    append_repr(out_, *value.text());
    check();
  }

  void str(const Value& value) {
    const Context::Level level(context_);
    context_.step();
    if (value.is_undefined()) {
      out_.append("Undefined");
    } else if (value.is_none()) {
      out_.append("None");
    } else if (const auto* truth = value.as<bool>()) {
      out_.append(*truth ? "True" : "False");
    } else if (const auto* whole = value.as<int64_t>()) {
      out_.append(fmt::format("{}", *whole));
    } else if (const auto* number = value.as<double>()) {
      out_.append(float_text(*number));
    } else if (const Sequence* sequence = value.sequence()) {
      list(*sequence);
    } else if (const Dict* dict = value.dict()) {
      members(*dict);
    } else {
      context_.fail("a '{}' object can't be printed", type_name(value));
    }
    check();
  }

 private:
  void check() {
    if (out_.size() > context_.limits().output_bytes) {
      context_.fail("a text of more than {} bytes", context_.limits().output_bytes);
    }
  }

  void list(const Sequence& sequence) {
    const SequenceKind kind = sequence.kind;
    if (kind == SequenceKind::generator || kind == SequenceKind::range) {
      context_.fail("a {} can't be printed; make it a list first", kind == SequenceKind::range ? "range" : "generator");
    }
    const bool view = kind == SequenceKind::keys || kind == SequenceKind::values || kind == SequenceKind::items;
    if (view)
      out_.append(kind == SequenceKind::keys     ? "dict_keys("
                  : kind == SequenceKind::values ? "dict_values("
                                                 : "dict_items(");
    const bool tuple = kind == SequenceKind::tuple;
    out_.append(tuple ? "(" : "[");
    for (std::size_t i = 0; i < sequence.items.size(); ++i) {
      if (i > 0) out_.append(", ");
      repr(sequence.items[i]);
    }
    out_.append(tuple ? (sequence.items.size() == 1 ? ",)" : ")") : "]");
    if (view) out_.append(")");
  }

  void members(const Dict& dict) {
    out_.append("{");
    bool first = true;
    for (const auto& [key, value] : dict.members) {
      if (!std::exchange(first, false)) out_.append(", ");
      repr(key);
      out_.append(": ");
      repr(value);
    }
    out_.append("}");
  }

  Context& context_;
  MarkedText& out_;
};

class JsonWriter {
 public:
  JsonWriter(Context& context, const JsonStyle& style, MarkedText& out) : context_(context), style_(style), out_(out) {}

  void write(const Value& value, int depth) {
    const Context::Level level(context_);
    context_.step();
    if (const MarkedText* text = value.text()) {
      string(*text);
    } else if (value.is_none()) {
      out_.append("null");
    } else if (value.is_number()) {
      out_.append(scalar(value));
    } else if (const Sequence* sequence = value.sequence()) {
      if (sequence->kind != SequenceKind::list && sequence->kind != SequenceKind::tuple) refuse(value);
      list(*sequence, depth);
    } else if (const Dict* dict = value.dict()) {
      members(*dict, depth);
    } else {
      refuse(value);
    }
    if (out_.size() > context_.limits().output_bytes) {
      context_.fail("a text of more than {} bytes", context_.limits().output_bytes);
    }
  }

 private:
  [[noreturn]] void refuse(const Value& value) {
    context_.fail("tojson: an object of type {} is not JSON", type_name(value));
  }

  static std::string scalar(const Value& value) {
    if (const auto* truth = value.as<bool>()) return *truth ? "true" : "false";
    if (const auto* whole = value.as<int64_t>()) return fmt::format("{}", *whole);
    const double number = value.number();
    if (std::isnan(number)) return "NaN";
    return std::isinf(number) ? (number > 0 ? "Infinity" : "-Infinity") : float_text(number);
  }

  void string(const MarkedText& text) {
    context_.scan(text.size());
    out_.append("\"");
    append_escaped(out_, text, [&](char32_t c, std::string& escaped) {
      constexpr std::string_view kPlain = "\"\\\n\r\t\b\f";
      constexpr std::string_view kLetters = "\"\\nrtbf";
      const auto known = c < 0x80 ? kPlain.find(static_cast<char>(c)) : std::string_view::npos;
      if (known != std::string_view::npos) {
        escaped = {'\\', kLetters[known]};
      } else if (c < 0x20 || (c > 0x7E && style_.text == JsonStyle::Text::ascii)) {
        append_code(escaped, c, true);
      }
      return !escaped.empty();
    });
    out_.append("\"");
  }

  void line(int depth) {
    if (style_.indent < 0) return;
    const auto spaces = static_cast<std::size_t>(style_.indent) * static_cast<std::size_t>(depth);
    context_.allocate_text(spaces);
    out_.append("\n" + std::string(spaces, ' '));
  }

  void separate(bool& first, int depth) {
    if (!std::exchange(first, false)) out_.append(style_.item_separator);
    line(depth);
  }

  void list(const Sequence& sequence, int depth) {
    out_.append("[");
    bool first = true;
    for (const Value& item : sequence.items) {
      separate(first, depth + 1);
      write(item, depth + 1);
    }
    if (!first) line(depth);
    out_.append("]");
  }

  void members(const Dict& dict, int depth) {
    std::vector<const std::pair<Value, Value>*> order;
    for (const auto& member : dict.members) order.push_back(&member);
    if (style_.keys == JsonStyle::Keys::sorted) {
      std::stable_sort(order.begin(), order.end(),
                       [&](const auto* a, const auto* b) { return less(context_, a->first, b->first); });
    }
    out_.append("{");
    bool first = true;
    for (const auto* member : order) {
      separate(first, depth + 1);
      key(member->first);
      out_.append(style_.key_separator);
      write(member->second, depth + 1);
    }
    if (!first) line(depth);
    out_.append("}");
  }

  void key(const Value& key) {
    if (key.text() != nullptr) return string(*key.text());
    if (!key.is_none() && !key.is_number()) refuse(key);
    out_.append(key.is_none() ? "\"null\"" : '"' + scalar(key) + '"');
  }

  Context& context_;
  const JsonStyle& style_;
  MarkedText& out_;
};

}  // namespace

std::string float_text(double number) {
  if (std::isnan(number)) return "nan";
  if (std::isinf(number)) return number > 0 ? "inf" : "-inf";
  char digits[40];
  const auto written = std::to_chars(digits, digits + sizeof digits, number, std::chars_format::scientific);
  const std::string_view shortest(digits, static_cast<std::size_t>(written.ptr - digits));
  const auto e = shortest.find('e');
  int exponent = 0;
  const std::size_t sign = shortest[e + 1] == '+' ? 1 : 0;
  std::from_chars(shortest.data() + e + 1 + sign, shortest.data() + shortest.size(), exponent);
  if (exponent < -4 || exponent >= 16) return std::string(shortest);
  char fixed[60];
  const auto end = std::to_chars(fixed, fixed + sizeof fixed, number, std::chars_format::fixed);
  std::string text(fixed, end.ptr);
  return text.find('.') == std::string::npos ? text + ".0" : text;
}

MarkedText to_text(Context& context, const Value& value) {
  if (const MarkedText* text = value.text()) return *text;
  MarkedText out;
  if (!value.is_undefined()) PythonWriter(context, out).str(value);
  return out;
}

MarkedText to_json(Context& context, const Value& value, const JsonStyle& style) {
  MarkedText out;
  JsonWriter(context, style, out).write(value, 0);
  return out;
}

}  // namespace hone::text::jinja
