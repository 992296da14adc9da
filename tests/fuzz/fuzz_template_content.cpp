// One text as what the user says, under a template that uses most of the language.
#include "tests/fuzz/template_conversation.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace {

constexpr std::string_view kUses =
    "{% for m in messages %}{{ loop.index }}{{ m.content | trim | upper }}{{ m | tojson(indent=1) }}{{ m }}"
    "{{ m.content[1:-1:2] ~ m.content.split() ~ m.content.title() | indent | replace('a', 'bc') }}"
    "{% generation %}{{ m.content.strip('ab') | e | reverse }}{% endgeneration %}"
    "{{ m.content | list | unique | sort | join('-') }}{{ '%s' % m.content }}{{ m.content.splitlines() }}{% endfor %}";

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  using namespace hone;
  static const text::jinja::Template uses(kUses, "uses", fuzz::small_limits());
  fuzz::render(uses, fuzz::conversation(std::string(reinterpret_cast<const char*>(data), size)));
  return 0;
}
