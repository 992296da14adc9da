#include "cli/chat_report.h"

#include "cli/test_folder.h"
#include "hone/base/files.h"

#include <gtest/gtest.h>

namespace hone::cli {
namespace {

const Console kPlain(80, Tone::plain);

ChatReport report_of(const std::string& source) {
  const TestFolder folder;
  base::write_file_atomic(folder.path() / "chat_template.jinja", source);
  return report_chat(folder.path(), sample_conversation());
}

TEST(ChatReport, NoTemplate) {
  const TestFolder folder;
  const ChatReport report = report_chat(folder.path(), sample_conversation());
  EXPECT_TRUE(to_text(report, kPlain).starts_with("template    none"));
  EXPECT_TRUE(to_json(report).is_null());
}

TEST(ChatReport, KeptPrefixAndLoss) {
  const ChatReport report = report_of(
      "{% for m in messages %}<{{ m.role }}>\n{{ m.content }}<end>{% endfor %}{% if add_generation_prompt "
      "%}<assistant>\n"
      "{{ '' }}{% endif %}");
  EXPECT_EQ(report.problem, "");
  const std::string text = to_text(report, kPlain);
  EXPECT_NE(text.find("prefix      kept over turns"), std::string::npos) << text;
  EXPECT_NE(text.find("<user>⏎What is 2 + 2?<end><assistant>⏎[It is 4.<end>]<user>"), std::string::npos) << text;
  EXPECT_EQ(to_json(report)["loss"], Json::array({"It is 4.<end>", "It is 6.<end>"}));
  EXPECT_EQ(to_json(report)["keeps_prefix"], true);
}

TEST(ChatReport, PartingIsShown) {
  const ChatReport report =
      report_of("{% for m in messages %}{% if loop.last %}!{% endif %}{{ m.content }}{% endfor %}");
  ASSERT_TRUE(report.parting);
  EXPECT_EQ(to_json(report)["keeps_prefix"], false);
  EXPECT_NE(to_text(report, kPlain).find("not kept: message 2 changes"), std::string::npos);
}

TEST(ChatReport, RefusalIsShown) {
  const ChatReport report = report_of("{{ raise_exception('only systems') }}");
  EXPECT_NE(to_text(report, kPlain).find("only systems"), std::string::npos);
  EXPECT_TRUE(to_json(report)["keeps_prefix"].is_null());
}

}  // namespace
}  // namespace hone::cli
