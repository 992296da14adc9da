// A conversation that goes on: where the model's answer ends, and what stands before its next one.
#pragma once

#include "hone/base/json.h"
#include "hone/data/rows.h"

#include <cstdint>
#include <string>
#include <vector>

namespace hone::data {

/// [{"role", "content"}, …], as chat templates take it.
Json messages_json(const std::vector<tasks::Message>& messages);

/// What a row of a file has as "prompt" of a problem: its text, or its conversation as messages_json() writes it.
Json prompt_json(const tasks::Problem& problem);

/// A text as the model would have written it: its tokens and the one that ends an answer. Errors: those of stop_ids.
text::Ids answer_ids(const std::string& text, const Encoder& encoder);

/// A problem as a conversation; empty where its prompt is text to go on with (see Prompts).
std::vector<tasks::Message> conversation_of(const tasks::Problem& problem, const Encoder& encoder);

/// Tokens that end an answer: tokenizer.end(), or with a chat template encoder.ends and the special token that the
/// template writes right after an answer. Errors: data when there is none.
std::vector<int32_t> stop_ids(const Encoder& encoder);

/// What stands between the model's answer to a problem and its next one when the user says `text` in between: in hone's
/// own format <user> text <end> <assistant>, with a chat template all that it writes after the answer and its end token
/// (which the answer has brought). A prompt that is text is followed by `text` alone.
/// Errors: data, with the place, for a template that rewrites what stood before: an answer can't be gone on from then;
/// format or data from the template.
text::Ids next_turn_ids(const tasks::Problem& problem, const std::string& text, const Encoder& encoder);

}  // namespace hone::data
