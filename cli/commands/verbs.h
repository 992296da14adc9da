// The verbs of the front program, one file of this folder each.
#pragma once

#include "cli/command.h"
#include "cli/engine_verbs.h"

namespace hone::cli {

Command check_verb();
Command cp_verb();
Command data_verb();
Command doctor_verb();
Command export_verb();
Command judge_verb();
Command ls_verb();
Command report_verb();
Command search_trace_verb();
Command show_verb();

/// start.cpp: check the words, then hand them to the engine.
Command run_verb();
Command demo_verb();
Command bench_verb();
Command inspect_verb();

/// use/start.cpp: the same for the verbs that use a model.
Command gen_verb();
Command chat_verb();
Command eval_verb();

/// Bare `hone`: version, last runs, three next commands.
int print_status(const Call& call);

}  // namespace hone::cli
