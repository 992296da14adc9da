#include "recipes/dno/rounds.h"

#include "hone/base/error.h"
#include "hone/data/dialogue.h"
#include "hone/data/rows.h"
#include "hone/rewards/attempts.h"
#include "hone/train/pairs.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

namespace hone::recipes::dno {
namespace {

constexpr double kScale = 5;  // an oracle that only compares: score 1 + 5 · win rate, the rubric's range

const Json& turn_of(const Json& row) { return row.at("turns").at(0); }
std::string text_of(const Json& row) { return turn_of(row).at("text").get<std::string>(); }

// Rows of one prompt: indices, in the order of the rows.
std::vector<std::vector<std::size_t>> pools(const train::LoopRows& rows) {
  std::map<std::string, std::size_t> known;
  std::vector<std::vector<std::size_t>> out;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto [at, fresh] = known.try_emplace(base::get_string(rows[i], "problem", "row"), out.size());
    if (fresh) out.emplace_back();
    out[at->second].push_back(i);
  }
  return out;
}

Json teacher_row(const Lab& lab, const tasks::Problem& problem) {
  generate::Rollout rollout{.sample = lab.options.samples};
  rollout.turns.push_back(
      {data::answer_ids(lab.world.teacher(problem), rewards::encoder_of(lab.base)), {}, text::Finish::stop});
  Json row = train::rollout_row(problem, rollout, lab.base.tokenizer);
  row["source"] = "teacher";
  return row;
}

Candidate candidate_of(const Json& row, const FilterOptions& o) {
  Candidate c;
  if (row.at("source") == "teacher") c.from = Candidate::From::teacher;
  if (row.contains("win_rate")) c.win_rate = row.at("win_rate").get<double>();
  c.score =
      row.contains("score") && row.at("score").is_number() ? row.at("score").get<double>() : 1 + kScale * c.win_rate;
  if (repeated_share(text_of(row), o.repeats) > o.repeated_share) c.form = Candidate::Form::repetitive;
  return c;
}

Json pair_row(const tasks::Problem& problem, const Json& chosen, const Json& rejected, const char* kind) {
  Json row = {{"problem", problem.id},
              {"prompt", data::prompt_json(problem)},
              {"chosen", text_of(chosen)},
              {"rejected", text_of(rejected)},
              {"kind", kind}};
  for (const auto& [side, from] : {std::pair{"chosen", &chosen}, std::pair{"rejected", &rejected}}) {
    const std::string name = side;
    for (const char* key : {"sample", "score", "win_rate"})
      if (from->contains(key)) row[name + "_" + key] = from->at(key);
    row[name + "_ids"] = turn_of(*from).at("ids");
  }
  return row;
}

data::Example example_of(const text::Ids& prompt, const text::Ids& completion) {
  data::Example e;
  data::append(e, prompt, 0);
  data::append(e, completion, 1);
  return e;
}

text::Ids ids_of(const Json& list) {
  text::Ids ids;
  for (const Json& id : list)
    ids.push_back(static_cast<int32_t>(base::get_int({{"id", id}}, "id", 0, INT32_MAX, "a pair")));
  return ids;
}

// Pairs that a rule finds per prompt at first, to plan with: the phases say the true numbers when they end.
double pairs_per_prompt(PairRule rule, int64_t samples) {
  const auto k = static_cast<double>(samples);
  if (rule == PairRule::filtered) return 1.5 * k;
  if (rule == PairRule::restrictive) return 0.6 * k;
  return rule == PairRule::gold ? k : (k + 1) / 2;
}

}  // namespace

Arm arm_of(const std::string& name, const Options& o) {
  Arm arm{.name = name, .rounds = o.iterations, .pairs = o.pairs, .replay = o.replay};
  if (name == "dno_restrictive" || name == "offline_dpo") arm.rule = PairRule::restrictive;
  if (name == "spin") arm.rule = PairRule::gold;
  if (name == "offline_dpo") {
    arm.rounds = 1;
    arm.prompts = Arm::Prompts::all;
    arm.pairs.epochs = o.offline_epochs;
  }
  if (name == "dno_soft") {
    arm.rule = PairRule::disjoint;
    arm.pairs.loss.target = "soft";
    arm.replay = 0;  // win rates of another round's pool are not those of this one
  }
  return arm;
}

