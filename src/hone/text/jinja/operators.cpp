#include "hone/text/jinja/operators.h"

#include "hone/text/jinja/builtins.h"
#include "hone/text/utf8.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace hone::text::jinja {
namespace {

[[noreturn]] void fail_types(const Context& context, std::string_view sign, const Value& a, const Value& b) {
  context.fail("unsupported operand types for {}: '{}' and '{}'", sign, type_name(a), type_name(b));
}

Value whole_or_fail(const Context& context, bool overflow, int64_t result) {
  if (overflow) context.fail("a number beyond 64 bits");
  return Value(result);
}

// Python rounds towards minus infinity; the remainder has the divisor's sign.
Value divide_whole(const Context& context, std::string_view sign, int64_t a, int64_t b) {
  if (b == 0) context.fail("division by zero");
  if (b == -1)
    return sign == "//" ? whole_or_fail(context, a == INT64_MIN, a == INT64_MIN ? 0 : -a) : Value(int64_t{0});
  int64_t quotient = a / b, rest = a % b;
  if (rest != 0 && (rest < 0) != (b < 0)) {
    --quotient;
    rest += b;
  }
  return Value(sign == "//" ? quotient : rest);
}

Value power_whole(Context& context, int64_t a, int64_t b) {
  if (b < 0) return Value(std::pow(static_cast<double>(a), static_cast<double>(b)));
  int64_t result = 1;
  bool overflow = false;
  for (; b > 0 && !overflow && a != 1 && a != 0 && a != -1; --b) overflow = __builtin_mul_overflow(result, a, &result);
  if (a == 0 && b > 0) result = 0;
  if (a == -1 && b % 2 != 0) result = -1;
  return whole_or_fail(context, overflow, result);
}

Value whole_arithmetic(Context& context, std::string_view sign, int64_t a, int64_t b) {
  int64_t result = 0;
  if (sign == "+" || sign == "-" || sign == "*") {
    const bool overflow = sign == "+"   ? __builtin_add_overflow(a, b, &result)
                          : sign == "-" ? __builtin_sub_overflow(a, b, &result)
                                        : __builtin_mul_overflow(a, b, &result);
    return whole_or_fail(context, overflow, result);
  }
  if (sign == "**") return power_whole(context, a, b);
  if (sign != "/") return divide_whole(context, sign, a, b);
  if (b == 0) context.fail("division by zero");
  return Value(static_cast<double>(a) / static_cast<double>(b));
}

Value real_arithmetic(Context& context, std::string_view sign, double a, double b) {
  if (sign == "+") return Value(a + b);
  if (sign == "-") return Value(a - b);
  if (sign == "*") return Value(a * b);
  if (sign == "**") return Value(std::pow(a, b));
  if (b == 0) context.fail("division by zero");
  if (sign == "/") return Value(a / b);
  const double quotient = std::floor(a / b);
  if (sign == "//") return Value(quotient);
  const double rest = std::fmod(a, b);
  return Value(rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest);
}

Value repeat(Context& context, const Value& value, int64_t count) {
  const auto times = static_cast<uint64_t>(std::max<int64_t>(count, 0));
  if (const MarkedText* text = value.text()) {
    if (times > 0 && text->size() > context.limits().output_bytes / times) {
      context.fail("a text of more than {} bytes", context.limits().output_bytes);
    }
    MarkedText out;
    if (text->empty()) return make_text(context, out);
    context.step(static_cast<int64_t>(times));
    for (uint64_t i = 0; i < times; ++i) out.append(*text);
    return make_text(context, std::move(out));
  }
  const Sequence& list = *value.sequence();
  std::vector<Value> items;
  if (!list.items.empty() && times > context.limits().total_bytes / sizeof(Value) / list.items.size()) {
    context.fail("needs more than {} bytes of memory", context.limits().total_bytes);
  }
  context.step(static_cast<int64_t>(times * list.items.size()));
  for (uint64_t i = 0; i < (list.items.empty() ? 0 : times); ++i) {
    items.insert(items.end(), list.items.begin(), list.items.end());
  }
  return make_sequence(context, std::move(items), list.kind);
}

bool is_list(const Value& value) {
  const Sequence* sequence = value.sequence();
  return sequence != nullptr && (sequence->kind == SequenceKind::list || sequence->kind == SequenceKind::tuple);
}

Value join_lists(Context& context, const Sequence& a, const Sequence& b) {
  context.allocate((a.items.size() + b.items.size()) * sizeof(Value));
  std::vector<Value> items = a.items;
  items.insert(items.end(), b.items.begin(), b.items.end());
  return make_sequence(context, std::move(items), a.kind);
}

struct Range {
  int64_t start, stop, step;
};

// Python's slice.indices().
Range resolve(const Context& context, const Slice& bounds, int64_t size) {
  const auto whole = [&](const Value& value, int64_t fallback) {
    int64_t number = 0;
    if (value.is_none()) return fallback;
    if (!value.as_integer(number)) context.fail("a slice needs integers, not '{}'", type_name(value));
    return number;
  };
  const int64_t step = whole(bounds.step, 1);
  if (step == 0) context.fail("a slice needs a step other than 0");
  const int64_t lowest = step > 0 ? 0 : -1, highest = step > 0 ? size : size - 1;
  const auto place = [&](const Value& value, int64_t fallback) {
    if (value.is_none()) return fallback;
    const int64_t at = whole(value, 0);
    return std::clamp(at < 0 ? std::max(at, -size - 1) + size : at, lowest, highest);
  };
  return {place(bounds.start, step > 0 ? lowest : highest), place(bounds.stop, step > 0 ? highest : lowest), step};
}

// Calls use(index) for every index of the range.
template <class Use>
void for_each_index(const Range& range, Use use) {
  if (range.step > 0) {
    for (int64_t i = range.start; i < range.stop; i += std::min(range.step, range.stop - i)) use(i);
  } else {
    for (int64_t i = range.start; i > range.stop; i += std::max(range.step, range.stop - i)) use(i);
  }
}

// Where every character begins, and the end.
std::vector<std::size_t> character_starts(Context& context, const MarkedText& text) {
  context.allocate(text.size() * sizeof(std::size_t));
  context.scan(text.size() * 8);
  std::vector<std::size_t> starts;
  for (std::size_t at = 0; at < text.size();) {
    starts.push_back(at);
    at += static_cast<std::size_t>(first_code_point(std::string_view(text.bytes).substr(at)).bytes);
  }
  starts.push_back(text.size());
  return starts;
}

Value element(Context& context, const Value& object, int64_t at) {
  if (const Sequence* sequence = object.sequence(); sequence != nullptr) {
    const auto size = static_cast<int64_t>(sequence->items.size());
    const bool indexed = is_list(object) || sequence->kind == SequenceKind::range;
    if (indexed && at >= -size && at < size) return sequence->items[static_cast<std::size_t>(at < 0 ? at + size : at)];
  } else if (const MarkedText* text = object.text(); text != nullptr) {
    const std::vector<std::size_t> starts = character_starts(context, *text);
    const auto size = static_cast<int64_t>(starts.size()) - 1;
    if (at >= -size && at < size) {
      const auto index = static_cast<std::size_t>(at < 0 ? at + size : at);
      return make_text(context, text->slice(starts[index], starts[index + 1]));
    }
  }
  return undefined(fmt::format("'{} object' has no element {}", type_name(object), at));
}

Value loop_member(Context& context, const LoopRef& loop, std::string_view name) {
  const auto count = static_cast<int64_t>(loop->items->size());
  const int64_t at = loop->index0;
  const auto near = [&](int64_t index, const char* what) {
    if (index < 0 || index >= count) return undefined(fmt::format("there is no {} item", what));
    return (*loop->items)[static_cast<std::size_t>(index)];
  };
  if (name == "index") return Value(at + 1);
  if (name == "index0") return Value(at);
  if (name == "revindex") return Value(count - at);
  if (name == "revindex0") return Value(count - at - 1);
  if (name == "first") return Value(at == 0);
  if (name == "last") return Value(at + 1 == count);
  if (name == "length") return Value(count);
  if (name == "depth") return Value(loop->depth0 + 1);
  if (name == "depth0") return Value(loop->depth0);
  if (name == "previtem") return near(at - 1, "previous");
  if (name == "nextitem") return near(at + 1, "next");
  return loop_method(context, loop, name);
}

}  // namespace

