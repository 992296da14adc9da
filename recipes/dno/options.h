// Options of DNO. The preset values are in options.cpp.
#pragma once

#include "hone/adapters/options.h"
#include "hone/base/options.h"
#include "hone/train/base_options.h"
#include "hone/train/pair_options.h"
#include "recipes/dno/pairs.h"

#include <string>
#include <vector>

namespace hone::recipes::dno {

/// The Countdown search that student and teacher write, when there are no data.
struct TraceOptions {
  std::string world = "cd3";
  double accuracy = 0.5;
  int64_t check_problems = 256;

  void visit(base::OptionVisitor& v);
};

/// Who judges.
struct OracleOptions {
  std::string command;
  double seconds = 60, memory_gb = 2, noise = 0.05;
  int64_t in_flight = 8;

  void visit(base::OptionVisitor& v);
};

struct Options : base::Options {
  std::string data, test_data, model;
  std::string arms = "sft,offline_dpo,spin,dno_restrictive,dno,dno_mixture,dno_lookahead";
  int64_t iterations = 3, prompts = 4000, samples = 5, test = 1000, max_tokens = 256;
  double temperature = 0.7, top_p = 0.95, replay = 0.3;
  int64_t offline_epochs = 4;
  int64_t game_steps = 400;
  TraceOptions traces;
  OracleOptions oracle;
  FilterOptions filter;
  models::ModelOptions fresh;
  train::FitOptions base, sft;
  train::PairOptions pairs;
  adapters::LoraOptions lora;

  void visit(base::OptionVisitor& v) override;
};

/// Every arm of the card, in the order they are shown.
const std::vector<std::string>& arm_names();
/// "dno,spin" → its parts; "all" → every one. Errors: usage with the nearest arm, and for an arm that needs `dno`
/// before it (dno_mixture, dno_lookahead).
std::vector<std::string> parse_arms(const std::string& list);
/// Errors: usage for an unknown or misplaced arm, and for prompts of a file without a judge.
void check(const base::Options& options);

}  // namespace hone::recipes::dno
