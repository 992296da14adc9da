#include "hone/tasks/search/check.h"

#include "hone/tasks/rational.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace hone::tasks::search {
namespace {

// What a trace says its solution is: the events up to its first goal.
struct Claim {
  const Event* goal = nullptr;
  const Event* last_state = nullptr;
  const Event* last_explored = nullptr;
};

Claim claim_of(const Trace& trace) {
  Claim claim;
  for (const Event& event : trace) {
    if (event.kind == EventKind::state) claim.last_state = &event;
    if (event.kind == EventKind::explore && !event.operations.empty()) claim.last_explored = &event;
    if (event.kind != EventKind::goal) continue;
    claim.goal = &event;
    break;
  }
  return claim;
}

Verdict wrong(std::string reason) { return {0, std::move(reason)}; }

// What is wrong with the claim before its operations are looked at; "" when nothing is.
std::string gap_in(const Claim& claim) {
  if (claim.goal == nullptr) return "no goal reached";
  if (claim.last_state == nullptr) return "no state before the goal";
  if (claim.last_explored == nullptr) return "no operation before the goal";
  return "";
}

std::vector<Operation> operations_of(const Claim& claim) {
  std::vector<Operation> operations = claim.last_state->operations;
  operations.push_back(claim.last_explored->operations.front());
  return operations;
}

std::optional<Rational> value_of(const Operation& operation) {
  return apply({operation.a, 1}, operation.op, {operation.b, 1});
}

}  // namespace

Verdict check_strict(const Trace& trace, const Numbers& numbers, int64_t target) {
  const Claim claim = claim_of(trace);
  if (std::string gap = gap_in(claim); !gap.empty()) return wrong(std::move(gap));
  const std::vector<Operation> operations = operations_of(claim);
  Numbers left = numbers;
  for (const Operation& operation : operations) {
    for (const int64_t used : {operation.a, operation.b}) {
      const auto found = std::find(left.begin(), left.end(), used);
      if (found == left.end()) return wrong(fmt::format("{} uses {}, which is not there", to_text(operation), used));
      left.erase(found);
    }
    const std::optional<Rational> value = value_of(operation);
    if (!value || *value != Rational{operation.result, 1}) return wrong(to_text(operation) + " is not true");
    left.push_back(operation.result);
  }
  // Every operation takes two numbers and gives one, so one number left means n - 1 operations and all inputs used.
  if (left.size() != 1) return wrong(fmt::format("leaves {} numbers", left.size()));
  if (left.front() != target) return wrong(fmt::format("ends at {}, not {}", left.front(), target));
  return {1, ""};
}

Verdict check_lax(const Trace& trace) {
  if (trace.empty() || trace.front().kind != EventKind::state) return wrong("does not begin with a state");
  const int64_t target = trace.front().target;
  const Claim claim = claim_of(trace);
  if (std::string gap = gap_in(claim); !gap.empty()) return wrong(std::move(gap));
  if (claim.last_explored->operations.front().result != target)
    return wrong("the last operation does not give the target");
  // The official code splits an empty list into one empty operation and fails on it.
  if (claim.last_state->operations.empty()) return wrong("the last state lists no operation");
  Numbers known = trace.front().numbers;
  for (const Operation& operation : operations_of(claim)) {
    const std::optional<Rational> value = value_of(operation);
    if (!value || *value != Rational{operation.result, 1}) return wrong(to_text(operation) + " is not true");
    for (const int64_t used : {operation.a, operation.b}) {
      if (std::find(known.begin(), known.end(), used) == known.end())
        return wrong(fmt::format("{} uses {}, which is not there", to_text(operation), used));
    }
    known.push_back(operation.result);
  }
  return {1, ""};
}

double rating(const Trace& trace, std::size_t numbers, const Verdict& verdict) {
  if (verdict.reward < 0.5) return 0;
  double most = 1, explored = 1;
  for (std::size_t k = 2; k <= numbers; ++k) most *= 2.0 * static_cast<double>(k) * static_cast<double>(k - 1);
  for (const Event& event : trace) explored += event.kind == EventKind::explore;
  return std::max(0.0, 1 - explored / most);
}

Verdict verify_search(const Problem& problem, std::string_view completion) {
  const Trace trace = read_compact(compact_prompt(problem.numbers, problem.target) + " " + std::string(completion));
  return check_strict(trace, problem.numbers, problem.target);
}

}  // namespace hone::tasks::search
