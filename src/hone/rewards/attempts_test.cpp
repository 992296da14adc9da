#include "hone/rewards/attempts.h"

#include "hone/base/error.h"
#include "hone/data/countdown_records.h"
#include "hone/tasks/countdown.h"
#include "hone/tasks/verifiers.h"

#include <gtest/gtest.h>

namespace hone::rewards {
namespace {

using text::Finish;
using text::Ids;

const tasks::CountdownWorld& world() { return tasks::countdown_world("cd3-smoke"); }
text::Tokenizer symbols() { return data::countdown_tokenizer(world()); }
text::Tokenizer bytes() { return text::Tokenizer::bytes(text::standard_specials()); }

tasks::Problem puzzle() { return tasks::make_problem(world(), {2, 3, 4}, 20); }  // (2 + 3) * 4

tasks::Problem conversation() {
  tasks::Problem p;
  p.messages = {{"user", "2+2?"}};
  p.answer = "4";
  return p;
}

TEST(MakeRequests, OfAPlainProblem) {
  const auto t = symbols();
  const auto requests = make_requests({puzzle(), puzzle()}, t, {.turns = 2, .max_tokens = 9}, 5);
  ASSERT_EQ(requests.size(), 2u);
  for (std::size_t i = 0; i < 2; ++i) {
    const auto& r = requests[i];
    EXPECT_EQ(t.decode_all(r.prompt), "<bos> 2 3 4 -> 20 :");
    EXPECT_EQ(r.samples, 5);
    EXPECT_EQ(r.key, i);  // two askings of one problem are told apart
    ASSERT_EQ(r.turns.size(), 2u);
    EXPECT_TRUE(r.turns[0].forced.empty());
    EXPECT_EQ(r.turns[1].forced, (Ids{t.id("<retry>")}));
    for (const auto& turn : r.turns) {
      EXPECT_EQ(turn.stop.ids, (Ids{t.end()}));
      EXPECT_TRUE(turn.stop.strings.empty());
      EXPECT_EQ(turn.stop.max_tokens, 9);
    }
  }
  EXPECT_EQ(make_requests({puzzle()}, t, {.turns = 1}, 1)[0].turns.size(), 1u);
  EXPECT_TRUE(make_requests({}, t, {}, 1).empty());
}

TEST(MakeRequests, OfAConversation) {
  const auto t = bytes();
  const auto r = make_requests({conversation()}, t, {}, 1)[0];
  EXPECT_EQ(t.decode_all(r.prompt), "<bos><user>2+2?<end><assistant>");
  // The first attempt ends with <end>, so that the user's turn follows at once.
  EXPECT_EQ(t.decode_all(r.turns[1].forced),
            "<user>There might be an error in the solution above because of lack of understanding of the question. "
            "Please correct the error, if any, and rewrite the solution.<end><assistant>");
}

TEST(MakeRequests, AnInstructionOfTheUsersOwn) {
  const auto t = bytes();
  const Dialogue again{.instruction = "again"};
  const auto forced = make_requests({conversation()}, t, again, 1)[0].turns[1].forced;
  EXPECT_EQ(t.decode_all(forced), "<user>again<end><assistant>");
  tasks::Problem plain;
  plain.prompt = "2+2=";
  EXPECT_EQ(t.decode_all(make_requests({plain}, t, again, 1)[0].turns[1].forced), "again");
}

constexpr const char* kTurns =
    "{{ bos_token }}{% for m in messages %}<{{ m.role }}>{{ m.content }}<end>{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}";

TEST(MakeRequests, ByTheModelsChatTemplate) {
  const auto t = bytes();
  const text::ChatTemplate chat(kTurns, "t.jinja", Json{{"bos_token", "<bos>"}});
  data::Encoder encoder(t, &chat);
  encoder.ends = {t.id("<retry>")};  // as generation_config.json might have it
  const auto r = make_requests({conversation()}, encoder, {.max_tokens = 9}, 3)[0];
  EXPECT_EQ(t.decode_all(r.prompt), "<bos><user>2+2?<end><assistant>");
  for (const auto& turn : r.turns) {
    EXPECT_EQ(turn.stop.ids, (Ids{t.id("<retry>"), t.end()}));  // the folder's, and what the template writes
    EXPECT_EQ(turn.stop.max_tokens, 9);
  }
  // This template writes what hone's own format does, so that the second turn is asked for alike.
  EXPECT_EQ(r.turns[1].forced, make_requests({conversation()}, t, {}, 1)[0].turns[1].forced);
  tasks::Problem plain;
  plain.prompt = "2+2?";
  EXPECT_EQ(make_requests({plain}, encoder, {}, 1)[0].prompt, r.prompt);
  const auto text = make_requests({plain}, encoder, {.prompts = data::Prompts::as_text}, 1)[0];
  EXPECT_EQ(t.decode_all(text.prompt), "<bos>2+2?");
  EXPECT_EQ(text.turns[1].forced, (Ids{t.id("<retry>")}));
}

TEST(MakeRequests, ATemplateThatRewritesTurnsServesOneAttemptOnly) {
  const auto t = bytes();
  const text::ChatTemplate chat("{% for m in messages %}{{ loop.revindex }}{{ m.content }}<end>{% endfor %}", "t.jinja",
                                Json::object());
  const data::Encoder encoder(t, &chat);
  EXPECT_EQ(t.decode_all(make_requests({conversation()}, encoder, {.turns = 1}, 1)[0].prompt), "12+2?<end>");
  try {
    make_requests({conversation()}, encoder, {.turns = 2}, 1);
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::data);
    EXPECT_NE(std::string(error.what()).find("t.jinja: the template rewrites earlier turns"), std::string::npos)
        << error.what();
    EXPECT_NE(error.remedy().find("hone check --model"), std::string::npos) << error.remedy();
  }
}

generate::Completion said(const text::Tokenizer& t, const std::string& text, Finish finish = Finish::stop) {
  generate::Completion c{.ids = t.encode(text), .finish = finish};
  if (finish == Finish::stop) c.ids.push_back(t.end());
  c.logprobs.resize(c.ids.size());
  return c;
}

TEST(Judge, WeighsEveryAttemptAlone) {
  const auto t = symbols();
  base::Pool pool(1);
  const std::string right = "3 + 2 = 5 ; 5 * 4 = 20", wrong = "4 + 3 = 7 ; 7 + 2 = 9";
  const std::vector<generate::Rollout> rollouts = {
      {0, 0, {said(t, wrong), said(t, "wrong : " + right)}},
      {0, 1, {said(t, right), said(t, right, Finish::length)}},
      {1, 0, {said(t, right)}},
  };
  auto other = puzzle();
  other.target = 9;
  const auto attempts = judge(rollouts, {puzzle(), other}, tasks::make_verifier("countdown"), t, pool);
  ASSERT_EQ(attempts.size(), 3u);
  EXPECT_EQ(attempts[0][0].text, wrong);
  EXPECT_EQ(attempts[0][0].verdict.reward, 0);
  EXPECT_FALSE(attempts[0][0].verdict.reason.empty());
  EXPECT_EQ(attempts[0][1].verdict.reward, 1);
  EXPECT_EQ(attempts[0][1].verdict.reason, "");
  EXPECT_EQ(attempts[1][0].verdict.reward, 1);
  // Cut by the limit: nobody knows whether the model would have stopped there.
  EXPECT_EQ(attempts[1][1].text, right);
  EXPECT_EQ(attempts[1][1].verdict.reward, 0);
  EXPECT_EQ(attempts[1][1].verdict.reason, "cut at the length limit");
  ASSERT_EQ(attempts[2].size(), 1u);
  EXPECT_EQ(attempts[2][0].verdict.reward, 0);  // judged against its own request's problem
}

TEST(Judge, InParallelIsTheSame) {
  const auto t = symbols();
  const auto problems = tasks::draw_problems(world(), tasks::Split::train, 60, Rng(1));
  std::vector<generate::Rollout> rollouts;
  for (std::size_t i = 0; i < 600; ++i) {
    Rng rng = Rng(2).fork("attempt", {i});
    const auto& numbers = problems[i % 60].numbers;
    const auto attempt = [&](const char* name) {
      return said(t, write_derivation(random_derivation(world(), numbers, rng.fork(name)), tasks::Notation::visible));
    };
    const auto index = static_cast<int64_t>(i);
    rollouts.push_back({index % 60, index / 60, {attempt("first"), attempt("second")}});
  }
  const auto verifier = tasks::make_verifier("countdown");
  base::Pool one(1), three(3);
  const auto serial = judge(rollouts, problems, verifier, t, one);
  const auto parallel = judge(rollouts, problems, verifier, t, three);
  double right = 0;
  for (std::size_t i = 0; i < rollouts.size(); ++i) {
    for (std::size_t turn = 0; turn < 2; ++turn) {
      const auto &a = serial[i][turn], &b = parallel[i][turn];
      EXPECT_EQ(a.text, b.text);
      EXPECT_EQ(a.verdict.reward, b.verdict.reward);
      EXPECT_EQ(a.verdict.reason, b.verdict.reason);
      const auto alone = verifier(problems[i % 60], a.text);
      EXPECT_EQ(a.verdict.reward, alone.reward);
      right += alone.reward;
    }
  }
  EXPECT_GT(right, 0);
  EXPECT_LT(right, 1200);
}

}  // namespace
}  // namespace hone::rewards
