#include "cli/use/studio.h"

#include "cli/test_folder.h"
#include "hone/base/error.h"

#include <gtest/gtest.h>

namespace hone::cli {
namespace {

constexpr const char* kTurns =
    "{{ bos_token }}{% for m in messages %}<{{ m.role }}>{{ m.content }}<end>{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}";

// A byte-level model in a folder, with the special tokens given.
class StudioTest : public testing::Test {
 protected:
  void save(const std::vector<std::string>& specials, const text::Tokenizer::Roles& roles) {
    const auto tokenizer = text::Tokenizer::bytes(specials).with_roles(roles);
    const models::ModelOptions size{.width = 16, .layers = 1, .heads = 2, .context = 32};
    models::save(folder.path() / "m", models::fresh(models::config_of(size, tokenizer.size()), Rng(1)), tokenizer);
  }
  void save_own() {
    const auto specials = text::standard_specials();
    save({specials.begin(), specials.end()}, {});
  }
  WritePlan plan() const {
    WritePlan plan;
    plan.model = folder.path() / "m";
    return plan;
  }

  TestFolder folder;
  std::atomic<bool> interrupted{false};
};

TEST_F(StudioTest, AFolderWithoutATemplate) {
  save_own();
  const Studio raw(plan(), Form::automatic), chat(plan(), Form::chat);
  EXPECT_EQ(raw.manner.form, Form::raw);
  EXPECT_EQ(raw.stops, (std::vector<int32_t>{raw.model.tokenizer.end()}));
  EXPECT_EQ(raw.model.tokenizer.decode_all(raw.prompt_ids(raw.problem_of("a"))), "<bos>a");
  EXPECT_EQ(chat.manner.form, Form::chat);
  EXPECT_EQ(chat.model.tokenizer.decode_all(chat.prompt_ids(chat.problem_of("a"))), "<bos><user>a<end><assistant>");
}

TEST_F(StudioTest, AFolderWithATemplate) {
  save_own();
  folder.file("m/chat_template.jinja", kTurns);
  folder.file("m/tokenizer_config.json", R"({"bos_token": "<bos>", "eos_token": "<retry>"})");
  const Studio chat(plan(), Form::automatic), raw(plan(), Form::raw);
  const text::Tokenizer& tokenizer = chat.model.tokenizer;
  EXPECT_EQ(tokenizer.decode_all(chat.prompt_ids(chat.problem_of("a"))), "<bos><user>a<end><assistant>");
  // The folder's ends (by name, and by its configs' ids), and what the template writes after an answer.
  EXPECT_EQ(chat.stops, (std::vector<int32_t>{tokenizer.id("<retry>"), tokenizer.id("<end>")}));
  EXPECT_EQ(tokenizer.decode_all(raw.prompt_ids(raw.problem_of("a"))), "<bos>a");
}

TEST_F(StudioTest, NoTurnsAtAll) {
  save({"<|end|>"}, {.pad = "<|end|>", .bos = "<|end|>", .end = "<|end|>"});
  EXPECT_EQ(Studio(plan(), Form::automatic).manner.form, Form::raw);
  try {
    Studio(plan(), Form::chat);
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    EXPECT_NE(error.remedy().find("--raw"), std::string::npos);
  }
}

TEST_F(StudioTest, RoomInTheContext) {
  save_own();
  const Studio studio(plan(), Form::raw);
  const text::Ids ids = studio.prompt_ids(studio.problem_of(std::string(29, 'a')));  // 30 with <bos>, of 32
  EXPECT_EQ(studio.room_after(ids, 1), 1);
  EXPECT_EQ(studio.room_after(ids, 256), 2);
  EXPECT_THROW(studio.prompt_ids(studio.problem_of(std::string(31, 'a'))), Error);
}

TEST_F(StudioTest, SpeaksInPiecesAndStopsWhenInterrupted) {
  save_own();
  Studio studio(plan(), Form::raw);
  generate::Writer writer(studio.model.decoder, studio.pool, studio.model.tokenizer);
  const text::Ids context = studio.prompt_ids(studio.problem_of("abc"));
  const generate::WriteJob job{context, {{}, {}, 20}, {.choice = generate::Choice::greedy}, Rng(1)};
  std::string heard;
  int pieces = 0;
  const auto listen = [&](const std::string& piece) {
    heard += piece;
    ++pieces;
  };
  const Spoken spoken = speak(studio, writer, job, listen, interrupted);
  EXPECT_EQ(spoken.text, heard);
  EXPECT_EQ(spoken.tokens, 20);
  EXPECT_STREQ(name_of(spoken.finish), "length");
  const generate::Completion whole = writer.write(job, [](int32_t) { return generate::Flow::go_on; });
  EXPECT_EQ(studio.model.tokenizer.decode(whole.ids), heard);
  interrupted = true;
  const Spoken cut = speak(studio, writer, job, listen, interrupted);
  EXPECT_EQ(cut.tokens, 1);
  EXPECT_STREQ(name_of(cut.finish), "interrupted");
}

}  // namespace
}  // namespace hone::cli