void fail_undefined(const Context& context, const Value& value) {
  const Undefined* undefined = value.as<Undefined>();
  context.fail("{}", undefined != nullptr && undefined->why ? *undefined->why : "an undefined value");
}

Value arithmetic(Context& context, std::string_view sign, const Value& a, const Value& b) {
  if (a.is_undefined() || b.is_undefined()) fail_undefined(context, a.is_undefined() ? a : b);
  int64_t x = 0, y = 0;
  const bool whole_x = a.as_integer(x), whole_y = b.as_integer(y);
  if (whole_x && whole_y) return whole_arithmetic(context, sign, x, y);
  if (a.is_number() && b.is_number()) return real_arithmetic(context, sign, a.number(), b.number());
  if (sign == "+" && a.text() != nullptr && b.text() != nullptr) {
    context.allocate(a.text()->size() + b.text()->size());
    MarkedText joined = *a.text();
    joined.append(*b.text());
    return make_text(context, std::move(joined));
  }
  if (sign == "+" && is_list(a) && is_list(b) && a.sequence()->kind == b.sequence()->kind) {
    return join_lists(context, *a.sequence(), *b.sequence());
  }
  if (sign == "*" && whole_y && (a.text() != nullptr || is_list(a))) return repeat(context, a, y);
  if (sign == "*" && whole_x && (b.text() != nullptr || is_list(b))) return repeat(context, b, x);
  if (sign == "%" && a.text() != nullptr) {
    Arguments arguments;
    if (b.sequence() != nullptr && b.sequence()->kind == SequenceKind::tuple) {
      arguments.positional = b.sequence()->items;
    } else {
      arguments.positional = {b};
    }
    return format_percent(context, *a.text(), arguments);
  }
  fail_types(context, sign, a, b);
}

