// Methods of strings, lists, dicts and `loop`.
#include "hone/base/text_match.h"
#include "hone/text/jinja/builtins.h"
#include "hone/text/jinja/operators.h"
#include "hone/text/jinja/print.h"
#include "hone/text/jinja/strings.h"
#include "hone/text/utf8.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <span>

namespace hone::text::jinja {
namespace {

using Method = Value (*)(Context&, const Value& self, const Arguments&);

struct Named {
  std::string_view name;
  Method call;
};

Value list_of(Context& context, std::vector<MarkedText> parts) {
  std::vector<Value> items;
  items.reserve(parts.size());
  for (MarkedText& part : parts) items.push_back(make_text(context, std::move(part)));
  return make_sequence(context, std::move(items));
}

template <Case wanted>
Value cased(Context& context, const Value& self, const Arguments& arguments) {
  Bound(context, "a method that changes case", arguments, {});
  return make_text(context, change_case(*self.text(), wanted));
}

template <Ends ends>
Value stripped(Context& context, const Value& self, const Arguments& arguments) {
  const Bound bound(context, "strip", arguments, {"chars"});
  context.scan(self.text()->size());
  return make_text(context, strip(*self.text(), ends, bound.given(0) ? &bound.text(0) : nullptr));
}

template <Ends from>
Value split_method(Context& context, const Value& self, const Arguments& arguments) {
  const Bound bound(context, "split", arguments, {"sep", "maxsplit"});
  const MarkedText* separator = bound.given(0) ? &bound.text(0) : nullptr;
  const int64_t most = bound.integer(1, -1);
  return list_of(context, from == Ends::left ? split(context, *self.text(), separator, most)
                                             : split_right(context, *self.text(), separator, most));
}

Value split_lines_method(Context& context, const Value& self, const Arguments& arguments) {
  Bound(context, "splitlines", arguments, {});
  return list_of(context, split_lines(context, *self.text()));
}

template <Ends end>
Value has_end(Context& context, const Value& self, const Arguments& arguments) {
  const Bound bound(context, end == Ends::left ? "startswith" : "endswith", arguments, {"text"});
  const auto fits = [&](const MarkedText& text) {
    context.scan(text.size());
    return end == Ends::left ? self.text()->bytes.starts_with(text.bytes) : self.text()->bytes.ends_with(text.bytes);
  };
  const Sequence* several = bound.required(0).sequence();
  if (several == nullptr || several->kind != SequenceKind::tuple) return Value(fits(bound.text(0)));
  for (const Value& one : several->items) {
    if (one.text() == nullptr) context.fail("startswith and endswith need strings, not '{}'", type_name(one));
    if (fits(*one.text())) return Value(true);
  }
  return Value(false);
}

template <Ends end>
Value without_end(Context& context, const Value& self, const Arguments& arguments) {
  const MarkedText& text = *self.text();
  const Bound bound(context, "removeprefix or removesuffix", arguments, {"text"});
  const MarkedText& part = bound.text(0);
  if (end == Ends::left) {
    return make_text(context, text.bytes.starts_with(part.bytes) ? text.slice(part.size(), text.size()) : text);
  }
  return make_text(context, text.bytes.ends_with(part.bytes) ? text.slice(0, text.size() - part.size()) : text);
}

Value replace_method(Context& context, const Value& self, const Arguments& arguments) {
  const Bound bound(context, "replace", arguments, {"old", "new", "count"});
  return make_text(context, replace(context, *self.text(), {bound.text(0), bound.text(1), bound.integer(2, -1)}));
}

Value join_method(Context& context, const Value& self, const Arguments& arguments) {
  const Bound bound(context, "join", arguments, {"iterable"});
  MarkedText out;
  bool first = true;
  for (const Value& item : elements(context, bound.required(0))) {
    if (item.text() == nullptr) context.fail("join needs strings, found '{}'", type_name(item));
    if (!std::exchange(first, false)) out.append(*self.text());
    out.append(*item.text());
    if (out.size() > context.limits().output_bytes) context.allocate_text(out.size());
  }
  return make_text(context, std::move(out));
}

Value find_method(Context& context, const Value& self, const Arguments& arguments) {
  const Bound bound(context, "find", arguments, {"text"});
  const std::size_t found = find_text(context, *self.text(), bound.text(0).bytes, 0);
  return Value(found == std::string::npos ? int64_t{-1} : length_of(context, self.text()->slice(0, found)));
}

Value rfind_method(Context& context, const Value& self, const Arguments& arguments) {
  const Bound bound(context, "rfind", arguments, {"text"});
  const std::string& part = bound.text(0).bytes;
  int64_t last = -1;
  for (std::size_t at = 0; (at = find_text(context, *self.text(), part, at)) != std::string::npos; ++at) {
    context.step();
    last = static_cast<int64_t>(at);
    if (at >= self.text()->size()) break;
  }
  return Value(last < 0 ? last : length_of(context, self.text()->slice(0, static_cast<std::size_t>(last))));
}

Value count_method(Context& context, const Value& self, const Arguments& arguments) {
  const Bound bound(context, "count", arguments, {"text"});
  const MarkedText& part = bound.text(0);
  if (part.empty()) return Value(length_of(context, *self.text()) + 1);
  return Value(static_cast<int64_t>(split(context, *self.text(), &part, -1).size()) - 1);
}

enum class Sort { letters, digits, letters_or_digits, spaces, upper, lower };

template <Sort sort>
Value all_are(Context& context, const Value& self, const Arguments& arguments) {
  Bound(context, "a method that tests characters", arguments, {});
  const std::string_view text = self.text()->bytes;
  context.scan(text.size());
  bool any = false;
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint point = first_code_point(text.substr(at));
    const char32_t c = point.value;
    at += static_cast<std::size_t>(point.bytes);
    const bool digit = c >= '0' && c <= '9';
    if (sort == Sort::upper || sort == Sort::lower) {
      if (sort == Sort::upper ? is_lower(c) : is_upper(c)) return Value(false);
      any = any || is_lower(c) || is_upper(c);
      continue;
    }
    any = true;
    const bool fits = sort == Sort::spaces   ? is_space(c)
                      : sort == Sort::digits ? digit
                                             : is_letter(c) || (sort == Sort::letters_or_digits && digit);
    if (!fits) return Value(false);
  }
  return Value(any);
}

// "{} {0} {name}" without format specifications.
Value format_method(Context& context, const Value& self, const Arguments& arguments) {
  const MarkedText& text = *self.text();
  MarkedText out;
  std::size_t next = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text.bytes[at];
    if (c != '{' && c != '}') {
      out.append(text, at, at + 1);
      continue;
    }
    if (at + 1 < text.size() && text.bytes[at + 1] == c) {
      out.append(text, at, at + 1);
      ++at;
      continue;
    }
    const auto close = text.bytes.find('}', at);
    if (c == '}' || close == std::string::npos) context.fail("format: a single '{}'", c);
    const std::string field = text.bytes.substr(at + 1, close - at - 1);
    const Value* value = nullptr;
    if (field.find_first_not_of("0123456789") == std::string::npos && field.size() < 6) {
      const std::size_t index = field.empty() ? next++ : static_cast<std::size_t>(std::stoul(field));
      if (index < arguments.positional.size()) value = &arguments.positional[index];
    } else {
      for (const auto& [name, given] : arguments.named) value = name == field ? &given : value;
    }
    if (value == nullptr) context.fail("format: nothing to put for {}", quote("{" + field + "}"));
    out.append(to_text(context, *value));
    if (out.size() > context.limits().output_bytes) context.allocate_text(out.size());
    at = close;
  }
  return make_text(context, std::move(out));
}

