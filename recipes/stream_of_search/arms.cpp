#include "recipes/stream_of_search/arms.h"

#include "hone/base/error.h"
#include "hone/base/files.h"
#include "hone/rewards/attempts.h"
#include "hone/tasks/search/check.h"

#include <algorithm>

namespace hone::recipes::stream_of_search {

namespace search = tasks::search;

namespace {

// Problems that results are measured on are the same for every seed.
constexpr uint64_t kExamSeed = 20240402;

search::Trace trace_of(const tasks::Problem& problem, const Answer& answer) {
  return search::read_compact(problem.prompt + " " + answer.text);
}

void append(std::vector<tasks::Problem>& to, const std::vector<tasks::Problem>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

}  // namespace

Corpus make_corpus(train::Env& env, const Options& o, const text::Tokenizer& tokenizer) {
  const auto& world = tasks::countdown_world(o.world);
  Corpus corpus;
  corpus.problems =
      search::draw_search_problems(world, search::SearchSplit::train, o.problems, env.rng.fork("problems"));
  const std::size_t count = corpus.problems.size();
  corpus.searches.resize(count);
  corpus.optimal.resize(count);
  corpus.solvers.resize(count);
  corpus.solved.resize(count);
  env.pool.for_each(o.problems, [&](int64_t index, int) {
    const auto i = static_cast<std::size_t>(index);
    const auto row = search::make_search_row(world, corpus.problems[i], env.rng.fork("row", {i}));
    corpus.searches[i] = data::search_example(row.search, tokenizer, o.fresh.context);
    corpus.optimal[i] = data::search_example(row.optimal, tokenizer, o.fresh.context);
    corpus.solvers[i] = row.solver;
    corpus.solved[i] = search::is_solved(row.search);
  });
  for (const auto& example : corpus.searches) corpus.cut += example.ids.back() != tokenizer.end();
  return corpus;
}

int64_t tokens_in(const std::vector<data::Example>& examples) {
  int64_t tokens = 0;
  for (const auto& example : examples) tokens += static_cast<int64_t>(example.ids.size());
  return tokens;
}

Exam make_exam(const Options& o, const Corpus& corpus) {
  const auto& world = tasks::countdown_world(o.world);
  const Rng rng(kExamSeed);
  Exam exam{.part = static_cast<std::size_t>(o.test_problems)};
  append(exam.problems, draw_search_problems(world, search::SearchSplit::val, o.test_problems, rng.fork("val")));
  append(exam.problems,
         draw_search_problems(world, search::SearchSplit::val_target, o.test_problems, rng.fork("val_target")));
  for (std::size_t i = 0; i < corpus.problems.size() && exam.unsolved_by.size() < exam.part; ++i) {
    if (corpus.solved[i] != 0) continue;
    exam.problems.push_back(corpus.problems[i]);
    exam.unsolved_by.push_back(corpus.solvers[i]);
  }
  require(exam.unsolved_by.size() == exam.part, ErrorKind::usage,
          "test_problems is {}, but of {} training problems only {} are not solved by their search", exam.part,
          corpus.problems.size(), exam.unsolved_by.size());
  return exam;
}

std::vector<Answer> answer(train::Env& env, const Options& o, const models::Model& model,
                           const std::vector<tasks::Problem>& problems, const Ask& ask, Rng rng) {
  const generate::Engine engine(model.decoder, env.pool, &model.tokenizer);
  const auto requests = rewards::make_requests(problems, model.tokenizer, {1, "auto", o.max_tokens}, ask.samples);
  const auto rollouts = engine.roll(requests, ask.sampling, rng);
  const auto attempts = rewards::judge(rollouts, problems, search::verify_search, model.tokenizer, env.pool);
  std::vector<Answer> answers(problems.size());
  for (std::size_t i = 0; i < rollouts.size(); ++i) {
    Answer& one = answers[static_cast<std::size_t>(rollouts[i].request)];
    const auto& attempt = attempts[i].front();
    const bool first = one.tokens == 0, better = attempt.verdict.reward > one.right;
    if (first || better) one.text = attempt.text;
    one.right = std::max(one.right, attempt.verdict.reward);
    one.tokens += static_cast<int64_t>(rollouts[i].turns.front().ids.size());
  }
  return answers;
}

Json to_json(const std::vector<Answer>& answers) {
  Json out = Json::array();
  for (const auto& one : answers) out.push_back({one.text, one.right, one.tokens});
  return out;
}

std::vector<Answer> answers_from_json(const Json& json) {
  std::vector<Answer> out;
  for (const auto& one : json)
    out.push_back({one.at(0).get<std::string>(), one.at(1).get<double>(), one.at(2).get<int64_t>()});
  return out;
}

void ExamSummary::add_best(const std::string& arm, const std::vector<Answer>& answers) {
  file_.arms.push_back(arm);
  auto& values = file_.outcomes.arms[arm];
  for (std::size_t i = 0; i < answers.size(); ++i) {
    values[kParts[i / exam_.part]].push_back(answers[i].right);
    if (i < exam_.part) values["tokens"].push_back(static_cast<double>(answers[i].tokens));
  }
}

// What is counted on new inputs, problem by problem.
void ExamSummary::add_measured(const std::string& arm, std::size_t i, const search::Measured& one) {
  auto& values = file_.outcomes.arms[arm];
  if (i >= 2 * exam_.part) return;
  values[i < exam_.part ? "lax" : "lax_target"].push_back(one.lax.reward);
  values[i < exam_.part ? "denied" : "denied_target"].push_back(one.denied_goal);
  if (i >= exam_.part) return;
  for (std::size_t kind = 0; kind < search::kFaults; ++kind)
    values[search::name_of(static_cast<search::Fault>(kind))].push_back(static_cast<double>(one.faults[kind]));
  values["explored"].push_back(static_cast<double>(one.explored));
  values["states"].push_back(static_cast<double>(one.states));
  for (std::size_t s = 0; one.likeness && s < search::kSolvers; ++s) {
    const auto name = search::name_of(search::all_solvers()[s]);
    values["unlike_" + name].push_back(1 - one.likeness->states[s]);
    values["agrees_" + name].push_back(one.likeness->solved[s] == (one.strict.reward > 0.5));
  }
}

void ExamSummary::add_searches(const train::Env& env, const std::string& arm, const std::vector<Answer>& answers) {
  add_best(arm, answers);
  const auto& world = tasks::countdown_world(options_.world);
  std::vector<search::Measured> measured(answers.size());
  env.pool.for_each(static_cast<int64_t>(answers.size()), [&](int64_t index, int) {
    const auto i = static_cast<std::size_t>(index);
    const auto& problem = exam_.problems[i];
    measured[i] = search::measure(world, problem.numbers, problem.target, trace_of(problem, answers[i]),
                                  search::Compare::with_solvers);
  });
  search::SearchTable tables[3];
  std::string lines;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const std::size_t part = i / exam_.part;
    const auto& problem = exam_.problems[i];
    Json row = {{"part", kParts[part]},     {"nums", problem.numbers},       {"target", problem.target},
                {"prompt", problem.prompt}, {"completion", answers[i].text}, {"right", answers[i].right > 0.5}};
    std::optional<search::Solver> solver;
    if (part == 2) {
      solver = exam_.unsolved_by[i - 2 * exam_.part];
      row["search_type"] = search::search_type(*solver);
      row["heuristic"] = search::heuristic_name(*solver);
    }
    tables[part].add(measured[i], solver);
    add_measured(arm, i, measured[i]);
    lines += base::dump(row) + "\n";
  }
  for (std::size_t part = 0; part < 3; ++part) tables_[arm][kParts[part]] = tables[part].to_json();
  base::make_folders(env.dir / "traces");
  base::write_file_atomic(env.dir / "traces" / (arm + ".jsonl"), lines);
  show(arm, answers);
}

// One search that reached the goal and one that did not, as trees and as text; those of the arm added last are kept.
void ExamSummary::show(const std::string& arm, const std::vector<Answer>& answers) {
  constexpr int64_t kFewest = 4, kMost = 40;
  file_.searches = Json::array();
  file_.transcripts = Json::array();
  for (const bool right : {true, false}) {
    for (std::size_t i = 0; i < exam_.part; ++i) {
      if ((answers[i].right > 0.5) != right) continue;
      const auto& problem = exam_.problems[i];
      const auto trace = trace_of(problem, answers[i]);
      const auto tree = search::build_tree(trace, problem.numbers, problem.target);
      if (tree.explored < kFewest || tree.explored > kMost) continue;
      const auto verdict = evaluate::verdict_text(search::check_strict(trace, problem.numbers, problem.target));
      const std::string kind = right ? "a search that reached its goal" : "a search that failed";
      const std::string rule = fmt::format("the first new input whose search is {} after {} to {} operations",
                                           right ? "right" : "wrong", kFewest, kMost);
      file_.searches.push_back(
          {{"title", fmt::format("{}: {} from {}", kind, problem.target, fmt::join(problem.numbers, ", "))},
           {"rule", rule},
           {"arm", arm},
           {"verdict", verdict},
           {"tree", search::tree_json(tree, 150)}});
      file_.transcripts.push_back({{"kind", kind},
                                   {"rule", rule},
                                   {"arm", arm},
                                   {"prompt", problem.prompt},
                                   {"turns", {{{"text", search::write_text(trace)}, {"verdict", verdict}}}}});
      break;
    }
  }
}

void ExamSummary::write(const train::Env& env, const std::string& base, const std::string& improved) {
  file_.base = base;
  file_.improved = improved;
  file_.held_out = static_cast<int64_t>(exam_.part);
  file_.metrics = {{"val", "new inputs", "%", {{"val", 1}}},
                   {"val_target", "new targets", "%", {{"val_target", 1}}},
                   {"unsolved", "unsolved in training", "%", {{"unsolved", 1}}},
                   {"lax", "new inputs, official check", "%", {{"lax", 1}}},
                   {"denied", "goals called unequal, new inputs", "%", {{"denied", 1}}},
                   {"denied_target", "goals called unequal, new targets", "%", {{"denied_target", 1}}},
                   {"explored", "operations tried", "", {{"explored", 1}}},
                   {"tokens", "tokens generated", "", {{"tokens", 1}}}};
  for (const char* kind : {"arithmetic", "state", "exploration", "format"})
    file_.metrics.push_back({kind, std::string(kind) + " mistakes", "", {{kind, 1}}});
  evaluate::write_summary(env, file_);
  base::write_file_atomic(env.dir / "search.json", base::dump(tables_, 1) + "\n");
}

}  // namespace hone::recipes::stream_of_search
