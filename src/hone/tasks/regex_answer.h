// Regular expressions as reference answers: PCRE2 with a hard bound on the work of one match.
#pragma once

#include "hone/tasks/problem.h"

#include <string>
#include <string_view>

namespace hone::tasks {

/// "" when `pattern` compiles; otherwise what is wrong and where, e.g. "missing closing parenthesis at 3".
std::string regex_error(const std::string& pattern);

/// Verdict of the "regex" verifier: right when the pattern matches somewhere in the completion (anchor it with ^ and $
/// to match the whole). UTF-8; bytes that are not are matched by nothing. A match that is not decided within the
/// fuel, which grows with the completion's length, is wrong.
Verdict verify_regex(const Problem& problem, std::string_view completion);

}  // namespace hone::tasks