constexpr Named kTextMethods[] = {{"upper", cased<Case::upper>},
                                  {"lower", cased<Case::lower>},
                                  {"title", cased<Case::title>},
                                  {"capitalize", cased<Case::capital>},
                                  {"strip", stripped<Ends::both>},
                                  {"lstrip", stripped<Ends::left>},
                                  {"rstrip", stripped<Ends::right>},
                                  {"split", split_method<Ends::left>},
                                  {"rsplit", split_method<Ends::right>},
                                  {"splitlines", split_lines_method},
                                  {"startswith", has_end<Ends::left>},
                                  {"endswith", has_end<Ends::right>},
                                  {"removeprefix", without_end<Ends::left>},
                                  {"removesuffix", without_end<Ends::right>},
                                  {"replace", replace_method},
                                  {"join", join_method},
                                  {"find", find_method},
                                  {"rfind", rfind_method},
                                  {"count", count_method},
                                  {"isalpha", all_are<Sort::letters>},
                                  {"isdigit", all_are<Sort::digits>},
                                  {"isnumeric", all_are<Sort::digits>},
                                  {"isdecimal", all_are<Sort::digits>},
                                  {"isalnum", all_are<Sort::letters_or_digits>},
                                  {"isspace", all_are<Sort::spaces>},
                                  {"isupper", all_are<Sort::upper>},
                                  {"islower", all_are<Sort::lower>},
                                  {"format", format_method}};

enum class View { keys, values, items };

template <View view>
Value dict_view(Context& context, const Value& self, const Arguments& arguments) {
  Bound(context, "a dict's keys, values or items", arguments, {});
  std::vector<Value> items;
  for (const auto& [key, value] : self.dict()->members) {
    if (view == View::items) {
      items.push_back(make_sequence(context, {key, value}, SequenceKind::tuple));
    } else {
      items.push_back(view == View::keys ? key : value);
    }
  }
  const SequenceKind kind = view == View::keys     ? SequenceKind::keys
                            : view == View::values ? SequenceKind::values
                                                   : SequenceKind::items;
  return make_sequence(context, std::move(items), kind);
}

