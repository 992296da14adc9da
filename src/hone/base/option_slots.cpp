#include "hone/base/option_slots.h"

#include "hone/base/error.h"
#include "hone/base/text_match.h"

#include <algorithm>
#include <cmath>
#include <type_traits>
#include <utility>

namespace hone::base {
namespace {

class Collector : public OptionVisitor {
 public:
  void field(std::string_view name, bool& value, const FieldInfo& info) override { add(name, &value, info); }
  void field(std::string_view name, int64_t& value, const FieldInfo& info) override { add(name, &value, info); }
  void field(std::string_view name, double& value, const FieldInfo& info) override { add(name, &value, info); }
  void field(std::string_view name, std::string& value, const FieldInfo& info) override { add(name, &value, info); }

  std::vector<OptionSlot> slots;

 protected:
  void enter(std::string_view name) override {
    starts_.push_back(prefix_.size());
    prefix_ += std::string(name) + ".";
  }
  void leave() override {
    prefix_.resize(starts_.back());
    starts_.pop_back();
  }

 private:
  template <class T>
  void add(std::string_view name, T* value, const FieldInfo& info) {
    slots.push_back({prefix_ + std::string(name), value, info});
  }

  std::string prefix_;
  std::vector<std::size_t> starts_;
};

// The option with the nearest last name, for a name that was given without its group or with a wrong one.
std::string elsewhere(const std::vector<OptionSlot>& slots, std::string_view path) {
  std::vector<std::string> leaves;
  for (const OptionSlot& slot : slots) leaves.emplace_back(leaf_of(slot.path));
  const std::string near = nearest(leaf_of(path), leaves);
  const auto it = std::find(leaves.begin(), leaves.end(), near);
  return near.empty() ? "" : slots[static_cast<std::size_t>(it - leaves.begin())].path;
}

std::string shown(const TomlScalar& value) {
  const std::string text = toml_spelling(value);
  if (text.size() <= 80) return text;
  std::size_t end = 80;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;  // whole code points only
  return text.substr(0, end) + "…";
}

}  // namespace

TomlScalar OptionSlot::value() const {
  return std::visit([](const auto* member) { return TomlScalar(*member); }, target);
}

void OptionSlot::assign(const TomlScalar& value) const {
  std::visit([&](auto* member) { *member = std::get<std::remove_pointer_t<decltype(member)>>(value); }, target);
}

const char* OptionSlot::type_name() const {
  constexpr const char* names[] = {"bool", "int", "number", "text"};
  return names[target.index()];
}

std::vector<OptionSlot> slots_of(Options& options) {
  Collector collector;
  options.visit(collector);
  return std::move(collector.slots);
}

const OptionSlot* find_slot(const std::vector<OptionSlot>& slots, std::string_view path) {
  const auto it = std::find_if(slots.begin(), slots.end(), [&](const OptionSlot& slot) { return slot.path == path; });
  return it == slots.end() ? nullptr : &*it;
}

std::string_view group_of(std::string_view path) {
  const auto dot = path.rfind('.');
  return dot == std::string_view::npos ? "" : path.substr(0, dot);
}

std::string_view leaf_of(std::string_view path) { return path.substr(path.rfind('.') + 1); }

bool is_group(const std::vector<OptionSlot>& slots, std::string_view path) {
  const std::string prefix = std::string(path) + ".";
  return std::any_of(slots.begin(), slots.end(), [&](const OptionSlot& slot) { return slot.path.starts_with(prefix); });
}

std::vector<std::string> names_in(const std::vector<OptionSlot>& slots, std::string_view group) {
  const std::string prefix = group.empty() ? "" : std::string(group) + ".";
  std::vector<std::string> names;
  for (const OptionSlot& slot : slots) {
    if (!slot.path.starts_with(prefix)) continue;
    std::string name = slot.path.substr(prefix.size());
    name = name.substr(0, name.find('.'));
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(std::move(name));
  }
  return names;
}

std::string hint(const std::vector<OptionSlot>& slots, std::string_view path, std::string_view word,
                 const std::vector<std::string>& candidates) {
  if (nearest(word, candidates).empty()) {
    if (const std::string other = elsewhere(slots, path); !other.empty()) return "; did you mean \"" + other + "\"?";
  }
  return suggestion(word, candidates);
}

std::string range_text(const FieldInfo& info) {
  const bool below = std::isfinite(info.min), above = std::isfinite(info.max);
  if (below && above) return fmt::format("{} to {}", info.min, info.max);
  if (below) return fmt::format("at least {}", info.min);
  return above ? fmt::format("at most {}", info.max) : "";
}

OptionProblem wrong_type(const OptionSlot& slot, std::string_view found) {
  constexpr const char* expected[] = {"true or false", "an int", "a number", "a text"};
  return {fmt::format("\"{}\" is {}; expected {}", slot.path, found, expected[slot.target.index()]), ""};
}

std::optional<OptionProblem> check(const OptionSlot& slot, TomlScalar& value) {
  const FieldInfo& info = slot.info;
  if (std::holds_alternative<double*>(slot.target) && std::holds_alternative<int64_t>(value)) {
    value = static_cast<double>(std::get<int64_t>(value));
  }
  if (value.index() != slot.target.index()) {
    OptionProblem problem = wrong_type(slot, shown(value));
    const bool for_int = std::holds_alternative<int64_t*>(slot.target);
    if (for_int && std::holds_alternative<double>(value)) problem.remedy = "write it without point and exponent";
    if (std::holds_alternative<std::string*>(slot.target)) problem.remedy = "put it in quotes";
    return problem;
  }
  if (const auto* text = std::get_if<std::string>(&value)) {
    if (find_bad_utf8(*text) != std::string_view::npos) {
      return OptionProblem{fmt::format("\"{}\" is not valid UTF-8", slot.path), ""};
    }
    if (info.choices.empty() || std::find(info.choices.begin(), info.choices.end(), *text) != info.choices.end()) {
      return std::nullopt;
    }
    return OptionProblem{fmt::format("\"{}\" is {}{}", slot.path, shown(value), suggestion(*text, info.choices)),
                         fmt::format("allowed: {}", fmt::join(info.choices, ", "))};
  }
  if (std::holds_alternative<bool>(value)) return std::nullopt;
  const auto* integer = std::get_if<int64_t>(&value);
  const double number = integer ? static_cast<double>(*integer) : std::get<double>(value);
  if (!std::isfinite(number)) {
    return OptionProblem{fmt::format("\"{}\" is {}; expected a finite number", slot.path, shown(value)), ""};
  }
  if (number < info.min || number > info.max) {
    return OptionProblem{fmt::format("\"{}\" is {}; allowed: {}", slot.path, shown(value), range_text(info)), ""};
  }
  return std::nullopt;
}

}  // namespace hone::base
