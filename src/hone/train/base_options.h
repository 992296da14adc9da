// Options of a run's starting model (torch-free).
#pragma once

#include "hone/models/decoder_config.h"
#include "hone/train/fit_options.h"

namespace hone::train {

struct BaseOptions {
  std::string model;
  double accuracy = 0.5;
  double two_turn = 0.2, copy = 0.6, right = 0.7;
  models::ModelOptions fresh;
  FitOptions fit;

  /// `model` belongs to the recipe's own names (--model); the rest is a group.
  void visit(base::OptionVisitor& v) {
    v.field("accuracy", accuracy,
            {.help = "stop when greedy first-attempt accuracy on held-out problems reaches this", .min = 0, .max = 1, .source = "card"});
    v.field("two_turn", two_turn, {.help = "share of records with two attempts", .min = 0, .max = 1, .source = "card"});
    v.field("copy", copy, {.help = "in those, chance that attempt 2 repeats attempt 1", .min = 0, .max = 1, .source = "card"});
    v.field("right", right, {.help = "chance that an attempt of a record is a solution, not a random legal derivation", .min = 0, .max = 1});
    v.group("fresh", fresh);
    v.group("fit", fit);
  }
};

}  // namespace hone::train
