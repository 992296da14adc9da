// Options of STaR. The preset values are in options.cpp.
#pragma once

#include "hone/adapters/options.h"
#include "hone/base/options.h"
#include "hone/train/base_options.h"

#include <string>
#include <vector>

namespace hone::recipes::star {

/// The addition ladder: what M0 is shown, and how far the sums go.
struct SumOptions {
  int64_t digits = 6, seed_digits = 2, seed_records = 2000, few_shot = 10;
  double hints = 0.3;

  void visit(base::OptionVisitor& v) {
    v.field("digits", digits, {.help = "longest addends of the ladder", .min = 1, .max = 12, .source = "card"});
    v.field("seed_digits", seed_digits,
            {.help = "longest addends that M0 has seen worked out", .min = 1, .max = 12, .source = "card"});
    v.field("seed_records", seed_records,
            {.help = "scratchpads that M0 learns from", .min = 1, .max = 1e7, .source = "card"});
    v.field("few_shot", few_shot,
            {.help = "scratchpads of each longer length that it learns from, each with and without a hint",
             .min = 0,
             .max = 1e6,
             .source = "paper: 10 in its prompt"});
    v.field("hints", hints, {.help = "share of them whose prompt gives the answer away", .min = 0, .max = 1});
  }
};

struct Options : base::Options {
  std::string data, test_data, verifier = "number", model;
  std::string hint = "{prompt}\n(The answer is {answer}.)";
  std::string arms = "star,star_rationalize,star_continue,direct";
  int64_t iterations = 12, problems = 5000, samples = 1, test = 500, max_tokens = 128, cap = 2;
  double temperature = 0;
  int64_t start_steps = 40;
  double grow = 1.2;
  SumOptions sums;
  models::ModelOptions fresh;
  train::FitOptions base, fit;
  adapters::LoraOptions lora;

  void visit(base::OptionVisitor& v) override;
};

/// Every arm of the card, in the order they are shown.
const std::vector<std::string>& arm_names();
/// "star,direct" → its parts; "all" → every one. Errors: usage with the nearest arm.
std::vector<std::string> parse_arms(const std::string& list);
/// Errors: usage for an unknown arm, and for a file of problems with a hint that holds no {answer}.
void check(const base::Options& options);

}  // namespace hone::recipes::star
