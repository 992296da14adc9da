// What templates find ready: filters, tests, methods and global functions.
#pragma once

#include "hone/text/jinja/value.h"

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace hone::text::jinja {

/// Arguments by the names of the parameters they are for.
class Bound {
 public:
  /// Errors: format for too many arguments, an unknown name, one given twice. `what` is whose arguments they are.
  Bound(Context& context, std::string_view what, const Arguments& arguments,
        std::initializer_list<std::string_view> names);

  /// nullptr when it was not given.
  const Value* operator[](std::size_t index) const { return values_[index]; }
  /// Errors: format when it is missing or of another type.
  const Value& required(std::size_t index) const;
  const MarkedText& text(std::size_t index) const;
  int64_t integer(std::size_t index, int64_t fallback) const;
  bool truth(std::size_t index, bool fallback) const;
  /// Neither missing nor none.
  bool given(std::size_t index) const { return values_[index] != nullptr && !values_[index]->is_none(); }

 private:
  Context& context_;
  std::string_view what_;
  std::vector<std::string_view> names_;
  std::vector<const Value*> values_;
};

/// operand | name(arguments). Errors: format for an unknown filter (with the nearest name) or unfit arguments.
Value call_filter(Context& context, std::string_view name, const Value& operand, const Arguments& arguments);
/// operand is name(arguments). Errors: the same.
bool run_check(Context& context, std::string_view name, const Value& operand, const Arguments& arguments);
/// object.name when that is a method of its type, else undefined. Methods that would change a list or dict are there,
/// and refuse to be called.
Value method_of(Context& context, const Value& object, std::string_view name);
/// loop.cycle and loop.changed, else undefined.
Value loop_method(Context& context, const LoopRef& loop, std::string_view name);

/// range, dict and raise_exception; namespace and strftime_now belong to a rendering (interpreter.cpp).
std::vector<std::pair<std::string, Value>> global_functions();

/// filters_sequence.cpp: the filters of lists; nullptr for another name.
using Filter = Value (*)(Context&, const Value&, const Arguments&);
Filter sequence_filter(std::string_view name);
std::vector<std::string> sequence_filter_names();

/// text % arguments with %s, %d and %%. Errors: format for other directives, too few or too many arguments.
Value format_percent(Context& context, const MarkedText& text, const Arguments& arguments);
/// Where `part` begins in `text`, from `from` on; npos when nowhere. Linear in the size of the text.
std::size_t find_text(Context& context, const MarkedText& text, std::string_view part, std::size_t from);

}  // namespace hone::text::jinja
