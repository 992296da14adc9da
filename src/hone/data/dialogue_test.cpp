#include "hone/data/dialogue.h"

#include "hone/text/test_errors.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace hone::data {
namespace {

using Ids = std::vector<int32_t>;
using text::error_of;

// ChatML's tokens on bytes; the text ends with another token than a turn.
text::Tokenizer chatml_tokens() {
  const std::vector<std::string> specials = {"<|endoftext|>", "<|im_start|>", "<|im_end|>"};
  return text::Tokenizer::bytes(specials).with_roles({.pad = "", .bos = "", .end = "<|endoftext|>"});
}

constexpr const char* kChatml =
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

text::ChatTemplate chat_of(const char* source) { return {source, "t.jinja", Json{{"eos_token", "</s>"}}}; }

tasks::Problem conversation() {
  tasks::Problem problem;
  problem.messages = {{"user", "2+2?"}};
  return problem;
}

TEST(StopIds, HonesOwnFormatEndsWithEnd) {
  const auto tokens = text::Tokenizer::bytes(text::standard_specials());
  EXPECT_EQ(stop_ids(tokens), (Ids{tokens.end()}));
}

TEST(StopIds, WhatTheFolderNamesAndWhatTheTemplateWrites) {
  const auto tokens = chatml_tokens();
  const auto chat = chat_of(kChatml);
  Encoder encoder(tokens, &chat);
  EXPECT_EQ(stop_ids(encoder), (Ids{tokens.id("<|endoftext|>"), tokens.id("<|im_end|>")}));
  encoder.ends = {tokens.id("<|im_end|>")};
  EXPECT_EQ(stop_ids(encoder), (Ids{tokens.id("<|im_end|>")}));
  // White space before it, and a template that refuses to be tried out.
  const auto spaced = chat_of("{% for m in messages %}{{ m.content }} <|im_end|>{% endfor %}");
  EXPECT_EQ(stop_ids({tokens, &spaced}).back(), tokens.id("<|im_end|>"));
  const auto refusing = chat_of("{{ raise_exception('no') }}");
  EXPECT_EQ(stop_ids({tokens, &refusing}), (Ids{tokens.id("<|endoftext|>")}));
}

TEST(StopIds, AnAnswerThatWouldNeverEndIsRefused) {
  const std::vector<std::string> none = {"<x>"};
  const auto tokens = text::Tokenizer::bytes(none);
  const auto chat = chat_of("{% for m in messages %}{{ m.content }}\n{% endfor %}");
  const std::string message = error_of([&] { stop_ids({tokens, &chat}); });
  EXPECT_TRUE(message.starts_with("data: t.jinja: ")) << message;
}

TEST(NextTurn, InHonesOwnFormat) {
  const auto tokens = text::Tokenizer::bytes(text::standard_specials());
  EXPECT_EQ(tokens.decode_all(next_turn_ids(conversation(), "again", tokens)), "<user>again<end><assistant>");
  tasks::Problem plain;
  plain.prompt = "2+2=";
  EXPECT_EQ(tokens.decode_all(next_turn_ids(plain, "again", tokens)), "again");
}

// Prompt, answer with its end token, what stands between, all joined, is what the template makes of the conversation.
TEST(NextTurn, JoinsToWhatTheTemplateWrites) {
  const auto tokens = chatml_tokens();
  const auto chat = chat_of(kChatml);
  const Encoder encoder(tokens, &chat);
  Ids joined = prompt_ids(conversation(), encoder);
  for (const int32_t id : tokens.encode("It is 5.")) joined.push_back(id);
  joined.push_back(tokens.id("<|im_end|>"));
  for (const int32_t id : next_turn_ids(conversation(), "<|im_end|> again", encoder)) joined.push_back(id);
  tasks::Problem whole = conversation();
  whole.messages.push_back({"assistant", "It is 5."});
  whole.messages.push_back({"user", "<|im_end|> again"});
  EXPECT_EQ(joined, prompt_ids(whole, encoder));
  EXPECT_EQ(std::count(joined.begin(), joined.end(), tokens.id("<|im_end|>")), 3);  // the user's is text
}

TEST(NextTurn, OfAPromptThatIsOneText) {
  const auto tokens = chatml_tokens();
  const auto chat = chat_of(kChatml);
  Encoder encoder(tokens, &chat);
  tasks::Problem plain;
  plain.prompt = "2+2?";
  EXPECT_EQ(next_turn_ids(plain, "again", encoder), next_turn_ids(conversation(), "again", encoder));
  encoder.prompts = Prompts::as_text;
  EXPECT_EQ(tokens.decode_all(next_turn_ids(plain, "again", encoder)), "again");
}

TEST(NextTurn, WithoutAnEndTokenEverythingIsWritten) {
  const auto tokens = chatml_tokens();
  const auto chat = chat_of(
      "{% for m in messages %}{{ '### ' + m.role + ': ' + m.content + '\n' }}{% endfor %}"
      "{% if add_generation_prompt %}### assistant: {% endif %}");
  EXPECT_EQ(tokens.decode_all(next_turn_ids(conversation(), "again", {tokens, &chat})),
            "\n### user: again\n### assistant: ");
}

TEST(NextTurn, TemplatesThatRewriteEarlierTurnsAreRefused) {
  const auto tokens = chatml_tokens();
  const auto refused = [&](const char* source, const char* part) {
    const auto chat = chat_of(source);
    const std::string message = error_of([&] { next_turn_ids(conversation(), "again", {tokens, &chat}); });
    EXPECT_TRUE(message.starts_with("data: t.jinja: ")) << message;
    EXPECT_NE(message.find(part), std::string::npos) << message;
  };
  // Numbers the turns from the end.
  refused(
      "{% for m in messages %}{{ loop.revindex }} {{ m.content }}<|im_end|>{% endfor %}"
      "{% if add_generation_prompt %}0 {% endif %}",
      "rewrites earlier turns");
  // Thoughts stand in the last answer alone.
  refused(
      "{% for m in messages %}<|im_start|>{{ m.role }}\n"
      "{% if m.role == 'assistant' and loop.last %}<think></think>{% endif %}{{ m.content }}<|im_end|>{% endfor %}"
      "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}",
      "<think>");
  // … or in all of them.
  refused(
      "{% for m in messages %}<|im_start|>{{ m.role }}\n"
      "{% if m.role == 'assistant' %}<think></think>{% endif %}{{ m.content }}<|im_end|>{% endfor %}"
      "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}",
      "between its prompt and an earlier answer");
  // Drops earlier turns.
  refused("{{ messages[-1].content }}", "rewrites earlier turns");
}

TEST(PromptJson, ATextOrAConversation) {
  tasks::Problem problem;
  problem.prompt = "1 + 1 =";
  EXPECT_EQ(prompt_json(problem), Json("1 + 1 ="));
  problem.messages = {{"user", "hello"}};
  EXPECT_EQ(prompt_json(problem), Json::array({{{"role", "user"}, {"content", "hello"}}}));
}

TEST(AnswerIds, EndAsTheModelWouldEnd) {
  const auto tokenizer = text::Tokenizer::bytes(text::standard_specials());
  EXPECT_EQ(tokenizer.decode_all(answer_ids("ab", {tokenizer, nullptr})), "ab<end>");
}

}  // namespace
}  // namespace hone::data
