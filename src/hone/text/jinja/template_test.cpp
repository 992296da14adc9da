#include "hone/text/jinja/template.h"

#include "hone/base/files.h"
#include "hone/text/test_errors.h"
#include "hone/text/utf8.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

namespace hone::text::jinja {
namespace {

namespace fs = std::filesystem;

// src/hone/text/jinja/template_test.cpp → tests/golden/templates
Json golden(const std::string& name) {
  fs::path root = fs::absolute(__FILE__);
  for (int up = 0; up < 5; ++up) root = root.parent_path();
  const fs::path file = root / "tests" / "golden" / "templates" / name;
  return base::parse_json(base::read_file(file), file.string());
}

// Per character of the text: whether it stands in {% generation %}.
std::vector<bool> generated(const MarkedText& text) {
  std::vector<bool> characters;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if ((static_cast<unsigned char>(text.bytes[at]) & 0xC0) != 0x80) {
      characters.push_back((text.mark(at) & kGenerated) != 0);
    }
  }
  return characters;
}

void expect_golden(const Json& expected, const std::string& source, const Json& variables, int64_t now) {
  try {
    const MarkedText text = Template(source, "golden").render(variables, now);
    ASSERT_FALSE(expected.contains("error")) << "printed " << quote(text.bytes) << " instead of " << expected["error"];
    EXPECT_EQ(text.bytes, expected["output"].get<std::string>());
    std::vector<bool> spans(generated(text).size(), false);
    for (const Json& span : expected["generation"]) {
      for (std::size_t i = span[0].get<std::size_t>(); i < span[1].get<std::size_t>(); ++i) spans[i] = true;
    }
    EXPECT_EQ(generated(text), spans);
  } catch (const Error& error) {
    EXPECT_TRUE(expected.contains("error")) << error.what();
    EXPECT_TRUE(std::string(error.what()).starts_with("golden:")) << error.what();
    const std::string theirs = expected.contains("error") ? expected["error"].get<std::string>() : "";
    if (theirs.starts_with("TemplateError: ")) {  // raise_exception: the message is the template's
      EXPECT_TRUE(says(error.what(), theirs.substr(15)));
      EXPECT_EQ(error.kind(), ErrorKind::data);
    }
  }
}

TEST(Template, ConstructsPrintWhatJinjaPrints) {
  const Json file = golden("constructs.json");
  ASSERT_GE(file["cases"].size(), 200u);
  Json variables = file["variables"];
  for (const Json& one : file["cases"]) {
    SCOPED_TRACE(one["name"].get<std::string>() + ": " + one["template"].get<std::string>());
    expect_golden(one, one["template"], variables, file["now"].get<int64_t>());
  }
}

TEST(Template, PublishedFormatsComeOutAsInTransformers) {
  const Json file = golden("formats.json");
  for (const Json& format : file["formats"]) {
    for (const Json& run : format["runs"]) {
      SCOPED_TRACE(format["name"].get<std::string>() + ", " + run["name"].get<std::string>());
      expect_golden(run, format["template"], run["variables"], file["now"].get<int64_t>());
    }
  }
}

Json chat(std::string content) {
  return {{"messages", Json::array({{{"role", "user"}, {"content", std::move(content)}}})}, {"bos_token", "<s>"}};
}

std::string render(std::string_view source, const Json& variables = Json::object(), const Limits& limits = {}) {
  return Template(source, "t", limits).render(variables).bytes;
}

// What the marks of a text say, one letter a byte: "." trusted, "u" user, "g" generated, "b" both.
std::string letters(const MarkedText& text) {
  std::string all;
  for (std::size_t at = 0; at < text.size(); ++at) all += ".ugb"[text.mark(at)];
  return all;
}

TEST(Template, UserTextStaysMarkedWhateverTheTemplateDoes) {
  const auto marks = [](std::string_view source) { return letters(Template(source, "t").render(chat(" aB\n"))); };
  EXPECT_EQ(marks("x{{ messages[0].content }}y"), ".uuuu.");
  EXPECT_EQ(marks("{{ bos_token + messages[0]['content'] | trim }}"), "...uu");
  EXPECT_EQ(marks("{{ '<' ~ messages[0].content.strip() | upper ~ '>' }}"), ".uu.");
  EXPECT_EQ(marks("{% set t = messages[0].content | replace('a', 'xx') %}{{ t }}"), "u..uu");
  EXPECT_EQ(marks("{{ messages[0].content | tojson }}"), ".uuuuu.");
  EXPECT_EQ(marks("{% macro m(x) %}-{{ x }}{% endmacro %}{{ m(messages[0].content)[:3] }}"), ".uu");
  EXPECT_EQ(marks("{% generation %}a{{ messages[0].role }}{% endgeneration %}b"), "ggggg.");
  EXPECT_EQ(marks("{{ messages[0].content.split('a') | join('|') }}"), "u.uu");
  EXPECT_EQ(marks("{{ '%s|%s' % ('a', messages[0].role) }}"), "......");
  EXPECT_EQ(letters(Template("{{ m[0].role }}{{ m[1].role }}", "t")
                        .render(base::parse_json(R"({"m": [{"role": "tool"}, {"role": "end"}]})", "test"))),
            "....uuu");
}

TEST(Template, ErrorsNameLineAndColumn) {
  EXPECT_EQ(error_of([] { render("a\n{{ b.c }}"); }), "format: t:2:5: 'b' is undefined");
  EXPECT_EQ(error_of([] { render("{% if x %}\n {{ 1 + }}"); }), "format: t:2:9: expected an expression, found }}");
  EXPECT_EQ(error_of([] { render("\n\n  {{ 'a' | trimm }}"); }),
            "format: t:3:12: there is no filter \"trimm\"; did you mean \"trim\"?");
  EXPECT_EQ(error_of([] { render("{% include 'a' %}"); }).substr(0, 58),
            "format: t:1:4: the statement 'include' is not supported; c");
  EXPECT_TRUE(says(error_of([] { render("{{ raise_exception('no tools') }}"); }), "data: t:1:19: the chat template"));
}

TEST(Template, HostileTemplatesEndInABoundedError) {
  const auto fails = [](std::string_view source, std::string_view part) {
    EXPECT_TRUE(says(error_of([&] { render(source); }), part)) << source;
  };
  fails("{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}", "more than 1000000 steps");
  fails("{{ range(1000000000) }}", "a range of more than 100000 elements");
  fails("{{ 'aaaaaaaaaa' * 1000000000 }}", "a text of more than");
  fails("{{ 'a' * 9223372036854775807 }}", "a text of more than");
  fails("{{ [0] * 9223372036854775807 }}", "needs more than");
  fails("{{ ([] * 9223372036854775807) ~ (9223372036854775807 + 1) }}", "beyond 64 bits");
  fails("{% set n = namespace(t='aaaaaaaa') %}{% for i in range(99) %}{% set n.t = n.t + n.t %}{% endfor %}",
        "a text of more than");
  fails("{% set n = namespace(t=['aaaaaaaa']) %}{% for i in range(99) %}{% set n.t = n.t + n.t %}{% endfor %}", "t:1:");
  fails("{% set n = namespace(t=[]) %}{% for i in range(9999) %}{% set n.t = [n.t] %}{% endfor %}", "nested deeper");
  fails("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "nested deeper than 300 levels");
  fails("{% set a = 'a' * 100000 %}{% for i in range(99999) %}{{ a }}{% endfor %}", "of output");
  fails("{{ 'a' | indent('b' * 10000000) | replace('', 'c' * 10000000) }}", "more than 1000000 steps");
  fails("{{ 10 ** 1000 }}", "beyond 64 bits");
  fails("{{ -9223372036854775807 - 2 }}", "beyond 64 bits");
  fails("{{ (-9223372036854775807 - 1) // -1 }}", "beyond 64 bits");
  const std::string deep(5000, '[');
  fails("{{ " + deep, "brackets nested deeper than 64 levels");
  std::string blocks, sum = "{{ 1", dots = "{{ a", negations = "{{ ";
  for (int i = 0; i < 5000; ++i) {
    blocks += "{% if 1 %}";
    sum += "+1";
    dots += ".b";
    negations += "not ";
  }
  fails(blocks, "nested deeper than");
  fails(dots + " }}", "more than 64 steps in one chain");
  fails(negations + "1 }}", "nested deeper than");
  EXPECT_EQ(render(sum + " }}"), "5001");
  fails(std::string(70000, 'a'), "a template of 70000 bytes; at most 65536 are read");
  fails("\xFF", "not valid UTF-8");
}

TEST(Template, ValuesThatHoldOneAnotherAreFreed) {
  EXPECT_EQ(render("{% set n = namespace() %}{% set n.n = n %}{% set n.l = [n] %}{{ n.n.l[0].l | length }}"), "1");
  EXPECT_EQ(render("{% set n = namespace() %}{% for i in range(3000) %}{% set m = namespace(next=n.last) %}"
                   "{% set n.last = m %}{% endfor %}x"),
            "x");
  EXPECT_EQ(
      render("{% set n = namespace(f=none) %}{% for i in range(3000) %}{% set old = n.f %}{% macro m() %}{{ old }}"
             "{% endmacro %}{% set n.f = m %}{% endfor %}x"),
      "x");
}

TEST(Template, LimitsCanBeSet) {
  Limits limits;
  limits.steps = 50;
  EXPECT_TRUE(says(error_of([&] { render("{% for i in range(60) %}{% endfor %}", Json::object(), limits); }),
                   "more than 50 steps"));
}

}  // namespace
}  // namespace hone::text::jinja
