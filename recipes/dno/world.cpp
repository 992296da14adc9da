#include "recipes/dno/world.h"

#include "hone/base/error.h"
#include "hone/base/sha256.h"
#include "hone/data/search_records.h"
#include "hone/tasks/search/check.h"
#include "hone/tasks/search/problems.h"
#include "hone/tasks/search/tree.h"
#include "hone/tasks/source.h"

#include <algorithm>
#include <set>

namespace hone::recipes::dno {
namespace {

namespace search = tasks::search;

constexpr uint64_t kHeldOutSeed = 20240917;

std::size_t count_words(std::string_view text) {
  return text.empty() ? 0 : static_cast<std::size_t>(1 + std::count(text.begin(), text.end(), ' '));
}

// The words after the prompt; none where the search ends before its first step.
std::string completion_of(const tasks::Problem& problem, const search::Trace& trace) {
  const std::string words = search::write_compact(trace);
  if (words == problem.prompt) return "";
  require(words.starts_with(problem.prompt + " "), ErrorKind::internal, "a trace does not begin with \"{}\"",
          problem.prompt);
  return words.substr(problem.prompt.size() + 1);
}

// Depth-first search by the sum heuristic: solves nearly everything, at length.
std::string teacher_trace(const tasks::CountdownWorld& world, const tasks::Problem& problem) {
  const search::Solver depth_first{search::Heuristic::sum, 0};
  return completion_of(problem, search::run_solver(world, depth_first, problem.numbers, problem.target, Rng(0)));
}

int rubric_score(const tasks::Problem& problem, const std::string& words) {
  const auto trace = search::read_compact(problem.prompt + " " + words);
  const auto tree = search::build_tree(trace, problem.numbers, problem.target);
  const auto faults = [&](search::Fault kind) { return tree.counts[static_cast<std::size_t>(kind)]; };
  int64_t all = 0;
  for (const int64_t count : tree.counts) all += count;
  if (search::check_strict(trace, problem.numbers, problem.target).reward > 0.5) return all > 0 ? 4 : 5;
  if (faults(search::Fault::format) > 0) return 1;
  return all > 0 ? 2 : 3;
}

// A stream that depends on what is judged, so that a noisy oracle gives the same answer twice.
Rng stream_of(const rewards::Question& question) {
  const std::string hash = base::sha256_hex(base::dump(rewards::question_json(question)));
  return Rng(std::stoull(hash.substr(0, 16), nullptr, 16));
}

// Those whose teacher's search takes a step (depth first by the sum leaves every move of some problems out) and, with
// its end, fits the limit.
std::vector<tasks::Problem> searchable(const tasks::CountdownWorld& world, std::vector<tasks::Problem> problems,
                                       int64_t max_tokens) {
  std::erase_if(problems, [&](const tasks::Problem& p) {
    const auto words = static_cast<int64_t>(count_words(teacher_trace(world, p)));
    return words == 0 || words + 1 > max_tokens;
  });
  return problems;
}

// Slices of `prompts` problems, or of equal size where there are too few.
std::function<std::vector<tasks::Problem>(int64_t)> slices(std::vector<tasks::Problem> all, const Options& o) {
  const std::size_t size =
      std::min(static_cast<std::size_t>(o.prompts), all.size() / static_cast<std::size_t>(o.iterations));
  require(size > 0, ErrorKind::data, "{} prompts do not make {} rounds", all.size(), o.iterations);
  return [all = std::move(all), size](int64_t round) {
    const auto begin = all.begin() + static_cast<std::ptrdiff_t>(size * static_cast<std::size_t>(round - 1));
    return std::vector<tasks::Problem>(begin, begin + static_cast<std::ptrdiff_t>(size));
  };
}

World search_world(const Options& o, base::Pool& pool, Rng rng) {
  World out;
  const auto& world = tasks::countdown_world(o.traces.world);
  const auto draw = [&](search::SearchSplit split, int64_t count, Rng stream) {
    auto problems = searchable(world, search::draw_search_problems(world, split, count, stream), o.max_tokens);
    std::set<std::string> seen;
    std::erase_if(problems, [&](const tasks::Problem& p) { return !seen.insert(p.id).second; });
    return problems;
  };
  out.held_out = draw(search::SearchSplit::val, o.test + o.traces.check_problems, Rng(kHeldOutSeed));
  require(!out.held_out.empty(), ErrorKind::usage, "max_tokens = {} is too little for any search of {}", o.max_tokens,
          world.name);
  const std::size_t measured = std::min(out.held_out.size(), static_cast<std::size_t>(o.test));
  out.validation.assign(out.held_out.begin() + static_cast<std::ptrdiff_t>(measured), out.held_out.end());
  out.held_out.resize(measured);
  if (out.validation.empty()) out.validation = out.held_out;
  out.draw = slices(draw(search::SearchSplit::train, 2 * o.prompts * o.iterations, rng.fork("prompts")), o);
  out.teacher = [&world](const tasks::Problem& problem) { return teacher_trace(world, problem); };
  out.solved = search::verify_search;
  const auto oracle = [&](double noise) {
    return rewards::program_oracle(
        fmt::format("search rubric 1, noise {}", noise),
        [noise](const rewards::Question& q) { return rubric(q, noise); }, pool);
  };
  out.oracle = oracle(o.oracle.noise);
  out.fair = oracle(0);
  return out;
}

World file_world(const Options& o, Rng rng) {
  tasks::TaskOptions options;
  options.data = o.data;
  options.test_data = o.test_data;
  options.verifier = "exact";
  options.train_problems = INT64_MAX;
  options.test_problems = o.test;
  auto tasks = tasks::load_tasks(options, rng.fork("tasks"));
  World out;
  out.draw = slices(std::move(tasks.train), o);
  out.held_out = std::move(tasks.held_out);
  out.validation = out.held_out;
  out.teacher = [](const tasks::Problem& problem) { return problem.answer; };
  return out;
}

}  // namespace

World make_world(const Options& o, base::Pool& pool, Rng rng) {
  World world = o.data.empty() ? search_world(o, pool, rng) : file_world(o, rng);
  if (o.oracle.command.empty()) return world;
  constexpr double kGigabyte = 1 << 30;
  rewards::CommandOptions command{
      .command = o.oracle.command, .seconds = o.oracle.seconds, .in_flight = o.oracle.in_flight};
  command.limits.memory_bytes = static_cast<int64_t>(o.oracle.memory_gb * kGigabyte);
  world.oracle = world.fair = rewards::command_oracle(command);
  return world;
}

rewards::Judgement rubric(const rewards::Question& question, double noise) {
  constexpr double kNearShortest = 1.5;
  std::vector<double> scores;
  std::size_t shortest = SIZE_MAX;
  for (const auto& words : question.candidates) {
    scores.push_back(rubric_score(question.problem, words));
    if (scores.back() >= 4) shortest = std::min(shortest, count_words(words));
  }
  const Rng stream = noise > 0 ? stream_of(question) : Rng(0);
  for (std::size_t i = 0; i < scores.size(); ++i) {
    const bool is_short =
        static_cast<double>(count_words(question.candidates[i])) <= kNearShortest * static_cast<double>(shortest);
    if (scores[i] == 5 && is_short) scores[i] = 6;
    Rng draw = stream.fork("noise", {i});
    if (noise > 0 && draw.uniform() < noise) scores[i] = 1 + static_cast<double>(draw.below(6));
  }
  return {scores, rewards::wins_of_scores(scores)};
}

data::Example trace_record(const Options& o, const text::Tokenizer& tokenizer, Rng rng) {
  const auto& world = tasks::countdown_world(o.traces.world);
  for (uint64_t attempt = 0;; ++attempt) {
    require(attempt < 1000, ErrorKind::usage, "max_tokens = {} is too little for searches of {}", o.max_tokens,
            world.name);
    const Rng stream = rng.fork("attempt", {attempt});
    const auto problem = search::draw_search_problems(world, search::SearchSplit::train, 1, stream.fork("problem"))[0];
    const auto trace = search::run_solver(world, search::draw_solver(stream.fork("solver")), problem.numbers,
                                          problem.target, stream.fork("order"));
    auto e = data::search_example(trace, tokenizer, INT64_MAX);
    if (std::count(e.loss_mask.begin(), e.loss_mask.end(), 1) > o.max_tokens) continue;
    return e;
  }
}

}  // namespace hone::recipes::dno
