// Help texts, made from the same tables that the words are cut by.
#pragma once

#include "cli/command.h"

#include <span>
#include <string>

namespace hone::cli {

/// `hone --help`: every verb on a line.
std::string help_text(std::span<const Command> verbs);
/// `hone run --help`: what, three examples, options; fits 80 columns.
std::string help_text(const Command& verb);
/// `hone help <topic>`: formats, exit-codes, environment, determinism. Errors: usage with the nearest name.
std::string topic_text(const std::string& topic);

}  // namespace hone::cli
