// Options of Stream of Search. The preset values are in options.cpp.
#pragma once

#include "hone/base/options.h"
#include "hone/models/decoder_config.h"
#include "hone/train/fit_options.h"

#include <string>

namespace hone::recipes::stream_of_search {

/// STaR on searches: sample, keep what is right, train on it from the search model.
struct StarOptions {
  int64_t iterations = 0, problems = 20000, samples = 1;
  train::FitOptions fit;

  void visit(base::OptionVisitor& v) {
    v.field("iterations", iterations,
            {.help = "rounds of STaR after sos; 0 = none", .min = 0, .max = 20, .source = "paper: 3"});
    v.field("problems", problems,
            {.help = "training problems sampled a round", .min = 1, .max = 1e8, .source = "paper: 200,000"});
    v.field("samples", samples, {.help = "searches sampled a problem", .min = 1, .max = 4096});
    v.group("fit", fit);
  }
};

struct Options : base::Options {
  std::string world = "cd3", arms = "all";
  int64_t problems = 100000, test_problems = 1000, max_tokens = 512;
  double temperature = 0.8;
  models::ModelOptions fresh;
  train::FitOptions fit;
  StarOptions star;

  void visit(base::OptionVisitor& v) override;
};

}  // namespace hone::recipes::stream_of_search
