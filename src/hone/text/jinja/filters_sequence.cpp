// Filters of lists, tuples, dicts and generators.
#include "hone/text/jinja/builtins.h"
#include "hone/text/jinja/operators.h"
#include "hone/text/jinja/print.h"
#include "hone/text/jinja/strings.h"
#include "hone/text/utf8.h"

#include <algorithm>
#include <charconv>

namespace hone::text::jinja {
namespace {

Value generator(Context& context, std::vector<Value> items) {
  return make_sequence(context, std::move(items), SequenceKind::generator);
}

// item["a"]["0"] for the path "a.0", as the attribute arguments of filters name it.
Value follow(Context& context, Value value, const Value& path) {
  if (path.text() == nullptr) return item(context, value, path);
  std::string_view rest = path.text()->bytes;
  for (bool more = true; more;) {
    const auto dot = rest.find('.');
    const std::string_view part = rest.substr(0, dot);
    int64_t whole = 0;
    const auto read = std::from_chars(part.data(), part.data() + part.size(), whole);
    const bool number = !part.empty() && read.ec == std::errc() && read.ptr == part.data() + part.size();
    value = item(context, value, number ? Value(whole) : make_text(context, part));
    more = dot != std::string_view::npos;
    if (more) rest.remove_prefix(dot + 1);
  }
  return value;
}

// What items are compared by: an attribute of them, without regard to case unless asked for.
struct Key {
  const Value* path = nullptr;
  bool with_case = false;

