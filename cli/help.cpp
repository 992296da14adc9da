#include "cli/help.h"

#include "cli/console.h"
#include "hone/base/error.h"
#include "hone/base/text_match.h"

namespace hone::cli {
namespace {

struct Topic {
  const char* name;
  const char* text;
};

constexpr Topic kTopics[] = {
    {"formats", R"(Files that hone reads and writes.

--data    JSONL, one object a line:
            {"prompt": "…", "completion": "…"}      supervised
            {"messages": [{"role","content"} …]}    conversations
            {"text": "…"}                           plain text
            {"prompt": "…", "answer": "…"}          problems for a verifier
            {"numbers": [3, 7, 12], "target": 43}   Countdown problems
            {"prompt", "chosen", "rejected"}        choices, texts or messages
          `hone data preview FILE` shows the rows as the model sees them.
--model   a Hugging Face folder: config.json, model.safetensors,
          tokenizer.json. Every run leaves one in its model/ folder.
*.toml    a recipe with its options: `hone cp score my.toml`.
runs/     one folder a run: config.toml, metrics.jsonl, samples.jsonl,
          events.jsonl, summary.json, report.html, model/, ckpt/, tb/.
)"},
    {"exit-codes", R"(Exit codes.

  0    done
  1    a check failed (hone judge --strict, hone eval --strict)
  2    usage: an unknown command, option, key, name, or a value out of range
  3    data: a row, problem or prompt that can't be used
  4    format: a file that is not what it says (checkpoint, tokenizer, config)
  5    numeric: a loss, gradient or weight that is not finite
  6    io: a file that can't be read or written, a full disk
  7    internal: a bug in hone
  130  stopped by Ctrl-C, a run after a checkpoint
)"},
    {"environment", R"(Environment variables. An option on the command line wins.

  HONE_RUNS        folder of runs (default runs)
  HONE_THREADS     threads (default: every core); results do not depend on it
  HONE_KERNELS     "reference" switches every fused kernel off
  NO_COLOR         no colour
  CLICOLOR_FORCE   colour even into a pipe
  COLUMNS          width of tables
  TERM=dumb, CI    plain progress lines, nothing redrawn
)"},
    {"determinism", R"(The same seed gives the same run.

On one machine and build, a run's weights and record (all but the "time"
fields) depend on its options and its seed, and on nothing else: not on the
number of threads, not on what else the machine does, and not on whether the
run was interrupted and resumed. Other processors may round differently.
)"},
};

std::string option_line(const Option& option) {
  std::string left = option.letter[0] == '\0' ? "      " : fmt::format("  {}, ", option.letter);
  left += option.name;
  if (option.value[0] != '\0') left += fmt::format(" {}", option.value);
  constexpr int kColumn = 26;
  if (width_of(left) > kColumn - 2) return fmt::format("{}\n{:{}}{}\n", left, "", kColumn, option.help);
  left.append(static_cast<std::size_t>(kColumn - width_of(left)), ' ');
  return left + option.help + '\n';
}

}  // namespace

std::string help_text(std::span<const Command> verbs) {
  std::string text =
      "hone trains language models, and makes them correct and improve themselves.\n\n"
      "  hone demo                        a model that learns to correct itself\n"
      "  hone show score                  what a recipe does, and its options\n"
      "  hone run sft --data chat.jsonl   a recipe on your own data\n\n";
  for (const Command& verb : verbs) text += fmt::format("  {:<12} {}\n", verb.name, verb.summary);
  text += "\nhone <command> --help explains a command; hone help <topic> explains:\n ";
  for (const Topic& topic : kTopics) text += fmt::format(" {}", topic.name);
  return text + "\nhone --version prints the version.\n";
}

std::string help_text(const Command& verb) {
  std::string text = fmt::format("hone {} {}\n\n{}\n\n", verb.name, verb.operands, wrap(verb.details, 80, 0));
  std::string_view examples = verb.examples;
  while (!examples.empty()) {
    const auto end = examples.find('\n');
    text += fmt::format("  {}\n", examples.substr(0, end));
    examples.remove_prefix(end == std::string_view::npos ? examples.size() : end + 1);
  }
  text += "\nOptions:\n";
  for (const Option& option : verb.options) text += option_line(option);
  for (const Option& option : common_options()) text += option_line(option);
  return text;
}

std::string topic_text(const std::string& topic) {
  std::vector<std::string> names;
  for (const Topic& known : kTopics) {
    if (topic == known.name) return known.text;
    names.emplace_back(known.name);
  }
  throw Error(ErrorKind::usage, fmt::format("no help on \"{}\"{}", topic, base::suggestion(topic, names)),
              "see: hone --help");
}

}  // namespace hone::cli
