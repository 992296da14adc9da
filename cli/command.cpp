#include "cli/command.h"

#include "hone/base/error.h"
#include "hone/base/text_match.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <utility>

namespace hone::cli {
namespace {

constexpr Option kCommon[] = {
    {"--json", "", "machine-readable output on stdout"},
    {"--quiet", "", "only results; no talk on stderr", "-q"},
    {"--runs", "DIR", "folder of runs (env HONE_RUNS; default runs)"},
    {"--help", "", "this text", "-h"},
};

const Option* find_option(const Command& verb, std::string_view word) {
  for (const auto options : {verb.options, common_options()}) {
    for (const Option& option : options) {
      if (word == option.name || (option.letter[0] != '\0' && word == option.letter)) return &option;
    }
  }
  return nullptr;
}

std::string see_help(const Command& verb) { return fmt::format("see: hone {} --help", verb.name); }

[[noreturn]] void refuse_option(const Command& verb, std::string_view word) {
  std::vector<std::string> names;
  for (const auto options : {verb.options, common_options()}) {
    for (const Option& option : options) names.emplace_back(option.name);
  }
  throw Error(ErrorKind::usage,
              fmt::format("hone {} has no option {}{}", verb.name, word, base::suggestion(word, names)),
              see_help(verb));
}

bool needs_quotes(std::string_view word) {
  return word.empty() || word.find_first_of(" \t\n\"'\\$`*?[](){}<>|&;#!~") != std::string_view::npos;
}

}  // namespace

std::span<const Option> common_options() { return kCommon; }

std::optional<std::string> Call::value(std::string_view option) const {
  const auto it = options.find(option);
  if (it == options.end()) return std::nullopt;
  return it->second.back();
}

std::vector<std::string> Call::values(std::string_view option) const {
  const auto it = options.find(option);
  return it == options.end() ? std::vector<std::string>{} : it->second;
}

int64_t Call::integer(std::string_view option, int64_t fallback, int64_t min, int64_t max) const {
  const auto text = value(option);
  if (!text) return fallback;
  int64_t number = 0;
  const auto [end, code] = std::from_chars(text->data(), text->data() + text->size(), number);
  const bool whole = code == std::errc() && end == text->data() + text->size();
  require(whole && number >= min && number <= max, ErrorKind::usage, "{}: \"{}\" is not a whole number from {} to {}",
          option, *text, min, max);
  return number;
}

double Call::number(std::string_view option, double fallback, double min, double max) const {
  const auto text = value(option);
  if (!text) return fallback;
  double number = 0;
  const auto [end, code] = std::from_chars(text->data(), text->data() + text->size(), number);
  const bool whole = code == std::errc() && end == text->data() + text->size();
  require(whole && number >= min && number <= max, ErrorKind::usage, "{}: \"{}\" is not a number from {} to {}", option,
          *text, min, max);
  return number;
}

std::string Call::choice(std::string_view option, std::span<const char* const> words) const {
  const std::string word = value(option).value_or(words[0]);
  const std::vector<std::string> known(words.begin(), words.end());
  require(std::find(known.begin(), known.end(), word) != known.end(), ErrorKind::usage, "{}: no \"{}\"{}", option, word,
          base::suggestion(word, known));
  return word;
}

std::string Call::line() const {
  std::string line = "hone";
  for (const std::string& word : words) {
    line += ' ';
    if (!needs_quotes(word)) {
      line += word;
      continue;
    }
    line += '\'';
    for (const char c : word) line += c == '\'' ? std::string("'\\''") : std::string(1, c);
    line += '\'';
  }
  return line;
}

const Command& find_verb(std::span<const Command> verbs, const std::string& name) {
  std::vector<std::string> names;
  for (const Command& verb : verbs) {
    if (verb.name == name) return verb;
    names.emplace_back(verb.name);
  }
  const char* what = name.starts_with("-") ? "option" : "command";
  throw Error(ErrorKind::usage, fmt::format("hone has no {} \"{}\"{}", what, name, base::suggestion(name, names)),
              "see: hone --help");
}

Call parse(const Command& verb, std::string program, std::vector<std::string> words) {
  Call call;
  call.program = std::move(program);
  call.words = std::move(words);
  if (const char* runs = std::getenv("HONE_RUNS"); runs != nullptr && *runs != '\0') call.runs = runs;

  for (std::size_t i = 1; i < call.words.size(); ++i) {
    const std::string& word = call.words[i];
    if (word == "--") {
      call.operands.insert(call.operands.end(), call.words.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                           call.words.end());
      break;
    }
    if (!word.starts_with("-") || word == "-") {
      call.operands.push_back(word);
      continue;
    }
    const auto equals = word.find('=');
    const std::string name = word.substr(0, equals);
    const Option* option = find_option(verb, name);
    if (option == nullptr) refuse_option(verb, name);
    std::string value;
    if (option->value[0] == '\0') {
      require(equals == std::string::npos, ErrorKind::usage, "{} takes no value, found \"{}\"", option->name, word);
    } else if (equals != std::string::npos) {
      value = word.substr(equals + 1);
    } else {
      if (++i == call.words.size()) {
        throw Error(ErrorKind::usage, fmt::format("{} needs a value: {} {}", option->name, option->name, option->value),
                    see_help(verb));
      }
      value = call.words[i];
    }
    call.options[option->name].push_back(std::move(value));
  }

  if (const auto runs = call.value("--runs")) call.runs = *runs;
  if (call.has("--help")) return call;
  if (call.operands.size() < verb.least) {
    throw Error(ErrorKind::usage, fmt::format("hone {} needs {}", verb.name, verb.operands), see_help(verb));
  }
  if (call.operands.size() > verb.most) {
    throw Error(ErrorKind::usage,
                fmt::format("hone {} does not know what to do with \"{}\"", verb.name, call.operands[verb.most]),
                see_help(verb));
  }
  return call;
}

}  // namespace hone::cli
