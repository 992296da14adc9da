// DNO: iterated preference learning against the previous iterate (Rosset et al., arXiv:2404.03715).
//
// How this differs from the paper: (1) the student is a small decoder trained on Countdown searches, the teacher a
// depth-first search, the judge a program; or a model folder, a file and a judge of yours; (2) equal texts make no
// pair; (3) the last round's model is the result, not the best on validation, and the mixture of all rounds is measured
// too.
#include "hone/base/error.h"
#include "hone/base/files.h"
#include "hone/data/search_records.h"
#include "hone/evaluate/summary.h"
#include "hone/evaluate/summary_file.h"
#include "hone/rewards/judge_cache.h"
#include "hone/train/base_model.h"
#include "hone/train/fit.h"
#include "hone/train/pairs.h"
#include "hone/train/policy.h"
#include "recipes/dno/game.h"
#include "recipes/dno/rounds.h"

#include <fmt/format.h>

#include <cmath>

namespace hone::recipes::dno {
namespace {

using Values = std::map<std::string, std::vector<double>>;  // one number per held-out prompt
using Texts = std::vector<std::string>;

constexpr const char* kCommon[] = {"win", "solved", "length"};

// Greedy completions of `problems`, by models[i mod n] drawn per prompt when there are several: a mixture as it is
// served.
Texts answers(const Lab& lab, const std::vector<const models::Model*>& models,
              const std::vector<tasks::Problem>& problems) {
  std::vector<std::vector<std::size_t>> asked(models.size());
  for (std::size_t i = 0; i < problems.size(); ++i)
    asked[lab.env.rng.fork("mixture", {i}).below(models.size())].push_back(i);
  Texts out(problems.size());
  for (std::size_t m = 0; m < models.size(); ++m) {
    std::vector<tasks::Problem> mine;
    for (const std::size_t i : asked[m]) mine.push_back(problems[i]);
    const auto& model = *models[m];
    const generate::Engine engine(model.decoder, lab.env.pool, &model.tokenizer);
    const auto requests =
        rewards::make_requests(mine, rewards::encoder_of(model), {1, "auto", lab.options.max_tokens}, 1);
    for (const auto& rollout : engine.roll(requests, {.choice = generate::Choice::greedy}, lab.env.rng))
      out[asked[m][static_cast<std::size_t>(rollout.request)]] = model.tokenizer.decode(rollout.turns[0].ids);
  }
  return out;
}

// Wins against the teacher under the fair oracle (a tie is half a win), solved or not, words.
Values values_of(const Lab& lab, const Texts& texts) {
  std::vector<rewards::Question> questions;
  for (std::size_t i = 0; i < texts.size(); ++i)
    questions.push_back({lab.world.held_out[i], {texts[i], lab.world.teacher(lab.world.held_out[i])}});
  const auto judgements = rewards::judge_all(lab.world.fair, questions);
  Values values;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const auto& s = judgements[i].scores;
    values["win"].push_back(s.empty() ? judgements[i].wins[0][1] : s[0] > s[1] ? 1 : s[0] == s[1] ? 0.5 : 0);
    values["solved"].push_back(lab.world.solved ? lab.world.solved(lab.world.held_out[i], texts[i]).reward : 0);
    values["length"].push_back(static_cast<double>(std::count(texts[i].begin(), texts[i].end(), ' ') + 1));
  }
  return values;
}

// Win rate among the prompts on which both are about equally long: length counts for nothing there.
double win_at_equal_length(const Lab& lab, const Values& values) {
  constexpr double kAbout = 0.1;
  double wins = 0, count = 0;
  for (std::size_t i = 0; i < values.at("win").size(); ++i) {
    const std::string gold = lab.world.teacher(lab.world.held_out[i]);
    const auto words = static_cast<double>(std::count(gold.begin(), gold.end(), ' ') + 1);
    if (std::abs(values.at("length")[i] - words) > kAbout * words) continue;
    wins += values.at("win")[i];
    ++count;
  }
  return count > 0 ? wins / count : std::nan("");
}

// What the iterations of an arm leave.
struct Trained {
  std::vector<models::Model> iterates;
  std::vector<train::LoopRows> kept;
  std::vector<Values> values;
};

// Student-over-teacher less teacher-over-student pairs of the round's first prompts, as many as are held out.
std::vector<double> net_pairs(const Lab& lab, const Arm& arm, int64_t round, const train::LoopRows& kept) {
  std::map<std::string, double> net;
  for (const Json& row : kept)
    net[row.at("problem").get<std::string>()] += row.at("kind") == "student_over_teacher"   ? 1
                                                 : row.at("kind") == "teacher_over_student" ? -1
                                                                                            : 0;
  std::vector<double> out;
  for (const auto& problem : prompts_of(lab, arm, round))
    if (out.size() < lab.world.held_out.size()) out.push_back(net[problem.id]);
  out.resize(lab.world.held_out.size());
  return out;
}

void log_round(const Lab& lab, const Arm& arm, int64_t round, const train::LoopRows& kept, const Values& values) {
  std::map<std::string, double> kinds = {
      {"teacher_over_student", 0}, {"student_over_teacher", 0}, {"student_over_student", 0}};
  for (const Json& row : kept) ++kinds[row.at("kind").get<std::string>()];
  report::Metrics metrics = {{"pairs", static_cast<double>(kept.size())}};
  for (const auto& [kind, count] : kinds) metrics.emplace_back(kind, count);
  for (const char* name : kCommon) metrics.emplace_back(name, evaluate::mean(values.at(name)));
  metrics.emplace_back("win_at_equal_length", win_at_equal_length(lab, values));
  lab.env.record.metrics(arm.name + ".rounds", round, metrics);
}

Trained train_rounds(const Lab& lab, const Arm& arm) {
  Trained out;
  auto model = train::policy_of(lab.env, lab.base, lab.options.lora, arm.name);
  train::LoopPlan plan{.name = arm.name, .iterations = arm.rounds, .parts = kParts};
  plan.sample = [&](const train::Round& round, int64_t part) { return sample(lab, arm, model, round, part); };
  plan.judge = [&](const train::Round& round, train::LoopRows rows) { return judge(lab, arm, round, std::move(rows)); };
  plan.filter = [&](const train::Round& round, const train::LoopRows& judged) {
    return pair_up(lab, arm, round, judged);
  };
  plan.train = [&](const train::Round& round, const train::LoopRows& kept) {
    auto rows = kept;
    const auto again = replay(out.kept, arm.replay, round.rng);
    rows.insert(rows.end(), again.begin(), again.end());
    // The reference is the model at the start of the round; with the base model instead this would be online DPO.
    const auto reference = models::copy(model.decoder);
    train::fit_pairs(lab.env, lab.session, fmt::format("{}.{}", arm.name, round.iteration),
                     {model.decoder, reference, pairs_of(lab, arm, rows), arm.pairs, round.rng.fork("order")});
    const Json value = lab.session.once(fmt::format("{}.{}.measured", arm.name, round.iteration), [&] {
      auto values = values_of(lab, answers(lab, {&model}, lab.world.held_out));
      evaluate::save_model(lab.env, fmt::format("{}-{}", arm.name, round.iteration), model);
      log_round(lab, arm, round.iteration, kept, values);
      values["net"] = net_pairs(lab, arm, round.iteration, kept);
      return Json(values);
    });
    out.kept.push_back(kept);
    out.values.push_back(value.get<Values>());
    out.iterates.push_back({models::copy(model.decoder), model.tokenizer, model.chat});
  };
  train::run_loop(lab.env, lab.session, model.decoder, plan);
  return out;
}

// Fine-tuning on the teacher's completions of every prompt.
models::Model train_sft(const Lab& lab) {
  auto model = train::policy_of(lab.env, lab.base, lab.options.lora, "sft");
  std::vector<data::Example> examples;
  for (const auto& problem : prompts_of(lab, arm_of("offline_dpo", lab.options), 1))
    examples.push_back(taught(lab, problem, lab.world.teacher(problem)));
  auto fit = lab.options.sft;
  fit.steps = sft_steps(lab.options, examples.size());
  train::fit(lab.env, lab.session, "sft", model.decoder, fit,
             train::cycle(examples, fit.batch, lab.env.rng.fork("sft order")));
  return model;
}

// All pairs of all rounds of dno in one offline pass.
models::Model train_lookahead(const Lab& lab, const Trained& dno) {
  const auto arm = arm_of("dno_lookahead", lab.options);
  auto model = train::policy_of(lab.env, lab.base, lab.options.lora, arm.name);
  train::LoopRows rows;
  for (const auto& kept : dno.kept) rows.insert(rows.end(), kept.begin(), kept.end());
  train::fit_pairs(
      lab.env, lab.session, arm.name,
      {model.decoder, lab.base.decoder, pairs_of(lab, arm, rows), arm.pairs, lab.env.rng.fork("lookahead order")});
  return model;
}

// Outcomes of an arm; `dno` is filled by the arm of that name for those that are made from it.
Values outcomes(const Lab& lab, const std::string& name, const Values& base, Trained& dno) {
  const auto measured = [&](const std::vector<const models::Model*>& models) {
    return lab.session
        .once("outcomes." + name,
              [&] {
                if (models.size() == 1) evaluate::save_model(lab.env, name, *models[0]);
                return Json(values_of(lab, answers(lab, models, lab.world.held_out)));
              })
        .get<Values>();
  };
  if (name == "base") return measured({&lab.base});
  if (name == "sft") {
    const auto model = train_sft(lab);
    return measured({&model});
  }
  if (name == "dno_lookahead") {
    const auto model = train_lookahead(lab, dno);
    return measured({&model});
  }
  if (name == "dno_mixture") {
    std::vector<const models::Model*> models;
    Json list = Json::array();
    for (std::size_t i = 0; i < dno.iterates.size(); ++i) {
      models.push_back(&dno.iterates[i]);
      list.push_back(
          {{"model", fmt::format("dno-{}", i + 1)}, {"weight", 1.0 / static_cast<double>(dno.iterates.size())}});
    }
    base::write_file_atomic(lab.env.dir / "models" / "dno_mixture.json", base::dump({{"mixture", list}}, 1) + "\n");
    return measured(models);
  }
  auto trained = train_rounds(lab, arm_of(name, lab.options));
  auto values = measured({&trained.iterates.back()});
  values["win0"] = base.at("win");
  for (std::size_t i = 0; i < trained.values.size(); ++i) {
    values[fmt::format("win{}", i + 1)] = trained.values[i].at("win");
    values[fmt::format("net{}", i + 1)] = trained.values[i].at("net");
  }
  if (name == "dno") dno = std::move(trained);
  return values;
}

// The tabular game, as a figure of the report.
void play_game(train::Env& env, train::Session& session, int64_t steps) {
  session.once("game", [&] {
    const auto game = cyclic_game();
    const Policy reference = {0.6, 0.3, 0.1};
    const double reward_model = exploitability(game, bradley_terry(game, reference, 0.1));
    for (const double eta : {1.0, 2.0, 5.0}) {
      const auto policies = iterate(game, reference, eta, steps);
      for (std::size_t t = 0; t < policies.size(); ++t) {
        const std::vector<Policy> so_far(policies.begin(), policies.begin() + static_cast<std::ptrdiff_t>(t) + 1);
        env.record.metrics(fmt::format("game.eta{:g}", eta), static_cast<int64_t>(t),
                           {{"exploitability/averaged_iterate", exploitability(game, average(so_far))},
                            {"exploitability/last_iterate", exploitability(game, policies[t])},
                            {"exploitability/bradley_terry", reward_model}});
      }
    }
    return Json(reward_model);
  });
}

models::Model student(const Options& o, train::Env& env, train::Session& session, const World& world) {
  if (auto given = train::given_model(env, o.model, o.data)) return std::move(*given);
  auto model = train::fresh_model(env, o.fresh, data::search_tokenizer(tasks::countdown_world(o.traces.world)));
  const auto source =
      train::made(env, o.base.batch, [&](int64_t, Rng rng) { return trace_record(o, model.tokenizer, rng); });
  train::fit(env, session, "base", model.decoder, o.base, source, [&](int64_t, Json&) {
    const double solved = evaluate::greedy_accuracy(model, world.validation, o.traces.check_problems, world.solved,
                                                    o.max_tokens, env.pool);
    return train::Check{{{"accuracy", solved}}, solved >= o.traces.accuracy ? train::Next::stop : train::Next::go_on};
  });
  return model;
}

}  // namespace