Value negate(Context& context, std::string_view sign, const Value& a) {
  if (a.is_undefined()) fail_undefined(context, a);
  int64_t whole = 0;
  if (a.as_integer(whole))
    return sign == "+" ? Value(whole) : whole_or_fail(context, whole == INT64_MIN, whole == INT64_MIN ? 0 : -whole);
  if (!a.is_number()) context.fail("bad operand type for unary {}: '{}'", sign, type_name(a));
  return Value(sign == "+" ? a.number() : -a.number());
}

bool compare(Context& context, std::string_view sign, const Value& a, const Value& b) {
  if (sign == "==") return equal(context, a, b);
  if (sign == "!=") return !equal(context, a, b);
  if (sign == "in") return contains(context, b, a);
  if (sign == "not in") return !contains(context, b, a);
  if (a.is_undefined() || b.is_undefined()) fail_undefined(context, a.is_undefined() ? a : b);
  if (sign == "<") return less(context, a, b);
  if (sign == ">") return less(context, b, a);
  if (sign == "<=") return less(context, a, b) || equal(context, a, b);
  return less(context, b, a) || equal(context, a, b);
}

bool contains(Context& context, const Value& container, const Value& value) {
  if (const MarkedText* text = container.text()) {
    if (value.text() == nullptr) context.fail("'in <string>' needs a string on its left, not '{}'", type_name(value));
    return find_text(context, *text, value.text()->bytes, 0) != std::string::npos;
  }
  if (const Dict* dict = container.dict()) return find_member(context, *dict, value) != nullptr;
  if (container.is_undefined()) return false;
  const Sequence* sequence = container.sequence();
  if (sequence == nullptr) context.fail("argument of type '{}' is not iterable", type_name(container));
  for (const Value& item : sequence->items) {
    if (equal(context, item, value)) return true;
  }
  return false;
}

Value attribute(Context& context, const Value& object, std::string_view name) {
  context.step();
  if (object.is_undefined()) fail_undefined(context, object);
  const auto missing = [&] {
    return undefined(fmt::format("'{} object' has no attribute '{}'", type_name(object), name));
  };
  if (name.starts_with("__")) {
    return undefined(fmt::format("access to attribute '{}' of '{}' object is unsafe", name, type_name(object)));
  }
  if (const auto* space = object.as<NamespaceRef>()) {
    const auto found = (*space)->members.find(name);
    return found == (*space)->members.end() ? missing() : found->second;
  }
  if (const auto* loop = object.as<LoopRef>()) return loop_member(context, *loop, name);
  if (Value method = method_of(context, object, name); !method.is_undefined()) return method;
  if (const Dict* dict = object.dict()) {
    if (const Value* found = find_member(context, *dict, name)) return *found;
  }
  return missing();
}

Value item(Context& context, const Value& object, const Value& key) {
  context.step();
  if (object.is_undefined()) fail_undefined(context, object);
  if (const Dict* dict = object.dict()) {
    if (const Value* found = find_member(context, *dict, key)) return *found;
  }
  int64_t at = 0;
  if (key.as_integer(at)) return element(context, object, at);
  if (key.text() != nullptr) return attribute(context, object, key.text()->bytes);
  return undefined(fmt::format("'{} object' has no such element", type_name(object)));
}

Value slice(Context& context, const Value& object, const Slice& bounds) {
  if (object.is_undefined()) fail_undefined(context, object);
  if (const MarkedText* text = object.text()) {
    const std::vector<std::size_t> starts = character_starts(context, *text);
    const Range range = resolve(context, bounds, static_cast<int64_t>(starts.size()) - 1);
    MarkedText out;
    if (range.step == 1 && range.start < range.stop) {
      out = text->slice(starts[static_cast<std::size_t>(range.start)], starts[static_cast<std::size_t>(range.stop)]);
    } else {
      for_each_index(range, [&](int64_t i) {
        out.append(*text, starts[static_cast<std::size_t>(i)], starts[static_cast<std::size_t>(i) + 1]);
      });
    }
    return make_text(context, std::move(out));
  }
  if (!is_list(object)) context.fail("'{}' object can't be sliced", type_name(object));
  const Sequence& list = *object.sequence();
  std::vector<Value> items;
  for_each_index(resolve(context, bounds, static_cast<int64_t>(list.items.size())),
                 [&](int64_t i) { items.push_back(list.items[static_cast<std::size_t>(i)]); });
  return make_sequence(context, std::move(items), list.kind);
}

int64_t length_of(Context& context, const MarkedText& text) {
  context.scan(text.size());
  return std::count_if(text.bytes.begin(), text.bytes.end(),
                       [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; });
}

}  // namespace hone::text::jinja