std::vector<tasks::Problem> prompts_of(const Lab& lab, const Arm& arm, int64_t iteration) {
  if (arm.prompts == Arm::Prompts::slice) return lab.world.draw(iteration);
  std::vector<tasks::Problem> all;
  for (int64_t round = 1; round <= lab.options.iterations; ++round) {
    const auto some = lab.world.draw(round);
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

train::LoopRows sample(const Lab& lab, const Arm& arm, const models::Model& student, const train::Round& round,
                       int64_t part) {
  const auto& o = lab.options;
  const auto [asked, begin] = train::part_of(prompts_of(lab, arm, round.iteration), part, kParts);
  auto requests = rewards::make_requests(asked, rewards::encoder_of(student), {1, "auto", o.max_tokens}, o.samples);
  for (auto& request : requests) request.key += begin;
  const generate::Engine engine(student.decoder, lab.env.pool, &student.tokenizer);
  // All arms draw with the same numbers: in the first round, where they have the same model, they get the same samples.
  const Rng rng = lab.env.rng.fork("sample", {static_cast<uint64_t>(round.iteration)});
  train::LoopRows rows;
  for (const auto& rollout : engine.roll(requests, {.temperature = o.temperature, .top_p = o.top_p}, rng)) {
    const auto& problem = asked[static_cast<std::size_t>(rollout.request)];
    if (rollout.sample == 0) rows.push_back(teacher_row(lab, problem));
    rows.push_back(train::rollout_row(problem, rollout, student.tokenizer));
    rows.back()["source"] = "student";
  }
  return rows;
}

train::LoopRows judge(const Lab& lab, const Arm& arm, const train::Round& round, train::LoopRows rows) {
  if (arm.rule == PairRule::gold) return rows;
  const train::Asked asked(prompts_of(lab, arm, round.iteration));
  const auto groups = pools(rows);
  std::vector<rewards::Question> questions;
  for (const auto& group : groups) {
    rewards::Question question{.problem = asked.of(rows[group.front()])};
    for (const std::size_t i : group) question.candidates.push_back(text_of(rows[i]));
    questions.push_back(std::move(question));
  }
  const auto judgements = rewards::judge_all(lab.world.oracle, questions);
  for (std::size_t g = 0; g < groups.size(); ++g) {
    const auto rates = rewards::win_rates(judgements[g]);
    for (std::size_t k = 0; k < groups[g].size(); ++k) {
      Json& row = rows[groups[g][k]];
      row["score"] = judgements[g].scores.empty() ? Json() : Json(judgements[g].scores[k]);
      row["win_rate"] = rates[k];
    }
  }
  return rows;
}

train::LoopRows pair_up(const Lab& lab, const Arm& arm, const train::Round& round, const train::LoopRows& judged) {
  const train::Asked asked(prompts_of(lab, arm, round.iteration));
  train::LoopRows out;
  uint64_t number = 0;
  for (const auto& group : pools(judged)) {
    std::vector<Candidate> candidates;
    for (const std::size_t i : group) candidates.push_back(candidate_of(judged[i], lab.options.filter));
    for (const auto& choice :
         choose_pairs(candidates, arm.rule, lab.options.filter, round.rng.fork("pairs", {number++}))) {
      const Json &chosen = judged[group[choice.chosen]], &rejected = judged[group[choice.rejected]];
      if (text_of(chosen) == text_of(rejected)) continue;  // teaches nothing
      out.push_back(pair_row(asked.of(chosen), chosen, rejected, kind_of(candidates, choice)));
    }
  }
  return out;
}

std::vector<data::Pair> pairs_of(const Lab& lab, const Arm& arm, const train::LoopRows& rows) {
  const bool soft = arm.pairs.loss.target == "soft";
  std::map<std::string, text::Ids> prompts;
  for (int64_t round = 1; round <= lab.options.iterations; ++round)
    for (const auto& problem : lab.world.draw(round))
      prompts[problem.id] = data::prompt_ids(problem, rewards::encoder_of(lab.base));
  std::vector<data::Pair> pairs;
  for (const Json& row : rows) {
    const auto prompt = prompts.find(base::get_string(row, "problem", "a pair"));
    require(prompt != prompts.end(), ErrorKind::data, "a pair names an unknown prompt: {}",
            base::dump(row.at("problem")));
    const auto side = [&](const std::string& name) {
      auto e = example_of(prompt->second, ids_of(row.at(name + "_ids")));
      if (soft) e.advantage.assign(e.ids.size(), row.at(name + "_win_rate").get<float>());
      return e;
    };
    pairs.push_back({side("chosen"), side("rejected")});
  }
  return pairs;
}

train::LoopRows replay(const std::vector<train::LoopRows>& earlier, double share, Rng rng) {
  train::LoopRows out;
  for (std::size_t age = 1; age <= earlier.size(); ++age) {
    auto rows = earlier[earlier.size() - age];
    rng.fork("replay", {age}).shuffle(rows);
    rows.resize(replayed(rows.size(), static_cast<int64_t>(age), share));
    std::move(rows.begin(), rows.end(), std::back_inserter(out));
  }
  return out;
}

data::Example taught(const Lab& lab, const tasks::Problem& problem, const std::string& completion) {
  const auto encoder = rewards::encoder_of(lab.base);
  return example_of(data::prompt_ids(problem, encoder), data::answer_ids(completion, encoder));
}

int64_t sft_steps(const Options& o, std::size_t examples) {
  return std::max<int64_t>(1, o.offline_epochs * static_cast<int64_t>(examples) / o.sft.batch);
}

std::vector<report::PhasePlan> progress_plan(const Options& o, const std::vector<std::string>& arms,
                                             std::size_t prompts_a_round) {
  constexpr double kPairStep = 0.9, kStep = 0.2;  // seconds
  const std::size_t all_prompts = prompts_a_round * static_cast<std::size_t>(o.iterations);
  std::vector<report::PhasePlan> phases;
  if (o.model.empty()) phases.push_back({"base", o.base.steps, kStep});
  for (const auto& name : arms) {
    const auto arm = arm_of(name, o);
    const auto steps = [&](std::size_t prompts) {
      const double pairs = static_cast<double>(prompts) * pairs_per_prompt(arm.rule, o.samples);
      return train::pair_steps(arm.pairs, std::llround(pairs));
    };
    if (name == "sft") {
      phases.push_back({name, sft_steps(o, all_prompts), kStep});
    } else if (name == "dno_lookahead") {
      phases.push_back({name, steps(all_prompts), kPairStep});
    } else if (name != "dno_mixture") {
      const bool offline = arm.prompts == Arm::Prompts::all;
      for (int64_t i = 1; i <= arm.rounds; ++i)
        phases.push_back({fmt::format("{}.{}", name, i), steps(offline ? all_prompts : prompts_a_round), kPairStep});
    }
  }
  return phases;
}

}  // namespace hone::recipes::dno
