// hone-engine: the verbs that need tensors. The front program, hone, checks the words and starts it.
#include "cli/commands/engine.h"
#include "cli/console.h"
#include "cli/engine_verbs.h"
#include "cli/interrupt.h"
#include "cli/use/engine.h"
#include "cli/use/plans.h"
#include "hone/base/error.h"
#include "hone/kernels/common.h"
#include "hone/tensor/compat.h"

#include <c10/util/Exception.h>

#include <algorithm>
#include <cstdlib>

namespace {

using namespace hone;

// Once, before other threads start.
void settle_libraries() {
  tensor::tune_malloc();
  tensor::configure_threads(1);
  const char* form = std::getenv("HONE_KERNELS");
  kernels::set_mode(kernels::named_mode(form == nullptr ? "" : form));
}

int dispatch(const char* program, std::vector<std::string> words) {
  const std::vector<cli::Command> verbs = {
      cli::engine_verb("run", &cli::run_recipe),  cli::engine_verb("demo", &cli::run_demo),
      cli::engine_verb("bench", &cli::run_bench), cli::engine_verb("inspect", &cli::run_inspect),
      cli::use_verb("gen", &cli::run_gen),        cli::use_verb("chat", &cli::run_chat),
      cli::use_verb("eval", &cli::run_eval)};
  if (words.empty()) throw Error(ErrorKind::usage, "hone-engine is started by hone", "see: hone --help");
  const cli::Command& verb = cli::find_verb(verbs, words[0]);
  const cli::Call call = cli::parse(verb, program, std::move(words));
  settle_libraries();
  return verb.run(call);
}

}  // namespace

int main(int argc, char** argv) {
  cli::ignore_file_size_signal();
  const std::vector<std::string> words(argv + 1, argv + std::max(1, argc));
  const bool json = std::find(words.begin(), words.end(), "--json") != words.end();
  const auto form = json ? cli::ErrorForm::json : cli::ErrorForm::text;
  try {
    const int code = dispatch(argc > 0 ? argv[0] : "hone-engine", words);
    cli::finish_output();
    return code;
  } catch (const Error& error) {
    return cli::report_error(error, form);
  } catch (const c10::Error& error) {
    return cli::report_error(cli::internal_error(std::runtime_error(error.what_without_backtrace())), form);
  } catch (const std::exception& error) {
    return cli::report_error(cli::internal_error(error), form);
  }
}
