#include "recipes/star/rounds.h"

#include "hone/base/error.h"
#include "hone/data/dialogue.h"
#include "hone/data/rows.h"
#include "hone/rewards/attempts.h"

#include <cmath>
#include <map>
#include <set>

namespace hone::recipes::star {
namespace {

using Problems = std::vector<tasks::Problem>;

train::Asked asked_in(const Lab& lab, const train::Round& round) {
  return train::Asked(lab.world.draw(static_cast<uint64_t>(round.iteration)));
}

generate::Sampling sampling_of(const Options& o) {
  if (o.temperature == 0) return {.choice = generate::Choice::greedy};
  return {.temperature = o.temperature};
}

bool is_right(const Lab& lab, const tasks::Problem& problem, const generate::Rollout& rollout) {
  const auto& turn = rollout.turns[0];
  return turn.finish == text::Finish::stop &&
         lab.world.verifier(problem, lab.base.tokenizer.decode(turn.ids)).reward > 0.5;
}

// Rollouts of `asked`, whose keys begin at `first_key`: the same whatever part they are in.
std::vector<generate::Rollout> roll(const Lab& lab, const models::Model& model, const Problems& asked,
                                    uint64_t first_key, Rng rng) {
  auto requests = rewards::make_requests(asked, rewards::encoder_of(model), {1, "auto", lab.options.max_tokens},
                                         lab.options.samples);
  for (auto& request : requests) request.key += first_key;
  return generate::Engine(model.decoder, lab.env.pool, &model.tokenizer).roll(requests, sampling_of(lab.options), rng);
}

Json row_of(const Lab& lab, const tasks::Problem& problem, const generate::Rollout& rollout, const char* source) {
  Json row = train::rollout_row(problem, rollout, lab.base.tokenizer);
  row["source"] = source;
  return row;
}

// The gold answer as if the model had said it.
Json gold_row(const Lab& lab, const tasks::Problem& problem) {
  generate::Rollout rollout;
  rollout.turns.push_back(
      {data::answer_ids(lab.world.direct(problem), rewards::encoder_of(lab.base)), {}, text::Finish::stop});
  return row_of(lab, problem, rollout, "gold");
}

}  // namespace

Arm arm_of(const std::string& name) {
  Arm arm{.name = name};
  if (name == "star_rationalize" || name == "star_continue") arm.failures = Arm::Failures::rationalized;
  if (name == "star_continue" || name == "direct") arm.from = Arm::From::last;
  if (name == "direct") arm.source = Arm::Source::gold;
  return arm;
}

train::LoopRows ask(const Lab& lab, const Arm& arm, const models::Model& model, const train::Round& round,
                    int64_t part) {
  const auto [asked, begin] = train::part_of(lab.world.draw(static_cast<uint64_t>(round.iteration)), part, kParts);
  train::LoopRows rows;
  if (arm.source == Arm::Source::gold) {
    for (const auto& problem : asked) rows.push_back(gold_row(lab, problem));
    return rows;
  }
  std::vector<uint8_t> solved(asked.size());
  for (const auto& rollout : roll(lab, model, asked, begin, round.rng.fork("sample"))) {
    const auto at = static_cast<std::size_t>(rollout.request);
    rows.push_back(row_of(lab, asked[at], rollout, "sampled"));
    if (is_right(lab, asked[at], rollout)) solved[at] = 1;
  }
  if (arm.failures == Arm::Failures::dropped) return rows;
  Problems failed, hinted;
  for (std::size_t i = 0; i < asked.size(); ++i) {
    if (solved[i]) continue;
    failed.push_back(asked[i]);
    hinted.push_back(lab.world.hinted(asked[i]));
  }
  for (auto& rollout : roll(lab, model, hinted, begin, round.rng.fork("rationalize"))) {
    const auto& problem = failed[static_cast<std::size_t>(rollout.request)];
    rollout.sample += lab.options.samples;
    rows.push_back(row_of(lab, problem, rollout, "rationalized"));
  }
  return rows;
}

train::LoopRows judge(const Lab& lab, const train::Round& round, train::LoopRows rows) {
  const auto asked = asked_in(lab, round);
  lab.env.pool.for_each(static_cast<int64_t>(rows.size()), [&](int64_t i, int) {
    Json& row = rows[static_cast<std::size_t>(i)];
    const auto& problem = asked.of(row);
    const Json& turn = row.at("turns").at(0);
    const auto text = turn.at("text").get<std::string>();
    const auto verdict = turn.at("finish") == "length" ? tasks::Verdict{0, "cut at the length limit"}
                                                       : lab.world.verifier(problem, text);
    row["reward"] = verdict.reward;
    row["reason"] = verdict.reason;
    if (lab.world.valid) row["valid"] = lab.world.valid(problem, text);
  });
  return rows;
}

train::LoopRows keep(const Lab& lab, const train::Round& round, const train::LoopRows& judged) {
  const auto asked = asked_in(lab, round);
  std::set<std::pair<std::string, std::string>> seen;
  std::map<std::string, int64_t> of_problem;
  train::LoopRows kept;
  for (const Json& row : judged) {
    if (row.at("reward").get<double>() <= 0.5) continue;
    const auto& problem = asked.of(row);
    const auto text = row.at("turns").at(0).at("text").get<std::string>();
    if (!seen.insert({problem.id, text}).second || of_problem[problem.id] >= lab.options.cap) continue;
    ++of_problem[problem.id];
    Json line = {{"prompt", data::prompt_json(problem)}, {"completion", text}};
    for (const char* key : {"problem", "sample", "source", "valid", "turns"})
      if (row.contains(key)) line[key] = row.at(key);
    kept.push_back(std::move(line));
  }
  return kept;
}

std::vector<data::Example> examples_of(const Lab& lab, const train::Round& round, const train::LoopRows& kept) {
  const auto asked = asked_in(lab, round);
  std::vector<data::Example> examples;
  for (const Json& row : kept) {
    const auto turns = train::turns_of(row, "a kept row");
    require(turns.size() == 1, ErrorKind::format, "a kept row has {} turns", turns.size());
    data::Example e;
    data::append(e, data::prompt_ids(asked.of(row), rewards::encoder_of(lab.base)), 0);
    data::append(e, turns[0].ids, 1);
    examples.push_back(std::move(e));
  }
  return examples;
}

int64_t steps_of(const Options& o, int64_t iteration) {
  return std::llround(static_cast<double>(o.start_steps) * std::pow(o.grow, static_cast<double>(iteration - 1)));
}

}  // namespace hone::recipes::star
