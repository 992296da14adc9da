// Stream of Search: a decoder trained from scratch on searches, dead ends and backtracking included, instead of on
// solutions (Gandhi et al., arXiv:2404.03683).
//
// How this differs from the paper: (1) three numbers up to 30 instead of four up to 99, one token a number and nothing
// said twice, a decoder of 0.8 million parameters; (2) a strict verifier: numbers are used up; (3) two rivals that the
// paper lacks, optimal paths with as many training tokens and the best of n of them; (4) of equal nodes of a
// breadth-first search the one that came first is next, and finished leaves are not visited again.
#include "hone/evaluate/summary.h"
#include "hone/train/base_model.h"
#include "recipes/stream_of_search/rounds.h"

#include <algorithm>
#include <cmath>
#include <set>

namespace hone::recipes::stream_of_search {
namespace {

struct Lab {
  train::Env& env;
  train::Session& session;
  const Options& options;
  const Corpus& corpus;
  const Exam& exam;
  const models::Model& start;  ///< random weights, the same for every arm
};

models::Model copy(const models::Model& model) { return {models::copy(model.decoder), model.tokenizer}; }

train::FitOptions fit_of(const Options& o, const train::FitOptions& given, int64_t steps) {
  auto fit = given;
  fit.steps = steps;
  fit.row_tokens = std::max(fit.row_tokens, o.fresh.context);  // no example is longer
  return fit;
}

// One arm's training: the examples in an order that all arms share.
void learn(const Lab& lab, const std::string& arm, models::Model& model, const std::vector<data::Example>& examples,
           const train::FitOptions& fit) {
  train::fit(lab.env, lab.session, arm, model.decoder, fit,
             train::cycle(examples, fit.batch, lab.env.rng.fork("order")));
}

// The greedy answers of an arm's model; computed once, with the model saved beside them.
std::vector<Answer> examine(const Lab& lab, const std::string& arm, const models::Model& model) {
  return answers_from_json(lab.session.once("answers." + arm, [&] {
    evaluate::save_model(lab.env, arm, model);
    return to_json(answer(lab.env, lab.options, model, lab.exam.problems, {}, lab.env.rng.fork("greedy")));
  }));
}

double mean_tokens(const Lab& lab, const std::vector<Answer>& answers) {
  int64_t tokens = 0;
  for (std::size_t i = 0; i < lab.exam.part; ++i) tokens += answers[i].tokens;
  return static_cast<double>(tokens) / static_cast<double>(lab.exam.part);
}

// The best of n samples of an optimal-path model, n large enough that it generates at least as many tokens as a search.
std::vector<Answer> best_of_n(const Lab& lab, const std::string& arm, const models::Model& model, int64_t samples) {
  return answers_from_json(lab.session.once("answers." + arm, [&] {
    const Ask ask{samples, {.temperature = lab.options.temperature}};
    return to_json(answer(lab.env, lab.options, model, lab.exam.problems, ask, lab.env.rng.fork(arm)));
  }));
}

// The rivals that learn from optimal paths.
void run_rivals(const Lab& lab, double search_tokens, ExamSummary& summary) {
  const auto& o = lab.options;
  const double longer =
      static_cast<double>(tokens_in(lab.corpus.searches)) / static_cast<double>(tokens_in(lab.corpus.optimal));
  const auto matched = static_cast<int64_t>(std::ceil(longer * static_cast<double>(o.fit.steps)));
  for (const auto& [arm, steps] : {std::pair<std::string, int64_t>{"op", o.fit.steps}, {"op_matched", matched}}) {
    auto model = copy(lab.start);
    learn(lab, arm, model, lab.corpus.optimal, fit_of(o, o.fit, steps));
    const auto answers = examine(lab, arm, model);
    summary.add_searches(lab.env, arm, answers);
    const auto samples =
        std::max<int64_t>(1, static_cast<int64_t>(std::ceil(search_tokens / mean_tokens(lab, answers))));
    summary.add_best(arm + "_best_of_n", best_of_n(lab, arm + "_best_of_n", model, samples));
  }
}

// The last round's arm is "star", the ones before it "star1", "star2", ….
std::string round_arm(const Options& o, int64_t round) {
  return round == o.star.iterations ? "star" : fmt::format("star{}", round);
}

// What a round kept, for the record.
void log_round(const Lab& lab, const std::string& arm, const train::LoopRows& kept) {
  std::set<std::string> problems;
  for (const Json& row : kept) problems.insert(row.at("problem").get<std::string>());
  lab.session.once(arm + ".accepted", [&] {
    const auto& star = lab.options.star;
    const auto asked = std::min<std::size_t>(lab.corpus.problems.size(), static_cast<std::size_t>(star.problems));
    const Json facts = {{"arm", arm},
                        {"sampled", asked * static_cast<std::size_t>(star.samples)},
                        {"accepted", kept.size()},
                        {"problems", problems.size()}};
    lab.env.record.event("star", facts);
    if (kept.empty()) {
      const auto what = arm + ": none of the sampled searches is right; the round learns nothing";
      lab.env.record.event("warning", {{"what", what}});
    }
    return facts;
  });
}

// STaR: every round samples from the last round's model and trains anew from the search model.
std::string run_star(const Lab& lab, const models::Model& sos, ExamSummary& summary) {
  const auto& o = lab.options;
  auto model = copy(sos);
  std::string arm = "sos";
  const StarLab star{lab.env, o, lab.corpus, model};
  train::LoopPlan plan{.name = "star", .iterations = o.star.iterations, .parts = kStarParts};
  plan.sample = [&](const train::Round& round, int64_t part) { return sample_searches(star, round, part); };
  plan.judge = [&](const train::Round& round, train::LoopRows rows) {
    return judge_searches(star, round, std::move(rows));
  };
  plan.filter = [&](const train::Round& round, const train::LoopRows& judged) {
    return keep_searches(star, round, judged);
  };
  plan.train = [&](const train::Round& round, const train::LoopRows& kept) {
    arm = round_arm(o, round.iteration);
    log_round(lab, arm, kept);
    const auto examples = examples_of(star, kept);
    model = copy(sos);
    if (!examples.empty()) learn(lab, arm, model, examples, fit_of(o, o.star.fit, o.star.fit.steps));
    summary.add_searches(lab.env, arm, examine(lab, arm, model));
  };
  if (o.star.iterations > 0) train::run_loop(lab.env, lab.session, model.decoder, plan);
  return arm;
}

void plan_progress(const train::Env& env, const Options& o) {
  auto* progress = env.record.progress();
  if (!progress) return;
  std::vector<report::PhasePlan> phases = {{"sos", o.fit.steps, 0.3}};
  if (o.arms == "all") phases.insert(phases.end(), {{"op", o.fit.steps, 0.08}, {"op_matched", 4 * o.fit.steps, 0.08}});
  for (int64_t round = 1; round <= o.star.iterations; ++round)
    phases.push_back({round_arm(o, round), o.star.fit.steps, 0.3});
  progress->plan(phases);
}

}  // namespace

void run(train::Env& env, const base::Options& given) {
  const auto& o = dynamic_cast<const Options&>(given);
  plan_progress(env, o);
  train::Session session(env);
  const auto start = train::fresh_model(env, o.fresh, data::search_tokenizer(tasks::countdown_world(o.world)));
  const auto corpus = make_corpus(env, o, start.tokenizer);
  const auto exam = make_exam(o, corpus);
  session.once("corpus", [&] {
    const auto solved = std::count(corpus.solved.begin(), corpus.solved.end(), 1);
    const Json facts = {{"problems", corpus.problems.size()},
                        {"searches_that_reach_the_goal", solved},
                        {"search_tokens", tokens_in(corpus.searches)},
                        {"optimal_tokens", tokens_in(corpus.optimal)},
                        {"searches_cut_at_the_context", corpus.cut}};
    env.record.event("corpus", facts);
    return facts;
  });
  const Lab lab{env, session, o, corpus, exam, start};

  auto sos = copy(start);
  learn(lab, "sos", sos, corpus.searches, fit_of(o, o.fit, o.fit.steps));
  const auto searched = examine(lab, "sos", sos);
  ExamSummary summary(o, exam);
  if (o.arms == "all") run_rivals(lab, mean_tokens(lab, searched), summary);
  summary.add_searches(env, "sos", searched);
  const std::string last = run_star(lab, sos, summary);
  summary.write(env, o.arms == "all" ? "op" : "sos", last);
}

}  // namespace hone::recipes::stream_of_search
