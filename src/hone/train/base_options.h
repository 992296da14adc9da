// Options of a run's starting model (torch-free).
#pragma once

#include "hone/models/decoder_config.h"
#include "hone/train/fit_options.h"

namespace hone::train {

struct BaseOptions {
  std::string model;
  double accuracy = 0.5;
  double two_turn = 0.4, right = 0.85, first_right = 0.5, false_sum = 0.3, copy = 0.6, arithmetic = 0.25;
  models::ModelOptions fresh;
  FitOptions fit;

  /// `model` belongs to the recipe's own names (--model); the rest is a group.
  void visit(base::OptionVisitor& v) {
    v.field("accuracy", accuracy,
            {.help = "stop when greedy first-attempt accuracy on validation problems reaches this", .min = 0, .max = 1, .source = "card"});
    v.field("two_turn", two_turn, {.help = "share of records with two attempts", .min = 0, .max = 1, .source = "card: 0.2"});
    v.field("right", right,
            {.help = "chance that an attempt to be learned is a solution, not a random legal derivation", .min = 0, .max = 1});
    v.field("first_right", first_right,
            {.help = "two attempts: chance that the first is a solution", .min = 0, .max = 1});
    v.field("false_sum", false_sum,
            {.help = "two attempts: share of wrong first ones that end in a false sum", .min = 0, .max = 1});
    v.field("copy", copy,
            {.help = "two attempts: chance that the second repeats the first, right or wrong", .min = 0, .max = 1, .source = "card"});
    v.field("arithmetic", arithmetic,
            {.help = "share of the steps, at the start, on random legal derivations: sums before puzzles", .min = 0, .max = 1});
    v.group("fresh", fresh);
    v.group("fit", fit);
  }
};

}  // namespace hone::train
