// Options of the Game of 24. The preset values are in options.cpp.
#pragma once

#include "hone/base/options.h"
#include "hone/models/decoder_config.h"
#include "hone/train/fit_options.h"

namespace hone::recipes::game24 {

struct Options : base::Options {
  models::ModelOptions fresh;
  train::FitOptions fit;
  double search = 0.6, checks = 0.3, wide = 0.15, doubt = 0.05, hopeless = 0.1;
  int64_t checks_each = 24, highest = 20;
  int64_t max_tokens = 600, samples = 16, test_puzzles = 681;
  std::string orders = "all";

  void visit(base::OptionVisitor& v) override;
};

}  // namespace hone::recipes::game24
