// Traces of Stream of Search as training sequences. Nearest relative: countdown_records.h.
#pragma once

#include "hone/data/example.h"
#include "hone/tasks/search/problems.h"

namespace hone::data {

/// The compact words of a world's traces (keywords, operators, numbers 0..cap), one token each; bytes for worlds
/// without a cap.
text::Tokenizer search_tokenizer(const tasks::CountdownWorld& world);

/// <bos> S target numbers… | what follows <end>, with loss on what follows. A sequence of more than `context` tokens is
/// cut there, and has no <end>: what it would have reached is not learned.
/// Errors: data for a trace that can't be written in compact words, or whose numbers have no token.
Example search_example(const tasks::search::Trace& trace, const text::Tokenizer& tokenizer, int64_t context);

}  // namespace hone::data
