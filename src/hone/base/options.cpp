#include "hone/base/options.h"

#include "hone/base/error.h"
#include "hone/base/option_slots.h"
#include "hone/base/text_match.h"
#include "hone/base/toml_text.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>
#include <utility>
#include <variant>

namespace hone::base {
namespace {

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return "";
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// Reads `text` as a value for `slot`; what can't be read comes back as a string, which check() then refuses.
TomlScalar read_value(const OptionSlot& slot, std::string_view text) {
  const std::string_view bare = trimmed(text);
  if (std::holds_alternative<std::string*>(slot.target)) {
    const bool quoted = bare.size() >= 2 && (bare[0] == '"' || bare[0] == '\'') && bare.back() == bare[0];
    if (!quoted) return std::string(text);
    return read_toml_scalar(bare).value_or(std::string(text));
  }
  if (const auto value = read_toml_scalar(bare)) return *value;
  // ".5" and "5." are no TOML, but everybody writes them.
  double number = 0;
  const auto [end, code] = std::from_chars(bare.data(), bare.data() + bare.size(), number);
  const bool whole = code == std::errc() && end == bare.data() + bare.size();
  if (whole && std::holds_alternative<double*>(slot.target)) return number;
  return std::string(text);
}

// Refuses a key of a TOML file that names no option.
[[noreturn]] void fail_unknown(const std::vector<OptionSlot>& slots, const TomlNode& node, std::string_view toml,
                               std::string_view file_name) {
  std::string message;
  if (node.is_table()) {
    message = fmt::format("unknown table [{}]", node.path);
  } else {
    message = node.name[0] == '"' ? "unknown key " + node.name : "unknown key \"" + node.name + "\"";
    if (!node.group.empty()) message += fmt::format(" in [{}]", node.group);
  }
  fail_at(toml, file_name, node.key_place, message + hint(slots, node.path, node.name, names_in(slots, node.group)));
}

// Checks one key of a TOML file; returns the option that it sets, or nullptr for a table of options.
const OptionSlot* check_node(const std::vector<OptionSlot>& slots, TomlNode& node, std::string_view toml,
                             std::string_view file_name) {
  const OptionSlot* slot = find_slot(slots, node.path);
  if (slot == nullptr) {
    if (!is_group(slots, node.path)) fail_unknown(slots, node, toml, file_name);
    if (node.is_table()) return nullptr;
    fail_at(toml, file_name, node.value_place,
            fmt::format("\"{}\" is a table of options, not one value{}", node.path,
                        suggestion("", names_in(slots, node.path))));
  }
  const auto problem = node.value ? check(*slot, *node.value) : wrong_type(*slot, node.kind);
  if (problem) fail_at(toml, file_name, node.value_place, problem->message, problem->remedy);
  return slot;
}

Json& place_in(Json& root, std::string_view path) {
  Json* at = &root;
  for (auto dot = path.find('.'); dot != std::string_view::npos; dot = path.find('.')) {
    at = &(*at)[std::string(path.substr(0, dot))];
    path.remove_prefix(dot + 1);
  }
  return (*at)[std::string(path)];
}

std::optional<TomlScalar> scalar_of(const Json& json) {
  if (json.is_boolean()) return json.get<bool>();
  if (json.is_string()) return json.get<std::string>();
  if (json.is_number_unsigned() && json.get<uint64_t>() > uint64_t{std::numeric_limits<int64_t>::max()}) {
    return json.get<double>();
  }
  if (json.is_number_integer()) return json.get<int64_t>();
  if (json.is_number_float()) return json.get<double>();
  return std::nullopt;
}

using Assignments = std::vector<std::pair<const OptionSlot*, TomlScalar>>;

// Gathers the values below `json`, whose members are named `prefix` + key.
void gather(const Json& json, const std::string& prefix, const std::vector<OptionSlot>& slots, std::string_view where,
            Assignments& found) {
  for (const auto& [key, member] : json.items()) {
    const std::string path = prefix + key;
    const OptionSlot* slot = find_slot(slots, path);
    if (slot == nullptr) {
      require(is_group(slots, path), ErrorKind::format, "{}: unknown option \"{}\"{}", where, printable(path),
              hint(slots, path, key, names_in(slots, group_of(path))));
      require(member.is_object(), ErrorKind::format, "{}: \"{}\" is {}; expected an object of options", where, path,
              member.type_name());
      gather(member, path + ".", slots, where, found);
      continue;
    }
    auto value = scalar_of(member);
    const auto problem = value ? check(*slot, *value) : wrong_type(*slot, member.type_name());
    if (problem) fail(ErrorKind::format, "{}: {}", where, problem->message);
    found.emplace_back(slot, *value);
  }
}

std::string comment_of(const OptionEntry& entry) {
  std::string text = entry.info.help;
  const std::string range = entry.info.choices.empty() ? range_text(entry.info)
                                                       : fmt::format("{}", fmt::join(entry.info.choices, " | "));
  if (!range.empty()) text += " (" + range + ")";
  text += "; source: " + entry.info.source;
  if (entry.origin == Origin::standard) return printable(text + "; default");
  text += entry.origin == Origin::preset ? "; preset " : "; from ";
  return printable(text + entry.place + ", default " + entry.standard);
}

}  // namespace

OptionSet::OptionSet(Options& options, Options& defaults, std::string_view preset)
    : options_(options), defaults_(defaults) {
  const std::vector<OptionSlot> slots = slots_of(options), standard = slots_of(defaults);
  require(slots.size() == standard.size(), ErrorKind::internal, "options and their defaults differ in type");
  for (std::size_t i = 0; i < slots.size(); ++i) {
    require(find_slot(slots, slots[i].path) == &slots[i] && !is_group(slots, slots[i].path), ErrorKind::internal,
            "the option \"{}\" is listed twice", slots[i].path);
    for (TomlScalar value : {slots[i].value(), standard[i].value()}) {
      const auto problem = check(slots[i], value);
      require(!problem, ErrorKind::internal, "a default or preset breaks its own rule: {}",
              problem ? problem->message : "");
    }
    const bool differs = slots[i].value() != standard[i].value();
    marks_.push_back(differs && !preset.empty() ? Mark{Origin::preset, std::string(preset)} : Mark{});
  }
}

void OptionSet::set(std::string_view path, std::string_view text, Origin origin, std::string_view place) {
  const std::vector<OptionSlot> slots = slots_of(options_);
  const OptionSlot* slot = find_slot(slots, path);
  if (slot == nullptr) {
    require(!is_group(slots, path), ErrorKind::usage, "{}: \"{}\" is a group of options{}", place, path,
            suggestion("", names_in(slots, path)));
    std::vector<std::string> paths;
    for (const OptionSlot& each : slots) paths.push_back(each.path);
    fail(ErrorKind::usage, "{}: unknown option \"{}\"{}", place, printable(path), hint(slots, path, path, paths));
  }
  TomlScalar value = read_value(*slot, text);
  if (const auto problem = check(*slot, value)) {
    throw Error(ErrorKind::usage, fmt::format("{}: {}", place, problem->message), problem->remedy);
  }
  Mark& mark = marks_[static_cast<std::size_t>(slot - slots.data())];
  if (mark.origin > origin) return;
  slot->assign(value);
  mark = {origin, std::string(place)};
}

void OptionSet::set_assignment(std::string_view assignment) {
  const auto equals = assignment.find('=');
  require(equals != std::string_view::npos, ErrorKind::usage, "--set: expected name=value, found \"{}\"",
          printable(assignment));
  set(trimmed(assignment.substr(0, equals)), assignment.substr(equals + 1), Origin::set, "--set");
}

void OptionSet::load_toml(std::string_view toml, std::string_view file_name) {
  const std::vector<OptionSlot> slots = slots_of(options_);
  std::vector<TomlNode> nodes = read_toml(toml, file_name);
  std::vector<const OptionSlot*> targets;
  for (TomlNode& node : nodes) targets.push_back(check_node(slots, node, toml, file_name));
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (targets[i] == nullptr) continue;
    Mark& mark = marks_[static_cast<std::size_t>(targets[i] - slots.data())];
    if (mark.origin > Origin::file) continue;
    targets[i]->assign(*nodes[i].value);
    mark = {Origin::file, fmt::format("{}:{}", file_name, nodes[i].key_place.line)};
  }
}

