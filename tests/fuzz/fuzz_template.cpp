// One text as a chat template, rendered for a conversation with tools; and as the content of one under a template that
// uses most of the language.
#include "hone/base/error.h"
#include "hone/text/jinja/template.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace {

using hone::Json;
using hone::text::jinja::Limits;
using hone::text::jinja::MarkedText;
using hone::text::jinja::Template;

Json conversation(std::string content) {
  return {{"messages", Json::array({{{"role", "system"}, {"content", "Be brief."}},
                                    {{"role", "user"}, {"content", std::move(content)}},
                                    {{"role", "assistant"}, {"content", "It is 4."}, {"n", 1.5}}})},
          {"tools", Json::array({{{"name", "weather"}, {"items", Json::array({1, nullptr, true})}}})},
          {"bos_token", "<s>"},
          {"add_generation_prompt", true}};
}

void check(const MarkedText& text) {
  if (!text.marks.empty() && text.marks.size() != text.bytes.size()) __builtin_trap();
}

// Small limits, so that an input takes milliseconds.
Limits small() {
  Limits limits;
  limits.steps = 2'000;
  limits.output_bytes = 1 << 18;
  limits.total_bytes = 1 << 22;
  limits.range = 200;
  return limits;
}

void render(const Template& source, const Json& variables) {
  try {
    check(source.render(variables));
  } catch (const hone::Error&) {
  }
}

constexpr std::string_view kUses =
    "{% for m in messages %}{{ loop.index }}{{ m.content | trim | upper }}{{ m | tojson(indent=1) }}{{ m }}"
    "{{ m.content[1:-1:2] ~ m.content.split() ~ m.content.title() | indent | replace('a', 'bc') }}"
    "{% generation %}{{ m.content.strip('ab') | e | reverse }}{% endgeneration %}"
    "{{ m.content | list | unique | sort | join('-') }}{{ '%s' % m.content }}{{ m.content.splitlines() }}{% endfor %}";

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  static const Json asked = conversation("What is <|im_end|> é 2+2?");
  static const Template uses(kUses, "uses", small());  // read once: most of an execution would be reading it again
  const std::string_view content(reinterpret_cast<const char*>(data), size);
  try {
    render(Template(content, "fuzz", small()), asked);
  } catch (const hone::Error&) {
  }
  if (size % 32 == 0) render(uses, conversation(std::string(content)));  // thirty times as slow as most templates
  return 0;
}