  Value of(Context& context, const Value& value) const {
    const Value found = path == nullptr ? value : follow(context, value, *path);
    if (with_case || found.text() == nullptr) return found;
    return make_text(context, change_case(*found.text(), Case::lower));
  }
};

std::vector<std::pair<Value, Value>> keyed(Context& context, const Value& value, const Key& key) {
  std::vector<std::pair<Value, Value>> all;
  for (Value& element : elements(context, value)) {
    Value by = key.of(context, element);
    all.emplace_back(std::move(by), std::move(element));
  }
  return all;
}

Value sorted_values(Context& context, std::vector<std::pair<Value, Value>> all, bool backwards) {
  std::stable_sort(all.begin(), all.end(), [&](const auto& a, const auto& b) {
    return backwards ? less(context, b.first, a.first) : less(context, a.first, b.first);
  });
  std::vector<Value> items;
  for (auto& [by, element] : all) items.push_back(std::move(element));
  return make_sequence(context, std::move(items));
}

Value length_filter(Context& context, const Value& value, const Arguments& arguments) {
  Bound(context, "length", arguments, {});
  if (value.is_undefined()) return Value(int64_t{0});
  if (value.text() != nullptr) return Value(length_of(context, *value.text()));
  if (value.dict() != nullptr) return Value(static_cast<int64_t>(value.dict()->members.size()));
  const Sequence* sequence = value.sequence();
  if (sequence == nullptr || sequence->kind == SequenceKind::generator) {
    context.fail("object of type '{}' has no length", type_name(value));
  }
  return Value(static_cast<int64_t>(sequence->items.size()));
}

Value first_filter(Context& context, const Value& value, const Arguments& arguments) {
  Bound(context, "first", arguments, {});
  const std::vector<Value> all = elements(context, value);
  return all.empty() ? undefined("No first item, sequence was empty.") : all.front();
}

Value last_filter(Context& context, const Value& value, const Arguments& arguments) {
  Bound(context, "last", arguments, {});
  if (value.sequence() != nullptr && value.sequence()->kind == SequenceKind::generator) {
    context.fail("'generator' object is not reversible");
  }
  const std::vector<Value> all = elements(context, value);
  return all.empty() ? undefined("No last item, sequence was empty.") : all.back();
}

Value join_filter(Context& context, const Value& value, const Arguments& arguments) {
  const Bound bound(context, "join", arguments, {"d", "attribute"});
  const MarkedText separator = bound[0] != nullptr ? to_text(context, *bound[0]) : MarkedText();
  MarkedText out;
  bool first = true;
  for (const Value& element : elements(context, value)) {
    if (!std::exchange(first, false)) out.append(separator);
    out.append(to_text(context, bound.given(1) ? follow(context, element, *bound[1]) : element));
    if (out.size() > context.limits().output_bytes) context.allocate_text(out.size());
  }
  return make_text(context, std::move(out));
}

Value list_filter(Context& context, const Value& value, const Arguments& arguments) {
  Bound(context, "list", arguments, {});
  return make_sequence(context, elements(context, value));
}

Value items_filter(Context& context, const Value& value, const Arguments& arguments) {
  Bound(context, "items", arguments, {});
  if (value.is_undefined()) return generator(context, {});
  if (value.dict() == nullptr)
    context.fail("items: can only get item pairs from a mapping, not '{}'", type_name(value));
  std::vector<Value> pairs;
  for (const auto& [key, member] : value.dict()->members) {
    pairs.push_back(make_sequence(context, {key, member}, SequenceKind::tuple));
  }
  return generator(context, std::move(pairs));
}

Value dictsort_filter(Context& context, const Value& value, const Arguments& arguments) {
  const Bound bound(context, "dictsort", arguments, {"case_sensitive", "by", "reverse"});
  if (value.dict() == nullptr) context.fail("dictsort needs a dict, not '{}'", type_name(value));
  const std::string by = bound.given(1) ? bound.text(1).bytes : "key";
  if (by != "key" && by != "value") context.fail("dictsort: by is \"key\" or \"value\", not {}", quote(by));
  const Key key{nullptr, bound.truth(0, false)};
  std::vector<std::pair<Value, Value>> all;
  for (const auto& [name, member] : value.dict()->members) {
    all.emplace_back(key.of(context, by == "key" ? name : member),
                     make_sequence(context, {name, member}, SequenceKind::tuple));
  }
  return sorted_values(context, std::move(all), bound.truth(2, false));
}

Value sort_filter(Context& context, const Value& value, const Arguments& arguments) {
  const Bound bound(context, "sort", arguments, {"reverse", "case_sensitive", "attribute"});
  const Key key{bound.given(2) ? bound[2] : nullptr, bound.truth(1, false)};
  return sorted_values(context, keyed(context, value, key), bound.truth(0, false));
}

Value unique_filter(Context& context, const Value& value, const Arguments& arguments) {
  const Bound bound(context, "unique", arguments, {"case_sensitive", "attribute"});
  const Key key{bound.given(1) ? bound[1] : nullptr, bound.truth(0, false)};
  std::vector<Value> seen, kept;
  for (auto& [by, element] : keyed(context, value, key)) {
    const bool is_new =
        std::none_of(seen.begin(), seen.end(), [&, &now = by](const Value& old) { return equal(context, old, now); });
    if (!is_new) continue;
    seen.push_back(by);
    kept.push_back(std::move(element));
  }
  return generator(context, std::move(kept));
}

template <int sign>
Value extreme_filter(Context& context, const Value& value, const Arguments& arguments) {
  const Bound bound(context, sign < 0 ? "min" : "max", arguments, {"case_sensitive", "attribute"});
  const Key key{bound.given(1) ? bound[1] : nullptr, bound.truth(0, false)};
  const auto all = keyed(context, value, key);
  if (all.empty()) return undefined("No aggregated item, sequence was empty.");
  const auto* best = &all.front();
  for (const auto& one : all) {
    if (sign < 0 ? less(context, one.first, best->first) : less(context, best->first, one.first)) best = &one;
  }
  return best->second;
}

Value sum_filter(Context& context, const Value& value, const Arguments& arguments) {
  const Bound bound(context, "sum", arguments, {"attribute", "start"});
  Value total = bound[1] != nullptr ? *bound[1] : Value(int64_t{0});
  for (const Value& element : elements(context, value)) {
    total = arithmetic(context, "+", total, bound.given(0) ? follow(context, element, *bound[0]) : element);
  }
  return total;
}

Value reverse_filter(Context& context, const Value& value, const Arguments& arguments) {
  Bound(context, "reverse", arguments, {});
  if (value.text() != nullptr) return make_text(context, reversed(*value.text()));
  std::vector<Value> all = elements(context, value);
  std::reverse(all.begin(), all.end());
  return generator(context, std::move(all));
}

Value batch_filter(Context& context, const Value& value, const Arguments& arguments) {
  const Bound bound(context, "batch", arguments, {"linecount", "fill_with"});
  bound.required(0);
  const int64_t size = bound.integer(0, 1);
  if (size < 1 || size > context.limits().range) {
    context.fail("batch: a size of {}; allowed: 1 to {}", size, context.limits().range);
  }
  std::vector<Value> batches, batch;
  for (Value& element : elements(context, value)) {
    batch.push_back(std::move(element));
    if (static_cast<int64_t>(batch.size()) < size) continue;
    batches.push_back(make_sequence(context, std::exchange(batch, {})));
  }
  if (!batch.empty()) {
    if (bound.given(1)) batch.resize(static_cast<std::size_t>(size), *bound[1]);
    batches.push_back(make_sequence(context, std::move(batch)));
  }
  return generator(context, std::move(batches));
}

// map('upper'), map('default', 1), map(attribute='name', default='').
Value map_filter(Context& context, const Value& value, const Arguments& arguments) {
  std::vector<Value> mapped;
  if (arguments.positional.empty()) {
    const Bound bound(context, "map", arguments, {"attribute", "default"});
    bound.required(0);
    for (const Value& element : elements(context, value)) {
      Value found = follow(context, element, *bound[0]);
      if (found.is_undefined() && bound[1] != nullptr) found = *bound[1];
      mapped.push_back(std::move(found));
    }
    return generator(context, std::move(mapped));
  }
  const MarkedText* name = arguments.positional[0].text();
  if (name == nullptr) context.fail("map needs the name of a filter, not '{}'", type_name(arguments.positional[0]));
  const Arguments rest{{arguments.positional.begin() + 1, arguments.positional.end()}, arguments.named};
  for (const Value& element : elements(context, value)) {
    mapped.push_back(call_filter(context, name->bytes, element, rest));
  }
  return generator(context, std::move(mapped));
}

// select, reject, selectattr and rejectattr; without a test it is truth that counts.
struct Choice {
  const char* what;
  bool by_attribute, wanted;
};

Value choose(Context& context, const Value& value, const Arguments& arguments, const Choice& choice) {
  const std::size_t first = choice.by_attribute ? 1 : 0;
  if (arguments.positional.size() < first) context.fail("{} needs the name of an attribute", choice.what);
  const bool tested = arguments.positional.size() > first;
  Arguments rest{{}, arguments.named};
  std::string test;
  if (tested) {
    const Value& name = arguments.positional[first];
    if (name.text() == nullptr) context.fail("{} needs the name of a test, not '{}'", choice.what, type_name(name));
    test = name.text()->bytes;
    rest.positional.assign(arguments.positional.begin() + static_cast<std::ptrdiff_t>(first) + 1,
                           arguments.positional.end());
  }
  std::vector<Value> kept;
  for (Value& element : elements(context, value)) {
    context.step();
    const Value seen = choice.by_attribute ? follow(context, element, arguments.positional[0]) : element;
    const bool holds = tested ? run_check(context, test, seen, rest) : is_true(seen);
    if (holds == choice.wanted) kept.push_back(std::move(element));
  }
  return generator(context, std::move(kept));
}

Value select_filter(Context& context, const Value& value, const Arguments& arguments) {
  return choose(context, value, arguments, {"select", false, true});
}
Value reject_filter(Context& context, const Value& value, const Arguments& arguments) {
  return choose(context, value, arguments, {"reject", false, false});
}
Value selectattr_filter(Context& context, const Value& value, const Arguments& arguments) {
  return choose(context, value, arguments, {"selectattr", true, true});
}
Value rejectattr_filter(Context& context, const Value& value, const Arguments& arguments) {
  return choose(context, value, arguments, {"rejectattr", true, false});
}

struct Named {
  std::string_view name;
  Filter call;
};

constexpr Named kFilters[] = {{"length", length_filter},
                              {"count", length_filter},
                              {"first", first_filter},
                              {"last", last_filter},
                              {"join", join_filter},
                              {"list", list_filter},
                              {"items", items_filter},
                              {"dictsort", dictsort_filter},
                              {"sort", sort_filter},
                              {"unique", unique_filter},
                              {"min", extreme_filter<-1>},
                              {"max", extreme_filter<1>},
                              {"sum", sum_filter},
                              {"reverse", reverse_filter},
                              {"batch", batch_filter},
                              {"map", map_filter},
                              {"select", select_filter},
                              {"reject", reject_filter},
                              {"selectattr", selectattr_filter},
                              {"rejectattr", rejectattr_filter}};

}  // namespace

Filter sequence_filter(std::string_view name) {
  for (const Named& filter : kFilters) {
    if (filter.name == name) return filter.call;
  }
  return nullptr;
}

std::vector<std::string> sequence_filter_names() {
  std::vector<std::string> names;
  for (const Named& filter : kFilters) names.emplace_back(filter.name);
  return names;
}

}  // namespace hone::text::jinja
