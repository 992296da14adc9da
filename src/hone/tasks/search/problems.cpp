#include "hone/tasks/search/problems.h"

#include "hone/base/error.h"
#include "hone/base/text_match.h"
#include "hone/tasks/countdown_walk.h"
#include "hone/tasks/jsonl.h"
#include "hone/tasks/search/check.h"
#include "hone/tasks/search/scan.h"

#include <algorithm>
#include <numeric>
#include <set>
#include <utility>

namespace hone::tasks::search {
namespace {

// So many draws in a row without a new problem: the world is used up.
constexpr int kMostMisses = 1'000'000;
// So many draws for one target: hardly any numbers reach it, and another one is tried.
constexpr int kMostTries = 2'000;

bool reaches(const CountdownWorld& world, const Numbers& numbers, int64_t target) {
  const Walk outcome = walk_all(world, numbers, [&](const Derivation&, Rational end) {
    return end == Rational{target, 1} ? Walk::stop : Walk::go_on;
  });
  return outcome == Walk::stop;
}

std::vector<int64_t> targets_of(const CountdownWorld& world, SearchSplit split) {
  const std::vector<int64_t> held_out = held_out_targets(world);
  if (split == SearchSplit::val_target) return held_out;
  std::vector<int64_t> targets;
  for (int64_t target = world.target_low; target <= world.target_high; ++target) {
    if (!std::binary_search(held_out.begin(), held_out.end(), target)) targets.push_back(target);
  }
  return targets;
}

bool belongs(const Numbers& numbers, int64_t target, SearchSplit split) {
  if (split == SearchSplit::val_target) return true;
  return (split_of(numbers, target) == Split::train) == (split == SearchSplit::train);
}

Problem problem_of(const Numbers& numbers, int64_t target) {
  Problem problem;
  problem.id = fmt::format("search:{}->{}", fmt::join(numbers, ","), target);
  problem.prompt = compact_prompt(numbers, target);
  problem.numbers = numbers;
  problem.target = target;
  return problem;
}

// Numbers of a row's field; false if there are none.
bool read_numbers(const Json& row, const std::string& place, Numbers& numbers) {
  for (const char* field : {"nums", "numbers"}) {
    const Json* list = find_field(row, field);
    if (list == nullptr) continue;
    require(list->is_array() && !list->empty() && list->size() <= kMostMembers, ErrorKind::data,
            "{}: \"{}\" is not a list of 1 to {} numbers", place, field, kMostMembers);
    for (const Json& one : *list) {
      require(one.is_number_integer(), ErrorKind::data, "{}: \"{}\" holds {}, not a whole number", place, field,
              one.type_name());
      numbers.push_back(one.get<int64_t>());
    }
    return true;
  }
  return false;
}

std::string trace_text(const Json& row, const std::string& place) {
  for (const char* field : {"search_path", "trajectory", "trace", "completion", "text"}) {
    const Json* found = find_field(row, field);
    if (found == nullptr) continue;
    require(found->is_string(), ErrorKind::data, "{}: \"{}\" is {}, not a text", place, field, found->type_name());
    const Json* prompt = std::string_view(field) == "completion" ? find_field(row, "prompt") : nullptr;
    const bool follows = prompt != nullptr && prompt->is_string();
    return (follows ? prompt->get<std::string>() + "\n" : "") + found->get<std::string>();
  }
  fail(ErrorKind::data, "{}: no trace; one of \"search_path\", \"trajectory\", \"trace\", \"completion\", \"text\"",
       place);
}

std::optional<Solver> solver_named(const Json& row) {
  const Json *type = find_field(row, "search_type"), *heuristic = find_field(row, "heuristic");
  if (type == nullptr || heuristic == nullptr || !type->is_string() || !heuristic->is_string()) return {};
  return find_solver(type->get_ref<const std::string&>(), heuristic->get_ref<const std::string&>());
}

}  // namespace

SearchSplit search_split(std::string_view name) {
  if (name == "train") return SearchSplit::train;
  if (name == "val") return SearchSplit::val;
  if (name == "val_target") return SearchSplit::val_target;
  const std::vector<std::string> known = {"train", "val", "val_target"};
  fail(ErrorKind::usage, "no split called \"{}\"{}", name, base::suggestion(name, known));
}

std::vector<int64_t> held_out_targets(const CountdownWorld& world) {
  std::vector<int64_t> targets(static_cast<std::size_t>(world.target_high - world.target_low + 1));
  require(targets.size() >= 2, ErrorKind::usage, "{} has {} target; to hold some out it needs 2", world.name,
          targets.size());
  std::iota(targets.begin(), targets.end(), world.target_low);
  Rng(20240402).fork("held-out targets").shuffle(targets);
  targets.resize(std::max<std::size_t>(1, targets.size() / 10));
  std::sort(targets.begin(), targets.end());
  return targets;
}

std::vector<Problem> draw_search_problems(const CountdownWorld& world, SearchSplit split, int64_t count, Rng rng) {
  require(!world.fractions, ErrorKind::usage, "{} has fractions; the search language knows whole numbers only",
          world.name);
  const std::vector<int64_t> targets = targets_of(world, split);
  const auto range = static_cast<uint64_t>(world.high - world.low + 1);
  std::vector<Problem> problems;
  std::set<std::pair<Numbers, int64_t>> taken;
  int64_t target = targets[rng.below(targets.size())];
  for (int misses = 0; static_cast<int64_t>(problems.size()) < count; ++misses) {
    require(misses < kMostMisses, ErrorKind::usage, "{} problems of {} asked, but it seems to hold only {}", count,
            world.name, problems.size());
    Numbers numbers;
    for (int i = 0; i < world.count; ++i) numbers.push_back(world.low + static_cast<int64_t>(rng.below(range)));
    const bool fits = belongs(numbers, target, split) && reaches(world, numbers, target);
    if (fits && (split == SearchSplit::train || taken.insert({numbers, target}).second)) {
      problems.push_back(problem_of(numbers, target));
      misses = 0;
    }
    if (fits || misses % kMostTries == kMostTries - 1) target = targets[rng.below(targets.size())];
  }
  return problems;
}

SearchRow make_search_row(const CountdownWorld& world, const Problem& problem, Rng rng) {
  SearchRow row;
  row.numbers = problem.numbers;
  row.target = problem.target;
  row.solver = draw_solver(rng.fork("solver"));
  row.search = run_solver(world, row.solver, row.numbers, row.target, rng.fork("order"));
  const std::vector<Operation> solution = first_solution(world, row.numbers, row.target);
  require(!solution.empty(), ErrorKind::data, "{} has no solution in {}", problem.id, world.name);
  row.optimal = optimal_path(row.numbers, row.target, solution);
  row.rating = rating(row.search, row.numbers.size(), {is_solved(row.search) ? 1.0 : 0.0, ""});
  return row;
}

Json to_json(const SearchRow& row) {
  return {{"nums", row.numbers},
          {"target", row.target},
          {"search_path", write_text(row.search)},
          {"optimal_path", write_text(row.optimal)},
          {"search_type", search_type(row.solver)},
          {"heuristic", heuristic_name(row.solver)},
          {"rating", row.rating}};
}

void for_each_trace(std::string_view content, std::string_view name, const std::function<void(const TraceRow&)>& use) {
  for_each_row(content, name, [&](const Json& json, const std::string& place) {
    TraceRow row{.place = place};
    row.trace = read_any(trace_text(json, place));
    row.solver = solver_named(json);
    const bool states = !row.trace.empty() && row.trace.front().kind == EventKind::state;
    const Json* target = find_field(json, "target");
    if (read_numbers(json, place, row.numbers) && target != nullptr) {
      require(target->is_number_integer(), ErrorKind::data, "{}: \"target\" is {}, not a whole number", place,
              target->type_name());
      row.target = target->get<int64_t>();
    } else {
      require(states, ErrorKind::data, "{}: no \"nums\" and \"target\", and the trace does not begin with a state",
              place);
      row.numbers = row.trace.front().numbers;
      row.target = row.trace.front().target;
    }
    use(row);
  });
}

}  // namespace hone::tasks::search