Value dict_get(Context& context, const Value& self, const Arguments& arguments) {
  const Bound bound(context, "get", arguments, {"key", "default"});
  if (const Value* found = find_member(context, *self.dict(), bound.required(0))) return *found;
  return bound[1] != nullptr ? *bound[1] : Value(None{});
}

Value copy_method(Context& context, const Value& self, const Arguments& arguments) {
  Bound(context, "copy", arguments, {});
  return self;
}

constexpr Named kDictMethods[] = {{"keys", dict_view<View::keys>},
                                  {"values", dict_view<View::values>},
                                  {"items", dict_view<View::items>},
                                  {"get", dict_get},
                                  {"copy", copy_method}};

Value list_index(Context& context, const Value& self, const Arguments& arguments) {
  const Bound bound(context, "index", arguments, {"value"});
  int64_t at = 0;
  for (const Value& item : self.sequence()->items) {
    if (equal(context, item, bound.required(0))) return Value(at);
    ++at;
  }
  context.fail("index: the value is not in the list");
}

Value list_count(Context& context, const Value& self, const Arguments& arguments) {
  const Bound bound(context, "count", arguments, {"value"});
  int64_t count = 0;
  for (const Value& item : self.sequence()->items) count += equal(context, item, bound.required(0)) ? 1 : 0;
  return Value(count);
}

constexpr Named kListMethods[] = {{"index", list_index}, {"count", list_count}, {"copy", copy_method}};

constexpr std::string_view kChanging[] = {"append", "clear",   "extend",     "insert", "pop",   "popitem",
                                          "remove", "reverse", "setdefault", "sort",   "update"};

Value method_among(const Value& object, std::string_view name, std::span<const Named> methods) {
  const auto found = std::find_if(methods.begin(), methods.end(), [&](const Named& m) { return m.name == name; });
  if (found == methods.end()) return {};
  return make_callable(std::string(name), [object, method = found->call](Context& context, const Arguments& arguments) {
    return method(context, object, arguments);
  });
}

Value refusal(const Value& object, std::string_view name) {
  const std::string message =
      fmt::format("'{}' would change a {}; templates may only change a namespace()", name, type_name(object));
  return make_callable(std::string(name),
                       [message](Context& context, const Arguments&) -> Value { context.fail("{}", message); });
}

}  // namespace

Value method_of(Context&, const Value& object, std::string_view name) {
  if (object.text() != nullptr) return method_among(object, name, kTextMethods);
  const bool dict = object.dict() != nullptr;
  const Sequence* sequence = object.sequence();
  if (!dict && (sequence == nullptr || sequence->kind > SequenceKind::range)) return {};
  Value method =
      method_among(object, name, dict ? std::span<const Named>(kDictMethods) : std::span<const Named>(kListMethods));
  if (!method.is_undefined()) return method;
  const bool changes = std::find(std::begin(kChanging), std::end(kChanging), name) != std::end(kChanging);
  const bool of_list = name != "popitem" && name != "setdefault" && name != "update";
  const bool of_dict = name == "clear" || name == "pop" || !of_list;
  if (!changes || !(dict ? of_dict : of_list && sequence->kind == SequenceKind::list)) return {};
  return refusal(object, name);
}

Value loop_method(Context&, const LoopRef& loop, std::string_view name) {
  if (name == "cycle") {
    return make_callable("cycle", [loop](Context& context, const Arguments& arguments) {
      if (arguments.positional.empty()) context.fail("loop.cycle needs something to cycle through");
      return arguments.positional[static_cast<std::size_t>(loop->index0) % arguments.positional.size()];
    });
  }
  if (name == "changed") {
    return make_callable("changed", [loop](Context& context, const Arguments& arguments) {
      // Compared as text: the values themselves could hold this very loop.
      const Value seen = make_sequence(context, arguments.positional);
      const std::string text = to_text(context, seen).bytes;
      const bool same = std::exchange(*loop->changed, text) == text;
      return Value(!same);
    });
  }
  return {};
}

std::size_t find_text(Context& context, const MarkedText& text, std::string_view part, std::size_t from) {
  // memmem is linear whatever the texts; std::string::find is not.
  const std::string_view rest = std::string_view(text.bytes).substr(from);
  const void* found = part.empty() ? rest.data() : ::memmem(rest.data(), rest.size(), part.data(), part.size());
  const std::size_t at =
      found == nullptr ? rest.size() : static_cast<std::size_t>(static_cast<const char*>(found) - rest.data());
  context.scan(at + part.size());
  return found == nullptr ? std::string::npos : from + at;
}

}  // namespace hone::text::jinja
