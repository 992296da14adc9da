// Options of the Game of 24. The preset values are in options.cpp.
#pragma once

#include "hone/base/options.h"
#include "hone/models/decoder_config.h"
#include "hone/train/fit_options.h"

namespace hone::recipes::game24 {

struct Options : base::Options {
  models::ModelOptions fresh;
  train::FitOptions fit;
  double search = 0.5, checks = 0.35, wide = 0.6, doubt = 0.02;
  int64_t checks_each = 12, highest = 20;
  int64_t max_tokens = 600, samples = 16, test_puzzles = 681;
  std::string orders = "all";

  void visit(base::OptionVisitor& v) override;
};

}  // namespace hone::recipes::game24
