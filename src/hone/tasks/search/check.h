// Did a trace find a solution? The strict judge, and the official one beside it.
#pragma once

#include "hone/tasks/problem.h"
#include "hone/tasks/search/trace.h"

namespace hone::tasks::search {

/// Strict: the operations of the last state before the first goal, with the one explored just before it, must each be
/// true, must use up the problem's numbers and their own results, each once, must be one fewer than the numbers, and
/// must end at the target. How the search got there is not judged. Total.
Verdict check_strict(const Trace& trace, const Numbers& numbers, int64_t target);

/// As the official code judges (its `metric_fn`): numbers and target are those of the trace's own first line, and a
/// number may be used again and again, since nothing is ever taken away. Operations must be true, and the last one must
/// give the target. Exists to show the difference; nothing is trained on it. Total.
Verdict check_lax(const Trace& trace);

/// 1 − (operations explored + 1) / (most that there can be: Π 4·k(k−1)/2 over k = 2…n), never below 0;
/// 0 unless `verdict` is right.
double rating(const Trace& trace, std::size_t numbers, const Verdict& verdict);

/// Judges what compact words go on with after compact_prompt() of the problem, by check_strict. A Verifier.
Verdict verify_search(const Problem& problem, std::string_view completion);

}  // namespace hone::tasks::search
