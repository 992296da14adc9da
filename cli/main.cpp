// hone, the front program: it answers at once, because it never loads libtorch. The verbs that need tensors (run, demo,
// gen, chat, eval, bench, inspect) are checked here and then handed to hone-engine.
#include "cli/commands/verbs.h"
#include "cli/console.h"
#include "cli/help.h"
#include "cli/interrupt.h"
#include "cli/machine.h"
#include "hone/base/error.h"

#include <algorithm>

namespace {

using namespace hone;

std::vector<cli::Command> verbs() {
  return {cli::run_verb(),          cli::demo_verb(),  cli::eval_verb(),   cli::gen_verb(),   cli::chat_verb(),
          cli::ls_verb(),           cli::show_verb(),  cli::cp_verb(),     cli::check_verb(), cli::data_verb(),
          cli::report_verb(),       cli::judge_verb(), cli::export_verb(), cli::bench_verb(), cli::inspect_verb(),
          cli::search_trace_verb(), cli::doctor_verb()};
}

// `hone` without a verb; options such as --json apply to its status screen.
constexpr cli::Command kStatus = {"", "", "", 0, 0, "", "", {}, &cli::print_status};

int help(const std::vector<cli::Command>& known, const std::vector<std::string>& words) {
  if (words.size() < 2) {
    cli::put("{}", cli::help_text(known));
    return 0;
  }
  for (const cli::Command& verb : known) {
    if (verb.name == words[1]) {
      cli::put("{}", cli::help_text(verb));
      return 0;
    }
  }
  cli::put("{}", cli::topic_text(words[1]));
  return 0;
}

int dispatch(const char* program, std::vector<std::string> words) {
  const std::vector<cli::Command> known = verbs();
  const std::string first = words.empty() ? "" : words[0];
  if (first == "--version" || first == "version") {
    cli::put("hone {} ({})\n", cli::version(), cli::commit());
    return 0;
  }
  if (first == "--help" || first == "-h" || first == "help") return help(known, words);
  if (first == "eval" && words.size() > 1 && words[1] == "search-trace") words.erase(words.begin());
  const bool bare =
      words.empty() || first == "--json" || first == "--quiet" || first == "-q" || first.starts_with("--runs");
  if (bare) words.insert(words.begin(), "");
  const cli::Command& verb = bare ? kStatus : cli::find_verb(known, words[0]);
  const cli::Call call = cli::parse(verb, program, std::move(words));
  if (!call.has("--help")) return verb.run(call);
  cli::put("{}", cli::help_text(verb));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  cli::ignore_file_size_signal();
  const std::vector<std::string> words(argv + 1, argv + std::max(1, argc));
  const bool json = std::find(words.begin(), words.end(), "--json") != words.end();
  try {
    const int code = dispatch(argc > 0 ? argv[0] : "hone", words);
    cli::finish_output();
    return code;
  } catch (const Error& error) {
    return cli::report_error(error, json ? cli::ErrorForm::json : cli::ErrorForm::text);
  } catch (const std::exception& error) {
    return cli::report_error(cli::internal_error(error), json ? cli::ErrorForm::json : cli::ErrorForm::text);
  }
}
