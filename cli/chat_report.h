// What a model folder's chat template does to a conversation, for `hone check`.
#pragma once

#include "cli/console.h"
#include "hone/base/json.h"
#include "hone/text/chat_template.h"

#include <filesystem>
#include <optional>
#include <string>

namespace hone::cli {

struct ChatReport {
  std::string where;                            ///< file of the template; "" when the folder has none
  bool marks_generation = false;                ///< {% generation %} says what carries loss
  std::optional<text::Parting> parting;         ///< where it rewrites earlier turns, if it does
  std::optional<text::jinja::MarkedText> text;  ///< a conversation, kGenerated where loss lies
  std::string problem;                          ///< why there is no text: what the template said
};

/// Two exchanges without a system prompt, which every published template accepts.
Json sample_conversation();
/// Reads the template of `model_dir` and tries it on `messages`.
/// Errors: io, format for a template that can't be parsed. One that refuses the conversation is no error: see problem.
ChatReport report_chat(const std::filesystem::path& model_dir, const Json& messages);

Json to_json(const ChatReport& report);
/// A few lines: the file, whether it keeps its prefix, and the conversation with loss in colour (in [brackets] without
/// colour).
std::string to_text(const ChatReport& report, const Console& console);

}  // namespace hone::cli
