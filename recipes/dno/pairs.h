// From judged candidates to pairs: the filter of DNO's Algorithm 2 and the rules of its rivals.
#pragma once

#include "hone/base/options.h"
#include "hone/base/rng.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hone::recipes::dno {

/// One candidate of a prompt.
struct Candidate {
  enum class From { teacher, student } from = From::student;
  double score = 0;     ///< on the oracle's scale
  double win_rate = 0;  ///< r̂ in its pool, 0..1
  enum class Form {
    plain,
    repetitive
  } form = Form::plain;  ///< repetitive ones are never chosen, and lose to all that are
};

/// Which pairs of a prompt's candidates are trained on.
enum class PairRule {
  filtered,     ///< all that pass the filter: teacher over student, student over teacher, student over student (DNO)
  restrictive,  ///< those of them in which the teacher wins (DNO-Restrictive, offline DPO)
  gold,         ///< the teacher over every student sample, whatever the oracle says (SPIN)
  disjoint      ///< candidates drawn into pairs, each used at most once; the better win rate is "chosen" (Algorithm 1)
};

struct FilterOptions {
  double least = 5, margin = 2, student_margin = 1;
  int64_t repeats = 4;
  double repeated_share = 0.5;

  void visit(base::OptionVisitor& v) {
    v.field("least", least, {.help = "score that a chosen completion must have", .source = "arXiv:2404.03715"});
    v.field("margin", margin,
            {.help = "points by which the rejected one must be worse", .min = 0, .source = "arXiv:2404.03715"});
    v.field("student_margin", student_margin,
            {.help = "the same when the chosen one is the student's", .min = 0, .source = "arXiv:2404.03715"});
    v.field("repeats", repeats,
            {.help = "length of the n-grams looked at for repetition, in words", .min = 1, .max = 64});
    v.field("repeated_share", repeated_share,
            {.help = "share of repeated n-grams above which a completion counts as repetitive; 1 = off",
             .min = 0,
             .max = 1});
  }
};

/// Indices of two candidates.
struct Choice {
  std::size_t chosen = 0, rejected = 0;
  bool operator==(const Choice&) const = default;
};

/// The pairs of one prompt. `rng` is used by `disjoint` only.
std::vector<Choice> choose_pairs(const std::vector<Candidate>& candidates, PairRule rule, const FilterOptions& options,
                                 Rng rng);

/// "teacher_over_student", "student_over_teacher", "student_over_student".
const char* kind_of(const std::vector<Candidate>& candidates, const Choice& choice);

/// Share of a text's n-grams of words that occurred before in it; 0 for fewer than n words.
double repeated_share(std::string_view text, int64_t n);

/// How many pairs of an iteration `age` rounds back are trained on again: share · 2^(1 − age) of them.
std::size_t replayed(std::size_t pairs, int64_t age, double share);

}  // namespace hone::recipes::dno
