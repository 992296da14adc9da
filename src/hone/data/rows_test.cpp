#include "hone/data/rows.h"

#include "hone/base/files.h"
#include "hone/text/test_errors.h"

#include <gtest/gtest.h>

namespace hone::data {
namespace {

using text::error_of;
using text::says;

const text::Tokenizer& words() {
  static const text::Tokenizer kTokenizer = [] {
    const std::vector<std::string> list = {"a", "b", "c", "d", "e"};
    return text::Tokenizer::symbols(text::standard_specials(), list);
  }();
  return kTokenizer;
}

std::string refusal(std::string_view content) {
  return error_of([&] { parse_rows(content, "r.jsonl"); });
}

// The tokens of the first row as text, those with loss between brackets.
std::string shown(std::string_view content) {
  const Row row = parse_rows(content, "r.jsonl").front();
  const Example example = tokenize(row, words(), 100, TooLong::refuse);
  EXPECT_EQ(example.ids.size(), example.loss_mask.size());
  std::string text;
  for (std::size_t i = 0; i < example.ids.size(); ++i) {
    const std::string& token = words().token(example.ids[i]);
    text += example.loss_mask[i] != 0 ? "[" + token + "]" : token;
  }
  return text;
}

TEST(Rows, LossLiesOnWhatIsLearnt) {
  EXPECT_EQ(shown(R"({"text": "a b"})"), "<bos>[a][b][<end>]");
  EXPECT_EQ(shown(R"({"prompt": "a b", "completion": "c"})"), "<bos>ab[c][<end>]");
  EXPECT_EQ(shown(R"({"prompt": "a b", "answer": "c"})"), "<bos>ab[c][<end>]");
  EXPECT_EQ(shown(R"({"prompt": "a", "completion": ""})"), "<bos>a[<end>]");
}

TEST(Rows, ConversationsHaveRoleTokensAndLossOnTheAssistant) {
  EXPECT_EQ(shown(R"({"messages": [{"role": "system", "content": "e"}, {"role": "user", "content": "a"}, )"
                  R"({"role": "assistant", "content": "b c"}, {"role": "user", "content": "d"}, )"
                  R"({"role": "assistant", "content": ""}]})"),
            "<bos><system>e<end><user>a<end><assistant>[b][c][<end>]<user>d<end><assistant>[<end>]");
}

TEST(Rows, ConversationalPromptsCarryNoLoss) {
  const std::string prompt = R"("prompt": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}, )"
                             R"({"role": "user", "content": "c"}])";
  const std::string expected = "<bos><user>a<end><assistant>b<end><user>c<end><assistant>[d][<end>]";
  EXPECT_EQ(shown("{" + prompt + R"(, "completion": [{"role": "assistant", "content": "d"}]})"), expected);
  EXPECT_EQ(shown("{" + prompt + R"(, "answer": "d"})"), expected);
  const Row row = parse_rows("{" + prompt + R"(, "answer": "d"})", "r.jsonl").front();
  EXPECT_EQ(row.type, RowType::prompt_answer);
  EXPECT_EQ(row.prompt_messages, 3);
  EXPECT_EQ(row.messages.size(), 4u);
}

TEST(Rows, PromptAndCompletionAreEncodedApart) {
  const text::Tokenizer bytes = text::Tokenizer::bytes(text::standard_specials());
  Row row;
  row.type = RowType::prompt_completion;
  row.prompt = "1 ->";
  row.completion = " 2";
  EXPECT_EQ(bytes.decode_all(tokenize(row, bytes, 100, TooLong::refuse).ids), "<bos>1 -> 2<end>");
  tasks::Problem problem;
  problem.prompt = "1 ->";
  EXPECT_EQ(bytes.decode_all(prompt_ids(problem, bytes)), "<bos>1 ->");
}

TEST(Rows, RemembersTypeAndPlace) {
  const auto rows = parse_rows("{\"text\": \"a\"}\n\n{\"text\": \"b\", \"id\": 3}\r\n", "r.jsonl");
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[1].place, "r.jsonl:3");
  EXPECT_EQ(rows[1].type, RowType::text);
  EXPECT_EQ(rows[1].text, "b");
}

TEST(Rows, MixturesAndUnknownShapesAreRefused) {
  EXPECT_EQ(refusal("{\"text\": \"a\"}\n{\"prompt\": \"a\", \"completion\": \"b\"}"),
            "data: r.jsonl:2: a row of type prompt+completion (texts), but the file began with text at r.jsonl:1");
  EXPECT_TRUE(says(refusal("{\"prompt\": \"a\", \"answer\": \"b\"}\n"
                           "{\"prompt\": [{\"role\": \"user\", \"content\": \"a\"}], \"answer\": \"b\"}"),
                   "r.jsonl:2: a row of type prompt+answer (lists of messages), but"));
  EXPECT_EQ(refusal(R"({"prompt": "a", "chosen": "b", "rejected": "c"})"),
            "data: r.jsonl:1: keys \"prompt\", \"chosen\", \"rejected\" make no row to learn from; allowed: \"text\", "
            "\"messages\", \"prompt\" with \"completion\", \"prompt\" with \"answer\"");
  EXPECT_TRUE(says(refusal("{}"), "keys none make no row"));
  EXPECT_TRUE(says(refusal(R"({"text": null})"), "make no row"));
}

TEST(Rows, BadValuesAreDataErrorsWithAPlace) {
  EXPECT_TRUE(says(refusal(R"({"text": 3})"), "data: r.jsonl:1: \"text\" is 3"));
  EXPECT_TRUE(says(refusal(R"({"prompt": "a", "completion": ["b"]})"), "data: r.jsonl:1: \"completion\""));
  EXPECT_TRUE(says(refusal(R"({"prompt": [{"role": "user", "content": "a"}], "completion": "b"})"), "\"completion\""));
  EXPECT_TRUE(says(refusal(R"({"messages": [{"role": "robot", "content": "a"}]})"), "unknown role \"robot\""));
  EXPECT_EQ(refusal(R"({"messages": [{"role": "user", "content": "a"}]})"),
            "data: r.jsonl:1: holds no assistant's turn to learn from");
  EXPECT_TRUE(says(refusal("{\"text\": \"a\"}\n{\"text\": \"b\""), "data: r.jsonl:2:13: not valid JSON"));
  EXPECT_EQ(refusal("\n"), "data: r.jsonl: holds no row");
}

TEST(Rows, LongRowsAreRefusedOrCut) {
  Row row = parse_rows(R"({"prompt": "a b", "completion": "c d"})", "r.jsonl").front();
  EXPECT_EQ(tokenize(row, words(), 6, TooLong::refuse).ids.size(), 6u);
  EXPECT_EQ(error_of([&] { tokenize(row, words(), 5, TooLong::refuse); }), "data: r.jsonl:1: 6 tokens; at most 5 fit");
  const Example cut = tokenize(row, words(), 4, TooLong::truncate);
  EXPECT_EQ(words().decode_all(cut.ids), "<bos> a b c");
  EXPECT_EQ(cut.loss_mask, (std::vector<uint8_t>{0, 0, 0, 1}));
  EXPECT_TRUE(says(error_of([&] { tokenize(row, words(), 0, TooLong::truncate); }), "usage: "));
}

TEST(Rows, UnknownWordsNameTheRow) {
  const Row row = parse_rows(R"({"text": "a zebra"})", "r.jsonl").front();
  EXPECT_TRUE(says(error_of([&] { tokenize(row, words(), 9, TooLong::refuse); }),
                   "data: r.jsonl:1: word \"zebra\" is not in the vocabulary"));
}

TEST(Rows, FromAFile) {
  const auto path = std::filesystem::path(testing::TempDir()) / "hone_rows_test.jsonl";
  base::write_file_atomic(path, "{\"text\": \"a\"}\n");
  EXPECT_EQ(read_rows(path).front().place, path.string() + ":1");
  std::filesystem::remove(path);
}

TEST(Rows, AConversationInTheModelsOwnFormat) {
  const auto tokenizer = text::Tokenizer::bytes(text::standard_specials());
  const text::ChatTemplate chat(
      "{% for m in messages %}<{{ m.role }}>{{ m.content }}<end>{% endfor %}"
      "{% if add_generation_prompt %}<assistant>{% endif %}",
      "t", Json::object());
  const Row row =
      parse_rows(R"({"messages": [{"role": "user", "content": "a<end>"}, {"role": "assistant", "content": "bc"}]})",
                 "r.jsonl")
          .front();
  const Example example = tokenize(row, {tokenizer, &chat}, 99, TooLong::refuse);
  EXPECT_EQ(tokenizer.decode_all(example.ids), "<user>a<end><end><assistant>bc<end>");
  EXPECT_EQ(std::count(example.ids.begin(), example.ids.end(), tokenizer.end()), 2);  // the user's is text
  EXPECT_EQ(example.loss_mask, (std::vector<uint8_t>{0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1}));
  const text::ChatTemplate refusing("{{ raise_exception('no') }}", "t", Json::object());
  EXPECT_TRUE(says(error_of([&] {
                     tokenize(row, {tokenizer, &refusing}, 99, TooLong::refuse);
                   }),
                   "data: r.jsonl:1: t:1"));
  tasks::Problem problem;
  problem.messages = {{"user", "a"}};
  EXPECT_EQ(tokenizer.decode_all(prompt_ids(problem, {tokenizer, &chat})), "<user>a<end><assistant>");
}

TEST(PromptIds, OneTextIsWhatTheUserSaysWhereThereIsATemplate) {
  const auto tokenizer = text::Tokenizer::bytes(text::standard_specials());
  const text::ChatTemplate chat("{% for m in messages %}<{{ m.role }}>{{ m.content }}<end>{% endfor %}", "t",
                                Json::object());
  tasks::Problem problem;
  problem.prompt = "1 + 1 =";
  Encoder encoder(tokenizer, &chat);
  EXPECT_EQ(tokenizer.decode_all(prompt_ids(problem, encoder)), "<user>1 + 1 =<end>");
  encoder.prompts = Prompts::as_text;
  EXPECT_EQ(tokenizer.decode_all(prompt_ids(problem, encoder)), "<bos>1 + 1 =");
  EXPECT_EQ(prompts_of("chat"), Prompts::as_messages);
  EXPECT_EQ(prompts_of("text"), Prompts::as_text);
  EXPECT_TRUE(says(error_of([] { prompts_of("txt"); }), "usage: prompts: \"txt\""));
}

TEST(PromptIds, AVocabularyWithoutABeginningBeginsWithTheText) {
  const std::vector<std::string> specials = {"<|end|>"};
  const auto tokenizer = text::Tokenizer::bytes(specials).with_roles({.pad = "", .bos = "", .end = "<|end|>"});
  tasks::Problem problem;
  problem.prompt = "ab";
  EXPECT_EQ(tokenizer.decode_all(prompt_ids(problem, tokenizer)), "ab");
  const Example example = tokenize(parse_rows(R"({"text": "ab"})", "r.jsonl").front(), tokenizer, 9, TooLong::refuse);
  EXPECT_EQ(tokenizer.decode_all(example.ids), "ab<|end|>");
  EXPECT_EQ(example.loss_mask, (std::vector<uint8_t>{0, 1, 1}));  // nothing predicts the first token
}

TEST(PromptIds, AsksTheAssistantToSpeak) {
  tasks::Problem problem;
  problem.messages = {{"system", "e"}, {"user", "a b"}};
  EXPECT_EQ(words().decode_all(prompt_ids(problem, words())), "<bos> <system> e <end> <user> a b <end> <assistant>");
}

}  // namespace
}  // namespace hone::data
