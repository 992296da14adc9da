#include "recipes/stream_of_search/rounds.h"

#include "hone/base/error.h"
#include "hone/rewards/attempts.h"
#include "hone/tasks/search/check.h"

#include <algorithm>
#include <numeric>
#include <set>

namespace hone::recipes::stream_of_search {

namespace search = tasks::search;

namespace {

using Problems = std::vector<tasks::Problem>;

Problems problems_of(const StarLab& lab, const train::Round& round) {
  std::vector<std::size_t> order(lab.corpus.problems.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  lab.env.rng.fork("star problems", {static_cast<uint64_t>(round.iteration)}).shuffle(order);
  order.resize(std::min(order.size(), static_cast<std::size_t>(lab.options.star.problems)));
  Problems problems;
  for (const std::size_t i : order) problems.push_back(lab.corpus.problems[i]);
  return problems;
}

}  // namespace

train::LoopRows sample_searches(const StarLab& lab, const train::Round& round, int64_t part) {
  const auto [asked, begin] = train::part_of(problems_of(lab, round), part, kStarParts);
  auto requests = rewards::make_requests(asked, rewards::encoder_of(lab.model), {1, "auto", lab.options.max_tokens},
                                         lab.options.star.samples);
  for (auto& request : requests) request.key += begin;  // the same searches whatever part they are in
  const generate::Engine engine(lab.model.decoder, lab.env.pool, &lab.model.tokenizer);
  train::LoopRows rows;
  for (const auto& rollout : engine.roll(requests, {.temperature = lab.options.temperature}, round.rng.fork("sample")))
    rows.push_back(train::rollout_row(asked[static_cast<std::size_t>(rollout.request)], rollout, lab.model.tokenizer));
  return rows;
}

train::LoopRows judge_searches(const StarLab& lab, const train::Round& round, train::LoopRows rows) {
  const train::Asked asked(problems_of(lab, round));
  lab.env.pool.for_each(static_cast<int64_t>(rows.size()), [&](int64_t i, int) {
    Json& row = rows[static_cast<std::size_t>(i)];
    const Json& turn = row.at("turns").at(0);
    const auto verdict = turn.at("finish") == "length"
                             ? tasks::Verdict{0, "cut at the length limit"}
                             : search::verify_search(asked.of(row), turn.at("text").get<std::string>());
    row["reward"] = verdict.reward;
    row["reason"] = verdict.reason;
  });
  return rows;
}

train::LoopRows keep_searches(const StarLab& lab, const train::Round& round, const train::LoopRows& judged) {
  const train::Asked asked(problems_of(lab, round));
  std::set<std::pair<std::string, std::string>> seen;
  train::LoopRows kept;
  for (const Json& row : judged) {
    if (row.at("reward").get<double>() <= 0.5) continue;
    const auto& problem = asked.of(row);
    const auto text = row.at("turns").at(0).at("text").get<std::string>();
    const std::string cut = text.substr(0, text.find("=T") + 2);
    if (!seen.insert({problem.id, cut}).second) continue;
    kept.push_back({{"prompt", problem.prompt}, {"completion", cut}});
    for (const char* key : {"problem", "sample", "turns"}) kept.back()[key] = row.at(key);
  }
  return kept;
}

std::vector<data::Example> examples_of(const StarLab& lab, const train::LoopRows& kept) {
  std::vector<data::Example> examples;
  for (const Json& row : kept) {
    const auto words = row.at("prompt").get<std::string>() + " " + row.at("completion").get<std::string>();
    examples.push_back(
        data::search_example(search::read_compact(words), lab.model.tokenizer, lab.options.fresh.context));
  }
  return examples;
}

}  // namespace hone::recipes::stream_of_search
