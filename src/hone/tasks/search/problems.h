// Problems of Stream of Search with their traces: drawing, splits, and the interchange rows.
#pragma once

#include "hone/base/json.h"
#include "hone/tasks/problem.h"
#include "hone/tasks/search/solvers.h"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hone::tasks::search {

/// train: targets that are seen in training. val: the same targets, inputs never seen with them. val_target: targets
/// that are never seen.
enum class SearchSplit { train, val, val_target };
/// "train", "val" or "val_target". Errors: usage with the nearest name.
SearchSplit search_split(std::string_view name);

/// The tenth of a world's targets (at least one) that is held out; the same for every seed. Errors: usage for a world
/// with fewer than two targets.
std::vector<int64_t> held_out_targets(const CountdownWorld& world);

/// `count` problems as the official generator draws them: a target uniformly, then numbers until they reach it (a
/// target that hardly any reach gives way to another one after 2,000 tries). Training problems may repeat; those of the
/// other splits are distinct. No (multiset, target) pair of `val` is ever in `train`, whatever the seed (split_of
/// decides). prompt = compact_prompt(). Errors: usage for a world with fractions, and when the world holds too few.
std::vector<Problem> draw_search_problems(const CountdownWorld& world, SearchSplit split, int64_t count, Rng rng);

/// A problem, a search for it, and the way there without search.
struct SearchRow {
  Numbers numbers;
  int64_t target = 0;
  Solver solver;  ///< the one that wrote `search`
  Trace search;
  Trace optimal;      ///< of first_solution()
  double rating = 0;  ///< of `search`; 0 when it fails, and when it succeeds after too many operations
};

/// The row of a problem with a solver drawn from the mixture. Errors: data if the problem has no solution.
SearchRow make_search_row(const CountdownWorld& world, const Problem& problem, Rng rng);

/// {"nums", "target", "search_path", "optimal_path", "search_type", "heuristic", "rating"}, the paths as text.
Json to_json(const SearchRow& row);

/// A trace of any writer, with the problem it is about.
struct TraceRow {
  std::string place;  ///< "traces.jsonl:12"
  Numbers numbers;
  int64_t target = 0;
  Trace trace;
  std::optional<Solver> solver;  ///< the one that wrote it, or its training trace, when the row names one
};

/// Calls use(row) for every row of a JSONL text. The trace, text or compact, is in "search_path", "trajectory",
/// "trace", "completion" (after "prompt", if there is one) or "text"; the problem in "nums" or "numbers" and "target",
/// otherwise in the trace's first state.
/// Errors: data, naming the place: no trace, no problem, bad JSON, no row.
void for_each_trace(std::string_view content, std::string_view name, const std::function<void(const TraceRow&)>& use);

}  // namespace hone::tasks::search