std::vector<OptionEntry> OptionSet::entries() const {
  const std::vector<OptionSlot> slots = slots_of(options_), standard = slots_of(defaults_);
  std::vector<OptionEntry> entries;
  for (std::size_t i = 0; i < slots.size(); ++i) {
    entries.push_back({slots[i].path, slots[i].type_name(), toml_spelling(slots[i].value()),
                       toml_spelling(standard[i].value()), slots[i].info, marks_[i].origin, marks_[i].place});
  }
  return entries;
}

Json OptionSet::to_json() const {
  Json root = Json::object();
  for (const OptionSlot& slot : slots_of(options_)) {
    std::visit([&](const auto* member) { place_in(root, slot.path) = *member; }, slot.target);
  }
  return root;
}

std::string OptionSet::to_toml() const {
  const std::vector<OptionEntry> all = entries();
  // TOML ends a table only by starting the next one, so the options outside all groups come first.
  std::vector<std::string_view> groups = {""};
  for (const OptionEntry& entry : all) {
    const std::string_view group = group_of(entry.path);
    if (std::find(groups.begin(), groups.end(), group) == groups.end()) groups.push_back(group);
  }
  std::string text;
  for (const std::string_view group : groups) {
    if (!group.empty()) text += fmt::format("{}[{}]\n", text.empty() ? "" : "\n", group);
    for (const OptionEntry& entry : all) {
      if (group_of(entry.path) != group) continue;
      text += fmt::format("# {}\n{} = {}\n", comment_of(entry), leaf_of(entry.path), entry.value);
    }
  }
  return text;
}

void options_from_json(Options& options, const Json& json, std::string_view where) {
  require(json.is_object(), ErrorKind::format, "{}: expected an object of options, found {}", where, json.type_name());
  const std::vector<OptionSlot> slots = slots_of(options);
  Assignments found;
  gather(json, "", slots, where, found);
  for (const auto& [slot, value] : found) slot->assign(value);
}

}  // namespace hone::base
