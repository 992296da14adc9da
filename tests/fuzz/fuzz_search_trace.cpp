// One text as a trace, in lines and in compact words: read, built into a tree, judged, measured and written again.
#include "hone/base/error.h"
#include "hone/tasks/search/check.h"
#include "hone/tasks/search/measures.h"
#include "hone/tasks/search/problems.h"

#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace {

using namespace hone::tasks::search;

void must(bool holds) {
  if (!holds) std::abort();
}

void use(const Trace& trace) {
  const Numbers numbers = {4, 9, 3};
  const SearchTree tree = build_tree(trace, numbers, 24);
  int64_t faults = 0;
  for (const int64_t count : tree.counts) faults += count;
  must(faults <= 4 * static_cast<int64_t>(trace.size()) + 1);
  must(tree.faults.size() <= kMostFaults && tree.nodes.size() <= 1 + trace.size());
  for (std::size_t i = 0; i < tree.nodes.size(); ++i) must(tree.nodes[i].parent < static_cast<int64_t>(i));
  const hone::tasks::Verdict strict = check_strict(trace, numbers, 24), lax = check_lax(trace);
  must((strict.reward > 0) == strict.reason.empty() && (lax.reward > 0) == lax.reason.empty());
  must(rating(trace, numbers.size(), strict) >= 0 && rating(trace, numbers.size(), strict) < 1);
  SearchTable table;
  table.add(measure(hone::tasks::countdown_world("cd3"), numbers, 24, trace, Compare::alone), {});
  table.to_json();
  tree_json(tree, 20);
  must(read_text(write_text(trace)).size() <= trace.size());
  try {
    must(read_compact(write_compact(trace)) == trace);
  } catch (const hone::Error&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  const std::string_view content(reinterpret_cast<const char*>(data), size);
  use(read_text(content));
  use(read_compact(content));
  use(read_any(content));
  try {
    for_each_trace(content, "fuzz.jsonl", [](const TraceRow& row) { build_tree(row.trace, row.numbers, row.target); });
  } catch (const hone::Error&) {
  }
  return 0;
}
