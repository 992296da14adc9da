// Jinja's tests: what may follow `is`. And the functions that every template finds.
#include "hone/base/text_match.h"
#include "hone/text/jinja/builtins.h"
#include "hone/text/jinja/operators.h"
#include "hone/text/jinja/print.h"
#include "hone/text/jinja/strings.h"
#include "hone/text/utf8.h"

#include <algorithm>

namespace hone::text::jinja {
namespace {

using Check = bool (*)(Context&, const Value&, const Value* argument);

struct Named {
  std::string_view name;
  int arguments;
  Check holds;
};

bool is_sequence(const Value& value) {
  const Sequence* sequence = value.sequence();
  return value.text() != nullptr || value.dict() != nullptr || value.is_undefined() ||
         (sequence != nullptr && sequence->kind <= SequenceKind::range);
}

bool is_iterable(const Value& value) {
  return value.text() != nullptr || value.dict() != nullptr || value.sequence() != nullptr || value.is_undefined();
}

bool is_letter_case(Context& context, const Value& value, const char* method) {
  const Value text = value.text() != nullptr ? value : make_text(context, to_text(context, value));
  const Value bound = method_of(context, text, method);
  return is_true((*bound.as<CallableRef>())->call(context, {}));
}

bool is_divisible(Context& context, const Value& value, const Value& by) {
  const Value rest = arithmetic(context, "%", value, by);
  return rest.is_number() && rest.number() == 0;
}

template <char sign>
bool is_odd_or_even(Context& context, const Value& value, const Value*) {
  const Value rest = arithmetic(context, "%", value, Value(int64_t{2}));
  return rest.is_number() && rest.number() == (sign == 'o' ? 1 : 0);
}

bool is_same(const Value& a, const Value& b) {
  if (a.data.index() != b.data.index()) return false;
  if (a.is_none()) return true;
  if (a.as<bool>()) return *a.as<bool>() == *b.as<bool>();
  if (a.as<int64_t>()) return *a.as<int64_t>() == *b.as<int64_t>();
  if (a.text()) return a.text() == b.text() || a.text()->bytes == b.text()->bytes;
  if (a.sequence()) return a.sequence() == b.sequence();
  if (a.dict()) return a.dict() == b.dict();
  if (a.as<NamespaceRef>()) return *a.as<NamespaceRef>() == *b.as<NamespaceRef>();
  return false;
}

constexpr Named kChecks[] = {
    {"defined", 0, [](Context&, const Value& v, const Value*) { return !v.is_undefined(); }},
    {"undefined", 0, [](Context&, const Value& v, const Value*) { return v.is_undefined(); }},
    {"none", 0, [](Context&, const Value& v, const Value*) { return v.is_none(); }},
    {"boolean", 0, [](Context&, const Value& v, const Value*) { return v.as<bool>() != nullptr; }},
    {"true", 0, [](Context&, const Value& v, const Value*) { return v.as<bool>() != nullptr && *v.as<bool>(); }},
    {"false", 0, [](Context&, const Value& v, const Value*) { return v.as<bool>() != nullptr && !*v.as<bool>(); }},
    {"integer", 0, [](Context&, const Value& v, const Value*) { return v.as<int64_t>() != nullptr; }},
    {"float", 0, [](Context&, const Value& v, const Value*) { return v.as<double>() != nullptr; }},
    {"number", 0, [](Context&, const Value& v, const Value*) { return v.is_number(); }},
    {"string", 0, [](Context&, const Value& v, const Value*) { return v.text() != nullptr; }},
    {"mapping", 0, [](Context&, const Value& v, const Value*) { return v.dict() != nullptr; }},
    {"sequence", 0, [](Context&, const Value& v, const Value*) { return is_sequence(v); }},
    {"iterable", 0, [](Context&, const Value& v, const Value*) { return is_iterable(v); }},
    {"callable", 0,
     [](Context&, const Value& v, const Value*) { return v.as<CallableRef>() != nullptr || v.is_undefined(); }},
    {"escaped", 0, [](Context&, const Value&, const Value*) { return false; }},
    {"upper", 0, [](Context& c, const Value& v, const Value*) { return is_letter_case(c, v, "isupper"); }},
    {"lower", 0, [](Context& c, const Value& v, const Value*) { return is_letter_case(c, v, "islower"); }},
    {"odd", 0, is_odd_or_even<'o'>},
    {"even", 0, is_odd_or_even<'e'>},
    {"divisibleby", 1, [](Context& c, const Value& v, const Value* by) { return is_divisible(c, v, *by); }},
    {"sameas", 1, [](Context&, const Value& v, const Value* other) { return is_same(v, *other); }},
    {"in", 1, [](Context& c, const Value& v, const Value* all) { return contains(c, *all, v); }},
};

// Spellings of the comparisons.
constexpr std::pair<std::string_view, std::string_view> kComparisons[] = {
    {"==", "=="}, {"eq", "=="}, {"equalto", "=="},    {"!=", "!="}, {"ne", "!="},
    {"<", "<"},   {"lt", "<"},  {"lessthan", "<"},    {"<=", "<="}, {"le", "<="},
    {">", ">"},   {"gt", ">"},  {"greaterthan", ">"}, {">=", ">="}, {"ge", ">="}};

Value range_function(Context& context, const Arguments& arguments) {
  const Bound bound(context, "range", arguments, {"start", "stop", "step"});
  bound.required(0);
  const bool one = arguments.positional.size() == 1;
  const int64_t start = one ? 0 : bound.integer(0, 0);
  const int64_t stop = one ? bound.integer(0, 0) : bound.integer(1, 0);
  const int64_t step = bound.integer(2, 1);
  if (step == 0) context.fail("range needs a step other than 0");
  std::vector<Value> items;
  for (int64_t at = start; step > 0 ? at < stop : at > stop;) {
    if (static_cast<int64_t>(items.size()) >= context.limits().range) {
      context.fail("a range of more than {} elements", context.limits().range);
    }
    items.emplace_back(at);
    if (__builtin_add_overflow(at, step, &at)) break;
  }
  return make_sequence(context, std::move(items), SequenceKind::range);
}

Value dict_function(Context& context, const Arguments& arguments) {
  if (arguments.positional.size() > 1) context.fail("dict takes one dict and named values");
  std::vector<std::pair<Value, Value>> members;
  if (!arguments.positional.empty()) {
    const Dict* from = arguments.positional[0].dict();
    if (from == nullptr) context.fail("dict takes a dict, not '{}'", type_name(arguments.positional[0]));
    context.allocate(from->members.size() * 2 * sizeof(Value));
    members = from->members;
  }
  for (const auto& [name, value] : arguments.named) {
    const auto old = std::find_if(members.begin(), members.end(), [&key = name](const auto& member) {
      return member.first.text() != nullptr && member.first.text()->bytes == key;
    });
    context.step(static_cast<int64_t>(members.size() / 8));
    if (old == members.end()) {
      members.emplace_back(make_text(context, name), value);
    } else {
      old->second = value;
    }
  }
  return make_dict(context, std::move(members));
}

Value raise_function(Context& context, const Arguments& arguments) {
  const Bound bound(context, "raise_exception", arguments, {"message"});
  const std::string message = to_text(context, bound.required(0)).bytes.substr(0, 1000);
  context.throw_error(ErrorKind::data, "the chat template refuses this conversation: " + message);
}

}  // namespace

bool run_check(Context& context, std::string_view name, const Value& operand, const Arguments& arguments) {
  const Context::Level level(context);
  context.step();
  const auto take_arguments = [&](std::size_t count) {
    if (arguments.positional.size() == count && arguments.named.empty()) return;
    context.fail("the test {} takes {} argument{}, found {}", quote(name), count, count == 1 ? "" : "s",
                 arguments.positional.size() + arguments.named.size());
  };
  for (const auto& [spelling, sign] : kComparisons) {
    if (name != spelling) continue;
    take_arguments(1);
    return compare(context, sign, operand, arguments.positional[0]);
  }
  const auto* found =
      std::find_if(std::begin(kChecks), std::end(kChecks), [&](const Named& check) { return check.name == name; });
  if (found == std::end(kChecks)) {
    std::vector<std::string> names;
    for (const Named& check : kChecks) names.emplace_back(check.name);
    context.fail("there is no test {}{}", quote(name), base::suggestion(name, names));
  }
  take_arguments(static_cast<std::size_t>(found->arguments));
  return found->holds(context, operand, found->arguments == 1 ? &arguments.positional[0] : nullptr);
}

std::vector<std::pair<std::string, Value>> global_functions() {
  return {{"range", make_callable("range", range_function)},
          {"dict", make_callable("dict", dict_function)},
          {"raise_exception", make_callable("raise_exception", raise_function)}};
}

}  // namespace hone::text::jinja