void run(train::Env& env, const base::Options& given) {
  const auto& o = dynamic_cast<const Options&>(given);
  check(given);
  const auto arms = parse_arms(o.arms);
  auto world = make_world(o, env.pool, env.rng.fork("world"));
  // A file may hold fewer prompts than are asked for.
  if (auto* progress = env.record.progress()) progress->plan(progress_plan(o, arms, world.draw(1).size()));
  world.oracle = rewards::cached(world.oracle, env.dir / "judged.jsonl");
  world.fair = rewards::cached(world.fair, env.dir / "judged-held-out.jsonl");
  train::Session session(env);
  play_game(env, session, o.game_steps);
  const auto base = student(o, env, session, world);
  const Lab lab{env, session, o, world, base};
  Trained dno;
  evaluate::SummaryFile file{.improved = "dno", .held_out = static_cast<int64_t>(world.held_out.size())};
  file.metrics = {{"win", "win rate over the teacher", "%", {{"win", 1}}},
                  {"solved", "solved", "%", {{"solved", 1}}},
                  {"length", "words", "", {{"length", 1}}}};
  file.arms = {"base"};
  const auto start = file.outcomes.arms["base"] = outcomes(lab, "base", {}, dno);
  for (const auto& arm : arms) {
    file.outcomes.arms[arm] = outcomes(lab, arm, start, dno);
    file.arms.push_back(arm);
  }
  evaluate::write_summary(env, file);
}

}  // namespace hone::recipes::dno
