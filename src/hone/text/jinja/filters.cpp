// Filters of single values, and how arguments meet parameters.
#include "hone/base/text_match.h"
#include "hone/text/jinja/builtins.h"
#include "hone/text/jinja/operators.h"
#include "hone/text/jinja/print.h"
#include "hone/text/jinja/strings.h"
#include "hone/text/utf8.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace hone::text::jinja {
namespace {

Value trim_filter(Context& context, const Value& value, const Arguments& arguments) {
  const Bound bound(context, "trim", arguments, {"chars"});
  const MarkedText text = to_text(context, value);
  return make_text(context, strip(text, Ends::both, bound.given(0) ? &bound.text(0) : nullptr));
}

template <Case wanted>
Value case_filter(Context& context, const Value& value, const Arguments& arguments) {
  Bound(context, "a filter that changes case", arguments, {});
  return make_text(context, change_case(to_text(context, value), wanted));
}

// Jinja's title differs from Python's: words begin after white space and - ( { [ <.
Value title_filter(Context& context, const Value& value, const Arguments& arguments) {
  Bound(context, "title", arguments, {});
  const MarkedText text = to_text(context, value);
  context.step(static_cast<int64_t>(text.size() / 8));
  MarkedText out;
  std::size_t begin = 0;
  const auto flush = [&](std::size_t end) { out.append(change_case(text.slice(begin, end), Case::capital)); };
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint point = first_code_point(std::string_view(text.bytes).substr(at));
    const auto bytes = static_cast<std::size_t>(point.bytes);
    const bool cut = point.value < 0x80
                         ? std::string_view("-({[<").find(static_cast<char>(point.value)) != std::string_view::npos ||
                               is_space(point.value)
                         : is_space(point.value);
    if (cut) {
      flush(at);
      out.append(text, at, at + bytes);
      begin = at + bytes;
    }
    at += bytes;
  }
  flush(text.size());
  return make_text(context, std::move(out));
}

Value default_filter(Context& context, const Value& value, const Arguments& arguments) {
  const Bound bound(context, "default", arguments, {"default_value", "boolean"});
  const bool missing = value.is_undefined() || (bound.truth(1, false) && !is_true(value));
  if (!missing) return value;
  return bound[0] != nullptr ? *bound[0] : make_text(context, "");
}

Value string_filter(Context& context, const Value& value, const Arguments& arguments) {
  Bound(context, "string", arguments, {});
  return value.text() != nullptr ? value : make_text(context, to_text(context, value));
}

bool read_real(std::string_view text, double& number) {
  text = trim(text);
  if (text.starts_with('+')) text.remove_prefix(1);
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  return !text.empty() && read.ec == std::errc() && read.ptr == text.data() + text.size();
}

bool read_whole(std::string_view text, int base, int64_t& whole) {
  text = trim(text);
  if (text.starts_with('+')) text.remove_prefix(1);
  const auto read = std::from_chars(text.data(), text.data() + text.size(), whole, base);
  return !text.empty() && read.ec == std::errc() && read.ptr == text.data() + text.size();
}

Value int_filter(Context& context, const Value& value, const Arguments& arguments) {
  const Bound bound(context, "int", arguments, {"default", "base"});
  const Value fallback = bound[0] != nullptr ? *bound[0] : Value(int64_t{0});
  int64_t whole = 0;
  double number = 0;
  if (value.as_integer(whole)) return Value(whole);
  const auto base = std::clamp<int64_t>(bound.integer(1, 10), 2, 36);
  if (value.text() != nullptr && read_whole(value.text()->bytes, static_cast<int>(base), whole)) return Value(whole);
  if (value.as<double>() != nullptr) {
    number = value.number();
  } else if (value.text() == nullptr || !read_real(value.text()->bytes, number)) {
    return fallback;
  }
  if (!(std::abs(number) < 9.2e18)) return fallback;
  return Value(static_cast<int64_t>(number));
}

Value float_filter(Context& context, const Value& value, const Arguments& arguments) {
  const Bound bound(context, "float", arguments, {"default"});
  double number = 0;
  if (value.is_number()) return Value(value.number());
  if (value.text() != nullptr && read_real(value.text()->bytes, number)) return Value(number);
  return bound[0] != nullptr ? *bound[0] : Value(0.0);
}

Value abs_filter(Context& context, const Value& value, const Arguments& arguments) {
  Bound(context, "abs", arguments, {});
  const bool negative = value.is_number() && value.number() < 0;
  return negate(context, negative ? "-" : "+", value);
}

