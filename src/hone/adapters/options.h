// Options of low-rank adaptation (torch-free).
#pragma once

#include "hone/base/options.h"

#include <cstdint>
#include <string>

namespace hone::adapters {

/// LoRA (arXiv:2106.09685): the base is frozen, and what is trained are small matrices beside its maps.
struct LoraOptions {
  int64_t rank = 0;
  double alpha = 32, dropout = 0;
  bool rslora = false;
  std::string targets = "all-linear";

  bool on() const { return rank > 0; }

  void visit(base::OptionVisitor& v) {
    v.field("rank", rank,
            {.help = "rank r of every addition; 0 = off: all numbers are trained", .min = 0, .max = 65536});
    v.field("alpha", alpha,
            {.help = "the addition is multiplied by alpha / rank", .min = 1e-6, .max = 1e6, .source = "§4.1"});
    v.field("dropout", dropout, {.help = "dropout on what the additions see, in training", .min = 0, .max = 0.99});
    v.field("rslora", rslora, {.help = "alpha / √rank instead, for high ranks", .source = "arXiv:2312.03732"});
    v.field("targets", targets,
            {.help = "all-linear, or PEFT's names of modules, comma-separated: q_proj,v_proj or c_attn",
             .source = "paper: q, v"});
  }
};

}  // namespace hone::adapters
