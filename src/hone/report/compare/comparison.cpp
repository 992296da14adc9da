#include "hone/report/compare/comparison.h"

#include "hone/base/error.h"
#include "hone/report/bootstrap.h"
#include "hone/report/compare/verdict.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <system_error>

namespace hone::report {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostArms = 60, kMostMetrics = 12;
const Interval kUnknown{NAN, NAN, NAN};

std::string letter_of(std::size_t run) {
  return run < 26 ? std::string(1, static_cast<char>('A' + run)) : fmt::format("R{}", run + 1);
}

// Canonical paths, each once, in the order named.
std::vector<fs::path> different_runs(const std::vector<fs::path>& runs, std::vector<std::string>& notes) {
  std::vector<fs::path> found;
  for (const fs::path& run : runs) {
    std::error_code code;
    const fs::path real = fs::canonical(run, code);
    require(!code, ErrorKind::usage, "{}: {}", run.string(), code.message());
    if (std::find(found.begin(), found.end(), real) == found.end())
      found.push_back(real);
    else
      notes.push_back(fmt::format("{} was named twice and is compared once.", real.filename().string()));
  }
  for (const fs::path& part : found) {
    for (const fs::path& whole : found) {
      const auto [end, at] = std::mismatch(whole.begin(), whole.end(), part.begin(), part.end());
      if (part == whole || end != whole.end()) continue;
      throw Error(ErrorKind::usage, fmt::format("{} is a part of {}", part.string(), whole.string()),
                  "compare runs, or seeds of one run with each other");
    }
  }
  if (found.size() < 2) {
    throw Error(
        ErrorKind::usage,
        fmt::format("{} alone: a comparison needs two different runs", found.empty() ? "no run" : found[0].string()),
        "name another run; hone ls runs lists them");
  }
  return found;
}

// Results that can't be read must not shrink a comparison silently; what a killed run lacks is noted.
void require_results(const ComparedRun& run) {
  for (const RunFolder* seed : seed_folders(run.folder)) {
    for (const std::string& note : seed->missing) {
      for (const char* file : {"summary.json", "outcomes.json", "run.json"}) {
        if (note.starts_with(file) && note != fmt::format("{} is missing", file)) {
          throw Error(ErrorKind::format, (seed->dir / note).string(), "restore the file, or leave this run out");
        }
      }
    }
  }
  if (!run.seeds.empty() && !run.metrics.empty()) return;
  std::string what = "no metrics in summary.json";
  for (const std::string& note : run.folder.missing) {
    const bool is_of_results = note.ends_with("is missing") && note.find(".jsonl") == std::string::npos;
    if (!is_of_results) continue;
    what = note;
    break;
  }
  throw Error(ErrorKind::data, fmt::format("{}: no results to compare: {}", run.folder.dir.string(), what),
              "let the run finish (hone run --resume), or leave it out");
}

ComparedRun read_run(const fs::path& dir, std::size_t index) {
  ComparedRun run;
  run.letter = letter_of(index);
  run.folder = read_run_folder(dir);
  run.seeds = outcomes_of(run.folder);
  try {
    for (SeedOutcomes& seed : run.seeds) add_two_turn_metrics(seed);
    run.summary = summary_of(run.folder);
  } catch (const Error& error) {
    throw Error(error.kind(), fmt::format("{}: {}", dir.string(), error.what()), "leave this run out");
  }
  run.metrics = metric_specs(run.summary);
  require_results(run);
  const Json& arms = member(run.summary, "arms");
  require(arms.is_object() && !arms.empty(), ErrorKind::data, "{}: summary.json lists no arms", dir.string());
  run.base = text_at(run.summary, "base");
  run.improved = text_at(run.summary, "improved");
  if (!arms.contains(run.improved)) run.improved = std::prev(arms.end()).key();
  return run;
}

// What a metric measures: equal texts are one thing. Recipes of one attempt and of two call the first answer, taken
// greedily, by two names.
std::string meaning_of(const MetricSpec& spec) {
  const auto is_mean_of = [&](const char* vector) {
    return spec.terms.size() == 1 && spec.terms[0].first == vector && spec.terms[0].second == 1;
  };
  if (spec.unit == "%" && (is_mean_of("greedy") || is_mean_of("t1"))) return "first greedy answer";
  std::string text = spec.name + "|" + spec.unit;
  for (const auto& [vector, weight] : spec.terms) text += fmt::format("|{} {}", weight, vector);
  return text;
}

const MetricSpec* spec_of(const ComparedRun& run, const std::string& meaning) {
  for (const MetricSpec& spec : run.metrics) {
    if (meaning_of(spec) == meaning) return &spec;
  }
  return nullptr;
}

// Each meaning that two runs have, once, with all labels it goes by.
std::vector<SharedMetric> shared_metrics(const std::vector<ComparedRun>& runs) {
  std::vector<SharedMetric> shared;
  std::set<std::string> seen;
  for (const ComparedRun& run : runs) {
    for (const MetricSpec& spec : run.metrics) {
      const std::string meaning = meaning_of(spec);
      if (!seen.insert(meaning).second || shared.size() == kMostMetrics) continue;
      SharedMetric metric{spec.name, spec.label, spec.unit, meaning};
      std::size_t holders = 0;
      for (const ComparedRun& other : runs) {
        const MetricSpec* theirs = spec_of(other, meaning);
        holders += theirs != nullptr;
        if (theirs && metric.label.find(theirs->label) == std::string::npos) metric.label += " = " + theirs->label;
      }
      if (holders > 1) shared.push_back(std::move(metric));
    }
  }
  return shared;
}

// A name that two runs give to different things invites a comparison that would be wrong.
void note_false_friends(const Comparison& all, std::vector<std::string>& notes) {
  std::map<std::string, std::pair<std::string, std::string>> known;  // label: meaning and the run that has it
  std::set<std::string> said;
  for (const ComparedRun& run : all.runs) {
    for (const MetricSpec& spec : run.metrics) {
      const auto& [meaning, letter] = known.try_emplace(spec.label, meaning_of(spec), run.letter).first->second;
      if (meaning == meaning_of(spec) || !said.insert(spec.label).second) continue;
      notes.push_back(fmt::format("\"{}\" is made of other outcomes in {} than in {}: it is not compared.", spec.label,
                                  run.letter, letter));
    }
  }
}

void note_unshared(const Comparison& all, std::vector<std::string>& notes) {
  for (const ComparedRun& run : all.runs) {
    std::string labels;
    for (const MetricSpec& spec : run.metrics) {
      const bool shared = std::any_of(all.metrics.begin(), all.metrics.end(),
                                      [&](const SharedMetric& m) { return m.meaning == meaning_of(spec); });
      if (!shared) labels += (labels.empty() ? "" : ", ") + spec.label;
    }
    if (labels.empty()) continue;
    notes.push_back(
        fmt::format("Only {} reports {}: the other runs measure no such thing, so it is left out here; "
                    "its own report has it.",
                    run.letter, labels));
  }
}

ComparedArm arm_of(const Comparison& all, std::size_t index, const std::string& name) {
  const ComparedRun& run = all.runs[index];
  const Json& arm = member(member(run.summary, "arms"), name);
  const std::string label = text_at(arm, "label");
  ComparedArm row{index, name, label.empty() ? name : label, "other", {}};
  if (name == run.improved)
    row.kind = "improved";
  else if (name == run.base)
    row.kind = "base";
  for (const SharedMetric& metric : all.metrics) {
    Cell cell{kUnknown, kUnknown, {}};
    if (const MetricSpec* spec = spec_of(run, metric.meaning)) {
      const Json& value = member(member(arm, "values"), spec->name);
      cell.value = {number_at(value, "mean"), number_at(value, "low"), number_at(value, "high")};
      const Json& seeds = member(value, "per_seed");
      for (std::size_t i = 0; seeds.is_array() && i < seeds.size(); ++i) {
        if (seeds[i].is_number()) cell.per_seed.push_back(seeds[i].get<double>());
      }
    }
    row.cells.push_back(std::move(cell));
  }
  return row;
}

void add_arms(Comparison& all) {
  std::size_t left_out = 0;
  for (std::size_t r = 0; r < all.runs.size(); ++r) {
    const Json& arms = member(all.runs[r].summary, "arms");
    const std::size_t room = std::max<std::size_t>(2, kMostArms / all.runs.size());
    std::size_t taken = 0;
    for (const auto& [name, arm] : arms.items()) {
      const bool is_needed = name == all.runs[r].improved || name == all.runs[r].base;
      if (taken >= room && !is_needed) {
        ++left_out;
        continue;
      }
      if (r == 0 && name == all.runs[r].improved) all.reference = all.arms.size();
      all.arms.push_back(arm_of(all, r, name));
      ++taken;
    }
  }
  if (left_out > 0) all.notes.push_back(fmt::format("{} more arms are left out of this page.", left_out));
}

std::vector<Term> terms_of(const MetricSpec& spec, const std::string& arm) {
  std::vector<Term> terms;
  for (const auto& [vector, weight] : spec.terms) terms.push_back({arm, vector, weight});
  return terms;
}

void note_scope(Comparison& all) {
  for (const ComparedRun& run : all.runs) {
    if (&run != &all.runs[0] && !all.metrics.empty()) {
      all.notes.push_back(
          run.unpaired.empty()
              ? fmt::format(
                    "{} holds out the same problems as A (by their options): differences are paired by problem.",
                    run.letter)
              : fmt::format("{} is compared with A unpaired, since {}; intervals are wider than by problem.",
                            run.letter, run.unpaired));
    }
    if (run.seeds.size() < 3) {
      all.notes.push_back(fmt::format("{} has {} seed{}: how much training itself varies is {} in its intervals.",
                                      run.letter, run.seeds.size(), run.seeds.size() == 1 ? "" : "s",
                                      run.seeds.size() == 1 ? "not" : "hardly"));
    }
    for (const std::string& note : run.folder.missing) all.notes.push_back(fmt::format("{}: {}", run.letter, note));
  }
}

// Differences of some metrics between two arms.
std::vector<Interval> differences_of(const Comparison& all, const ComparedArm& left, const ComparedArm& right,
                                     const std::vector<std::size_t>& metrics) {
  const ComparedRun &one = all.runs[left.run], &other = all.runs[right.run];
  Side plus{one.seeds, {}}, minus{other.seeds, {}};
  for (const std::size_t m : metrics) {
    plus.sums.push_back(terms_of(*spec_of(one, all.metrics[m].meaning), left.name));
    minus.sums.push_back(terms_of(*spec_of(other, all.metrics[m].meaning), right.name));
  }
  if (left.run != right.run)
    return differences(plus, minus, is_paired(all, left, right) ? Pairing::by_problem : Pairing::none, interval_rng());
  for (std::size_t k = 0; k < metrics.size(); ++k) {
    for (const Term& term : minus.sums[k]) plus.sums[k].push_back({term.arm, term.metric, -term.weight});
  }
  std::vector<Interval> intervals;
  for (const Estimate& estimate : estimate_all(one.seeds, plus.sums, interval_rng()))
    intervals.push_back(estimate.interval);
  return intervals;
}

}  // namespace

