// Options of supervised fine-tuning. The preset values are in options.cpp.
#pragma once

#include "hone/adapters/options.h"
#include "hone/base/options.h"
#include "hone/models/decoder_config.h"
#include "hone/train/fit_options.h"

namespace hone::recipes::sft {

struct Options : base::Options {
  std::string data, test_data, model;
  std::string world = "cd3";
  int64_t records = 2000;
  double held_out = 0.1;
  std::string too_long = "refuse";
  models::ModelOptions fresh;
  train::FitOptions fit;
  adapters::LoraOptions lora;

  void visit(base::OptionVisitor& v) override;
};

}  // namespace hone::recipes::sft
