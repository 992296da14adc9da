// What the two targets for chat templates share: a conversation with tools, and small limits.
#pragma once

#include "hone/base/error.h"
#include "hone/text/jinja/template.h"

#include <string>
#include <utility>

namespace hone::fuzz {

/// The variables of a template; `content` is what the user says.
inline Json conversation(std::string content) {
  return {{"messages", Json::array({{{"role", "system"}, {"content", "Be brief."}},
                                    {{"role", "user"}, {"content", std::move(content)}},
                                    {{"role", "assistant"}, {"content", "It is 4."}, {"n", 1.5}}})},
          {"tools", Json::array({{{"name", "weather"}, {"items", Json::array({1, nullptr, true})}}})},
          {"bos_token", "<s>"},
          {"add_generation_prompt", true}};
}

/// So that an input takes less than a millisecond.
inline text::jinja::Limits small_limits() {
  text::jinja::Limits limits;
  limits.steps = 2'000;
  limits.output_bytes = 1 << 18;
  limits.total_bytes = 1 << 22;
  limits.range = 200;
  return limits;
}

/// Renders, and traps when the marks don't fit the text.
inline void render(const text::jinja::Template& source, const Json& variables) {
  try {
    const auto text = source.render(variables);
    if (!text.marks.empty() && text.marks.size() != text.bytes.size()) __builtin_trap();
  } catch (const Error&) {
  }
}

}  // namespace hone::fuzz