bool is_paired(const Comparison& all, const ComparedArm& left, const ComparedArm& right) {
  if (left.run == right.run) return true;
  return why_unpaired(all.runs[std::min(left.run, right.run)], all.runs[std::max(left.run, right.run)]).empty();
}

std::vector<Interval> arm_differences(const Comparison& all, const ComparedArm& left, const ComparedArm& right) {
  std::vector<Interval> found(all.metrics.size(), kUnknown);
  std::vector<std::size_t> both;
  for (std::size_t m = 0; m < all.metrics.size(); ++m) {
    if (std::isfinite(left.cells[m].value.mean) && std::isfinite(right.cells[m].value.mean)) both.push_back(m);
  }
  const auto fill = [&](const std::vector<std::size_t>& some) {
    try {
      const std::vector<Interval> intervals = differences_of(all, left, right, some);
      for (std::size_t k = 0; k < some.size(); ++k) found[some[k]] = intervals[k];
      return true;
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::data) throw;
      return false;  // summary.json may name numbers whose outcomes are not kept, or were counted differently
    }
  };
  if (fill(both)) return found;
  for (const std::size_t m : both) fill({m});
  return found;
}

Comparison compare(const std::vector<fs::path>& runs) {
  Comparison all;
  const std::vector<fs::path> dirs = different_runs(runs, all.notes);
  for (std::size_t i = 0; i < dirs.size(); ++i) all.runs.push_back(read_run(dirs[i], i));
  for (std::size_t i = 1; i < all.runs.size(); ++i) all.runs[i].unpaired = why_unpaired(all.runs[0], all.runs[i]);
  all.metrics = shared_metrics(all.runs);
  add_arms(all);
  for (ComparedArm& arm : all.arms) {
    if (&arm == &all.arms[all.reference]) continue;
    const std::vector<Interval> intervals = arm_differences(all, arm, all.arms[all.reference]);
    for (std::size_t m = 0; m < all.metrics.size(); ++m) arm.cells[m].difference = intervals[m];
  }
  all.headline = headline_of(all);
  note_false_friends(all, all.notes);
  note_unshared(all, all.notes);
  note_scope(all);
  return all;
}

}  // namespace hone::report
