#include "hone/tasks/source.h"

#include "hone/base/error.h"
#include "hone/base/files.h"
#include "hone/tasks/search/trace.h"

#include <algorithm>
#include <set>

namespace hone::tasks {
namespace {

// Problems that early stopping looks at, at most.
constexpr int64_t kValidation = 256;

// What makes two problems of a file the same problem.
std::string identity(const Problem& p) {
  std::string text = p.prompt;
  for (const auto& m : p.messages) text += "\x1f" + m.role + "\x1e" + m.content;
  return text;
}

// One problem in five is held out, by its text alone.
bool held_out_by_hash(const Problem& p) {
  uint64_t hash = 1469598103934665603ULL;  // FNV-1a
  for (const unsigned char c : identity(p)) hash = (hash ^ c) * 1099511628211ULL;
  return Rng(hash).fork("held out").below(5) == 0;
}

void keep(std::vector<Problem>& problems, int64_t count) {
  if (static_cast<int64_t>(problems.size()) > count) problems.resize(static_cast<std::size_t>(count));
}

TaskSet from_files(const TaskOptions& o, Rng rng) {
  TaskSet set;
  auto all = read_problems(o.data, o.verifier);
  if (o.test_data.empty()) {
    for (auto& p : all) (held_out_by_hash(p) ? set.held_out : set.train).push_back(std::move(p));
  } else {
    set.held_out = read_problems(o.test_data, o.verifier);
    std::set<std::string> seen;
    for (const auto& p : set.held_out) seen.insert(identity(p));
    for (auto& p : all)
      if (!seen.count(identity(p))) set.train.push_back(std::move(p));
  }
  rng.fork("order").shuffle(set.train);
  keep(set.train, o.train_problems);
  keep(set.held_out, o.test_problems);
  require(!set.train.empty(), ErrorKind::data, "{}: no problem is left to train on", o.data);
  require(!set.held_out.empty(), ErrorKind::data,
          "{}: no problem is left to hold out; give more rows or a test_data file", o.data);
  return set;
}

}  // namespace

TaskSet load_tasks(const TaskOptions& o, Rng rng) {
  TaskSet set;
  if (!o.data.empty()) {
    set = from_files(o, rng.fork("file"));
  } else {
    const auto& world = countdown_world(o.world);
    set.train = draw_problems(world, Split::train, o.train_problems, rng.fork("train problems"));
    const int64_t left = std::max<int64_t>(0, solvable_pairs(world, Split::held_out) - o.test_problems);
    const int64_t validation = std::min(kValidation, left);
    set.held_out = draw_problems(world, Split::held_out, o.test_problems + validation, Rng(20240917).fork("held-out problems"));
    set.validation.assign(set.held_out.end() - validation, set.held_out.end());
    keep(set.held_out, o.test_problems);
    if (set.validation.empty()) {  // every held-out problem is measured on: the training side is what is left to look at
      set.validation = set.train;
      keep(set.validation, kValidation);
    }
  }
  set.verifier = make_verifier(o.verifier);
  if (o.verifier == "search" && o.data.empty()) {
    // What is asked for is a search, in the words that stream_of_search's models have learnt.
    for (auto* side : {&set.train, &set.held_out, &set.validation})
      for (auto& p : *side) p.prompt = search::compact_prompt(p.numbers, p.target);
  } else if (o.data.empty() && o.countdown_notation() == Notation::visible) {
    // The verifier takes bare expressions too; a model paid for them would stop showing its results.
    set.verifier = [inner = set.verifier](const Problem& problem, std::string_view completion) {
      if (completion.find('=') == std::string_view::npos) return Verdict{0, "states no result"};
      return inner(problem, completion);
    };
  }
  return set;
}

std::vector<Problem> draw(const std::vector<Problem>& from, int64_t count, Rng rng) {
  std::vector<Problem> out;
  for (int64_t i = 0; i < count; ++i) out.push_back(from[rng.below(from.size())]);
  return out;
}

}  // namespace hone::tasks