Value round_filter(Context& context, const Value& value, const Arguments& arguments) {
  const Bound bound(context, "round", arguments, {"precision", "method"});
  if (!value.is_number()) context.fail("round needs a number, not '{}'", type_name(value));
  const double scale = std::pow(10.0, static_cast<double>(std::clamp<int64_t>(bound.integer(0, 0), -300, 300)));
  const std::string method = bound.given(1) ? bound.text(1).bytes : "common";
  const double scaled = value.number() * scale;
  if (method == "ceil") return Value(std::ceil(scaled) / scale);
  if (method == "floor") return Value(std::floor(scaled) / scale);
  if (method != "common") context.fail("round: the method is common, ceil or floor, not {}", quote(method));
  if (value.as<int64_t>() != nullptr && scale >= 1) return value;
  return Value(std::nearbyint(scaled) / scale);
}

Value indent_filter(Context& context, const Value& value, const Arguments& arguments) {
  const Bound bound(context, "indent", arguments, {"width", "first", "blank"});
  Indent how;
  if (bound.given(0) && bound[0]->text() != nullptr) {
    how.with = bound.text(0);
  } else {
    how.with =
        MarkedText(std::string(static_cast<std::size_t>(std::clamp<int64_t>(bound.integer(0, 4), 0, 1000)), ' '));
  }
  if (bound.truth(1, false)) how.first = Indent::First::indented;
  if (bound.truth(2, false)) how.blank = Indent::Blank::indented;
  return make_text(context, indent(context, to_text(context, value), how));
}

Value replace_filter(Context& context, const Value& value, const Arguments& arguments) {
  const Bound bound(context, "replace", arguments, {"old", "new", "count"});
  const MarkedText text = to_text(context, value);
  const MarkedText from = to_text(context, bound.required(0)), to = to_text(context, bound.required(1));
  return make_text(context, replace(context, text, {from, to, bound.integer(2, -1)}));
}

Value escape_filter(Context& context, const Value& value, const Arguments& arguments) {
  Bound(context, "escape", arguments, {});
  const MarkedText text = to_text(context, value);
  MarkedText out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    constexpr std::string_view kChars = "&<>'\"";
    constexpr std::string_view kEscapes[] = {"&amp;", "&lt;", "&gt;", "&#39;", "&#34;"};
    const auto known = kChars.find(text.bytes[at]);
    if (known == std::string_view::npos) {
      out.append(text, at, at + 1);
    } else {
      out.append(kEscapes[known], text.mark(at));
    }
  }
  return make_text(context, std::move(out));
}

Value tojson_filter(Context& context, const Value& value, const Arguments& arguments) {
  const Bound bound(context, "tojson", arguments, {"ensure_ascii", "indent", "separators", "sort_keys"});
  JsonStyle style;
  if (bound.truth(0, false)) style.text = JsonStyle::Text::ascii;
  if (bound.given(1)) {
    style.indent = static_cast<int>(std::clamp<int64_t>(bound.integer(1, 0), 0, 100));
    style.item_separator = ",";
  }
  if (bound.given(2)) {
    const Sequence* pair = bound[2]->sequence();
    const bool strings = pair != nullptr && pair->items.size() == 2 && pair->items[0].text() != nullptr &&
                         pair->items[1].text() != nullptr;
    if (!strings) context.fail("tojson: separators are a pair of strings");
    style.item_separator = pair->items[0].text()->bytes;
    style.key_separator = pair->items[1].text()->bytes;
  }
  if (bound.truth(3, false)) style.keys = JsonStyle::Keys::sorted;
  return make_text(context, to_json(context, value, style));
}

Value attr_filter(Context& context, const Value& value, const Arguments& arguments) {
  const Bound bound(context, "attr", arguments, {"name"});
  const MarkedText& name = bound.text(0);
  // Attributes alone, not what a dict holds.
  if (value.dict() == nullptr) return attribute(context, value, name.bytes);
  const Value method = method_of(context, value, name.bytes);
  return method.is_undefined() ? undefined("'dict object' has no attribute " + quote(name.bytes)) : method;
}

Value format_filter(Context& context, const Value& value, const Arguments& arguments) {
  return format_percent(context, to_text(context, value), arguments);
}

Value safe_filter(Context& context, const Value& value, const Arguments& arguments) {
  return string_filter(context, value, arguments);
}

struct Named {
  std::string_view name;
  Filter call;
};

