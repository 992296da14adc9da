// What a template computes with: Python's values as far as chat templates see them. Immutable but for namespaces, as
// in Jinja's immutable sandbox; so values form no cycles (namespaces and scopes are unlinked at the end of a
// rendering).
#pragma once

#include "hone/base/json.h"
#include "hone/text/jinja/context.h"
#include "hone/text/jinja/marked_text.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace hone::text::jinja {

class Value;

/// The result of a look-up that found nothing: prints as "", is false, has no elements; anything else is an error.
struct Undefined {
  std::shared_ptr<const std::string> why;  ///< "'x' is undefined"
};
struct None {
  bool operator==(const None&) const = default;
};

/// What a sequence is to Python: decides its truth, its length and how it prints.
enum class SequenceKind { list, tuple, range, keys, values, items, generator };

struct Sequence {
  SequenceKind kind = SequenceKind::list;
  std::vector<Value> items;
  int depth = 1;               ///< lists in lists, this one counted
  mutable bool spent = false;  ///< a generator gives its elements once
};

/// Keys are strings, numbers, booleans or none; in order of insertion.
struct Dict {
  std::vector<std::pair<Value, Value>> members;
  int depth = 1;
};

/// namespace(): the one thing that a template may change.
struct Namespace {
  std::map<std::string, Value, std::less<>> members;
};

/// What a call is given.
struct Arguments {
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> named;
};

/// A macro, a method bound to its object, or a global function.
struct Callable {
  std::string name;
  std::function<Value(Context&, const Arguments&)> call;
};

/// `loop`: made anew for every pass.
struct Loop {
  std::shared_ptr<const std::vector<Value>> items;
  int64_t index0 = 0;
  int64_t depth0 = 0;
  std::shared_ptr<std::string> changed;  ///< what loop.changed() saw last
};

using TextRef = std::shared_ptr<const MarkedText>;
using SequenceRef = std::shared_ptr<const Sequence>;
using DictRef = std::shared_ptr<const Dict>;
using NamespaceRef = std::shared_ptr<Namespace>;
using CallableRef = std::shared_ptr<const Callable>;
using LoopRef = std::shared_ptr<const Loop>;

class Value {
 public:
  std::variant<Undefined, None, bool, int64_t, double, TextRef, SequenceRef, DictRef, NamespaceRef, CallableRef,
               LoopRef>
      data;

  Value() = default;
  template <class T>
  explicit Value(T of) : data(std::move(of)) {}

  template <class T>
  const T* as() const {
    return std::get_if<T>(&data);
  }
  /// nullptr unless it is a string.
  const MarkedText* text() const { return as<TextRef>() ? as<TextRef>()->get() : nullptr; }
  const Sequence* sequence() const { return as<SequenceRef>() ? as<SequenceRef>()->get() : nullptr; }
  const Dict* dict() const { return as<DictRef>() ? as<DictRef>()->get() : nullptr; }
  bool is_undefined() const { return as<Undefined>() != nullptr; }
  bool is_none() const { return as<None>() != nullptr; }
  bool is_number() const { return as<int64_t>() || as<double>() || as<bool>(); }
  /// True for booleans too, as in Python; `whole` gets the number.
  bool as_integer(int64_t& whole) const;
  /// The number as a double; only for is_number().
  double number() const;
};

Value undefined(std::string why);
/// Strings, lists and dicts, paid for out of `context`. Errors: format for lists nested deeper than the limit.
Value make_text(Context& context, MarkedText text);
Value make_text(Context& context, std::string_view text);
Value make_sequence(Context& context, std::vector<Value> items, SequenceKind kind = SequenceKind::list);
Value make_dict(Context& context, std::vector<std::pair<Value, Value>> members);
Value make_callable(std::string name, std::function<Value(Context&, const Arguments&)> call);

/// A JSON value; strings inside get `mark`, save for the known roles ("user", …) under a key "role".
Value from_json(Context& context, const Json& json, uint8_t mark);

/// "str", "int", "list", …: Python's name of the type.
std::string_view type_name(const Value& value);
/// Python's bool().
bool is_true(const Value& value);
/// Python's ==; never an error. Elements compared count as steps.
bool equal(Context& context, const Value& a, const Value& b);
/// Python's <. Errors: format for types that have no order.
bool less(Context& context, const Value& a, const Value& b);
/// The elements: of a list, the keys of a dict, the characters of a string; none of an undefined value.
/// Errors: format for what can't be iterated, naming the type.
std::vector<Value> elements(Context& context, const Value& value);
/// The member `key` of a dict, or nullptr.
const Value* find_member(Context& context, const Dict& dict, const Value& key);
const Value* find_member(Context& context, const Dict& dict, std::string_view key);

}  // namespace hone::text::jinja
