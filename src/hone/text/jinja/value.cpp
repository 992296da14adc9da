#include "hone/text/jinja/value.h"

#include "hone/text/utf8.h"

#include <algorithm>
#include <cmath>
#include <iterator>

namespace hone::text::jinja {
namespace {

int depth_of(const Value& value) {
  if (const Sequence* sequence = value.sequence()) return sequence->depth;
  if (const Dict* dict = value.dict()) return dict->depth;
  return 0;
}

int checked_depth(const Context& context, int deepest) {
  if (deepest + 1 > context.limits().nesting) {
    context.fail("lists and dicts nested deeper than {} levels", context.limits().nesting);
  }
  return deepest + 1;
}

bool equal_sequences(Context& context, const Sequence& a, const Sequence& b) {
  if (a.kind != b.kind || a.items.size() != b.items.size()) return false;
  for (std::size_t i = 0; i < a.items.size(); ++i) {
    if (!equal(context, a.items[i], b.items[i])) return false;
  }
  return true;
}

bool equal_dicts(Context& context, const Dict& a, const Dict& b) {
  if (a.members.size() != b.members.size()) return false;
  for (const auto& [key, value] : a.members) {
    const Value* other = find_member(context, b, key);
    if (other == nullptr || !equal(context, value, *other)) return false;
  }
  return true;
}

// Exact for integers; Python compares int with float exactly too, which differs only beyond 2^53.
bool equal_numbers(const Value& a, const Value& b) {
  int64_t x = 0, y = 0;
  if (a.as_integer(x) && b.as_integer(y)) return x == y;
  return a.number() == b.number();
}

// Templates build "<|user|>" out of a message's role; one of these can't forge another special token.
bool is_known_role(const Json& value) {
  constexpr std::string_view kRoles[] = {"system", "developer", "user",     "assistant",
                                         "model",  "tool",      "function", "ipython"};
  return value.is_string() &&
         std::find(std::begin(kRoles), std::end(kRoles), value.get_ref<const std::string&>()) != std::end(kRoles);
}

Value dict_from_json(Context& context, const Json& json, uint8_t mark) {
  std::vector<std::pair<Value, Value>> members;
  members.reserve(json.size());
  for (const auto& [key, value] : json.items()) {
    const uint8_t marked = key == "role" && is_known_role(value) ? uint8_t{kTrusted} : mark;
    members.emplace_back(make_text(context, MarkedText(key, mark)), from_json(context, value, marked));
  }
  return make_dict(context, std::move(members));
}

}  // namespace

bool Value::as_integer(int64_t& whole) const {
  if (const auto* number = as<int64_t>()) {
    whole = *number;
    return true;
  }
  if (const auto* truth = as<bool>()) {
    whole = *truth ? 1 : 0;
    return true;
  }
  return false;
}

double Value::number() const {
  int64_t whole = 0;
  if (as_integer(whole)) return static_cast<double>(whole);
  return as<double>() ? *as<double>() : std::nan("");
}

Value undefined(std::string why) { return Value(Undefined{std::make_shared<const std::string>(std::move(why))}); }

Value make_text(Context& context, MarkedText text) {
  context.allocate_text(text.size());
  context.allocate(text.marks.size() + sizeof(MarkedText));
  return Value(TextRef(std::make_shared<const MarkedText>(std::move(text))));
}

Value make_text(Context& context, std::string_view text) { return make_text(context, MarkedText(std::string(text))); }

Value make_sequence(Context& context, std::vector<Value> items, SequenceKind kind) {
  context.allocate(sizeof(Sequence) + items.size() * sizeof(Value));
  context.step(static_cast<int64_t>(items.size()));
  int deepest = 0;
  for (const Value& item : items) deepest = std::max(deepest, depth_of(item));
  const int depth = checked_depth(context, deepest);
  return Value(SequenceRef(std::make_shared<const Sequence>(Sequence{kind, std::move(items), depth})));
}

Value make_dict(Context& context, std::vector<std::pair<Value, Value>> members) {
  context.allocate(sizeof(Dict) + members.size() * 2 * sizeof(Value));
  context.step(static_cast<int64_t>(members.size()));
  int deepest = 0;
  for (const auto& [key, value] : members) deepest = std::max(deepest, depth_of(value));
  const int depth = checked_depth(context, deepest);
  return Value(DictRef(std::make_shared<const Dict>(Dict{std::move(members), depth})));
}

Value make_callable(std::string name, std::function<Value(Context&, const Arguments&)> call) {
  return Value(CallableRef(std::make_shared<const Callable>(Callable{std::move(name), std::move(call)})));
}

Value from_json(Context& context, const Json& json, uint8_t mark) {
  const Context::Level level(context);
  context.step();
  switch (json.type()) {
    case Json::value_t::null:
      return Value(None{});
    case Json::value_t::boolean:
      return Value(json.get<bool>());
    case Json::value_t::number_integer:
      return Value(json.get<int64_t>());
    case Json::value_t::number_unsigned:
      if (json.get<uint64_t>() > static_cast<uint64_t>(INT64_MAX)) return Value(json.get<double>());
      return Value(json.get<int64_t>());
    case Json::value_t::number_float:
      return Value(json.get<double>());
    case Json::value_t::string:
      return make_text(context, MarkedText(json.get_ref<const std::string&>(), mark));
    case Json::value_t::array: {
      std::vector<Value> items;
      items.reserve(json.size());
      for (const Json& item : json) items.push_back(from_json(context, item, mark));
      return make_sequence(context, std::move(items));
    }
    case Json::value_t::object:
      return dict_from_json(context, json, mark);
    default:
      context.fail("a JSON value of the type {} has no place in a template", json.type_name());
  }
}

std::string_view type_name(const Value& value) {
  constexpr std::string_view kNames[] = {"Undefined", "NoneType", "bool",      "int",      "float",      "str",
                                         "list",      "dict",     "Namespace", "function", "LoopContext"};
  if (const Sequence* sequence = value.sequence()) {
    constexpr std::string_view kSequences[] = {"list",        "tuple",      "range",    "dict_keys",
                                               "dict_values", "dict_items", "generator"};
    return kSequences[static_cast<std::size_t>(sequence->kind)];
  }
  return kNames[value.data.index()];
}

bool is_true(const Value& value) {
  if (value.is_undefined() || value.is_none()) return false;
  if (const MarkedText* text = value.text()) return !text->empty();
  if (const Sequence* sequence = value.sequence()) {
    return sequence->kind == SequenceKind::generator || !sequence->items.empty();
  }
  if (const Dict* dict = value.dict()) return !dict->members.empty();
  if (value.is_number()) return value.number() != 0;
  return true;
}

bool equal(Context& context, const Value& a, const Value& b) {
  context.step();
  if (a.is_number() && b.is_number()) return equal_numbers(a, b);
  if (a.data.index() != b.data.index()) return false;
  if (a.is_undefined() || a.is_none()) return true;
  if (a.text() != nullptr) {
    if (a.text()->size() == b.text()->size()) context.scan(a.text()->size());
    return a.text()->bytes == b.text()->bytes;
  }
  if (a.sequence() != nullptr) return equal_sequences(context, *a.sequence(), *b.sequence());
  if (a.dict() != nullptr) return equal_dicts(context, *a.dict(), *b.dict());
  if (const auto* space = a.as<NamespaceRef>()) return *space == *b.as<NamespaceRef>();
  if (const auto* callable = a.as<CallableRef>()) return *callable == *b.as<CallableRef>();
  return false;
}

bool less(Context& context, const Value& a, const Value& b) {
  context.step();
  int64_t x = 0, y = 0;
  if (a.as_integer(x) && b.as_integer(y)) return x < y;
  if (a.is_number() && b.is_number()) return a.number() < b.number();
  if (a.text() != nullptr && b.text() != nullptr) {
    context.scan(std::min(a.text()->size(), b.text()->size()));
    return a.text()->bytes < b.text()->bytes;  // UTF-8 sorts like its code points
  }
  const Sequence* one = a.sequence();
  const Sequence* two = b.sequence();
  const bool ordered = one != nullptr && two != nullptr && one->kind == two->kind &&
                       (one->kind == SequenceKind::list || one->kind == SequenceKind::tuple);
  if (!ordered) context.fail("'{}' and '{}' have no order", type_name(a), type_name(b));
  for (std::size_t i = 0; i < one->items.size() && i < two->items.size(); ++i) {
    if (!equal(context, one->items[i], two->items[i])) return less(context, one->items[i], two->items[i]);
  }
  return one->items.size() < two->items.size();
}

std::vector<Value> elements(Context& context, const Value& value) {
  if (value.is_undefined()) return {};
  std::vector<Value> found;
  if (const Sequence* sequence = value.sequence()) {
    context.allocate(sequence->items.size() * sizeof(Value));
    context.step(static_cast<int64_t>(sequence->items.size()));
    const bool once = sequence->kind == SequenceKind::generator;
    if (once && sequence->spent) return {};
    sequence->spent = once;
    return sequence->items;
  }
  if (const Dict* dict = value.dict()) {
    context.step(static_cast<int64_t>(dict->members.size()));
    context.allocate(dict->members.size() * sizeof(Value));
    for (const auto& [key, member] : dict->members) found.push_back(key);
    return found;
  }
  const MarkedText* text = value.text();
  if (text == nullptr) context.fail("'{}' object is not iterable", type_name(value));
  for (std::size_t at = 0; at < text->size();) {
    const auto bytes = static_cast<std::size_t>(first_code_point(std::string_view(text->bytes).substr(at)).bytes);
    context.step();
    found.push_back(make_text(context, text->slice(at, at + bytes)));
    at += bytes;
  }
  return found;
}

const Value* find_member(Context& context, const Dict& dict, const Value& key) {
  // A linear look-up; the division keeps ordinary ones cheap and hostile ones bounded.
  context.step(static_cast<int64_t>(dict.members.size() / 8));
  if (const MarkedText* text = key.text()) return find_member(context, dict, std::string_view(text->bytes));
  for (const auto& [name, value] : dict.members) {
    if (name.data.index() == key.data.index() || (name.is_number() && key.is_number())) {
      if (equal(context, name, key)) return &value;
    }
  }
  return nullptr;
}

const Value* find_member(Context& context, const Dict& dict, std::string_view key) {
  context.step(static_cast<int64_t>(dict.members.size() / 8));
  for (const auto& [name, value] : dict.members) {
    const MarkedText* text = name.text();
    if (text != nullptr && text->size() == key.size()) {
      context.scan(key.size());
      if (text->bytes == key) return &value;
    }
  }
  return nullptr;
}

}  // namespace hone::text::jinja