constexpr Named kFilters[] = {{"trim", trim_filter},
                              {"upper", case_filter<Case::upper>},
                              {"lower", case_filter<Case::lower>},
                              {"capitalize", case_filter<Case::capital>},
                              {"title", title_filter},
                              {"default", default_filter},
                              {"d", default_filter},
                              {"string", string_filter},
                              {"safe", safe_filter},
                              {"int", int_filter},
                              {"float", float_filter},
                              {"abs", abs_filter},
                              {"round", round_filter},
                              {"indent", indent_filter},
                              {"replace", replace_filter},
                              {"escape", escape_filter},
                              {"e", escape_filter},
                              {"tojson", tojson_filter},
                              {"attr", attr_filter},
                              {"format", format_filter}};

}  // namespace

Bound::Bound(Context& context, std::string_view what, const Arguments& arguments,
             std::initializer_list<std::string_view> names)
    : context_(context), what_(what), names_(names), values_(names.size(), nullptr) {
  if (arguments.positional.size() > names_.size()) {
    context.fail("{} takes at most {} arguments, found {}", what, names_.size(), arguments.positional.size());
  }
  for (std::size_t i = 0; i < arguments.positional.size(); ++i) values_[i] = &arguments.positional[i];
  for (const auto& [name, value] : arguments.named) {
    const auto known = std::find(names_.begin(), names_.end(), name);
    if (known == names_.end()) context.fail("{} has no argument {}", what, quote(name));
    const Value*& place = values_[static_cast<std::size_t>(known - names_.begin())];
    if (place != nullptr) context.fail("{} is given its argument {} twice", what, quote(name));
    place = &value;
  }
}

const Value& Bound::required(std::size_t index) const {
  if (values_[index] == nullptr) context_.fail("{} needs its argument {}", what_, quote(names_[index]));
  return *values_[index];
}

const MarkedText& Bound::text(std::size_t index) const {
  const Value& value = required(index);
  if (value.is_undefined()) fail_undefined(context_, value);
  if (value.text() == nullptr) {
    context_.fail("{}: {} must be a string, not '{}'", what_, quote(names_[index]), type_name(value));
  }
  return *value.text();
}

int64_t Bound::integer(std::size_t index, int64_t fallback) const {
  if (!given(index)) return fallback;
  int64_t whole = 0;
  if (!values_[index]->as_integer(whole)) {
    context_.fail("{}: {} must be an integer, not '{}'", what_, quote(names_[index]), type_name(*values_[index]));
  }
  return whole;
}

bool Bound::truth(std::size_t index, bool fallback) const {
  return values_[index] == nullptr ? fallback : is_true(*values_[index]);
}

Value call_filter(Context& context, std::string_view name, const Value& operand, const Arguments& arguments) {
  const Context::Level level(context);
  context.step();
  const auto* found =
      std::find_if(std::begin(kFilters), std::end(kFilters), [&](const Named& filter) { return filter.name == name; });
  if (found != std::end(kFilters)) return found->call(context, operand, arguments);
  if (const Filter filter = sequence_filter(name)) return filter(context, operand, arguments);
  std::vector<std::string> names = sequence_filter_names();
  for (const Named& filter : kFilters) names.emplace_back(filter.name);
  context.fail("there is no filter {}{}", quote(name), base::suggestion(name, names));
}

Value format_percent(Context& context, const MarkedText& text, const Arguments& arguments) {
  MarkedText out;
  std::size_t next = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text.bytes[at] != '%') {
      out.append(text, at, at + 1);
      continue;
    }
    const char kind = at + 1 < text.size() ? text.bytes[++at] : ' ';
    if (kind == '%') {
      out.append("%");
      continue;
    }
    if (kind != 's' && kind != 'd') context.fail("a string is formatted with %s, %d and %%, not %{}", kind);
    if (next == arguments.positional.size()) context.fail("not enough values for the format {}", quote(text.bytes));
    const Value& value = arguments.positional[next++];
    int64_t whole = 0;
    if (kind == 'd' && !value.as_integer(whole)) context.fail("%d needs an integer, not '{}'", type_name(value));
    out.append(kind == 'd' ? MarkedText(fmt::format("{}", whole)) : to_text(context, value));
    if (out.size() > context.limits().output_bytes) context.allocate_text(out.size());
  }
  if (next < arguments.positional.size()) context.fail("too many values for the format {}", quote(text.bytes));
  return make_text(context, std::move(out));
}

}  // namespace hone::text::jinja
