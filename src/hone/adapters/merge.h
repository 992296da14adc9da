// A decoder with its adapter's products in its weights, in place, and back again.
#pragma once

#include "hone/models/decoder.h"

#include <utility>
#include <vector>

namespace hone::adapters {

/// While one lives, W + Σ scale B A stands in the place of every adapted W, in float32, and the adapter is switched
/// off. At the end W is what it was bit for bit, from a saved copy: subtracting would round.
///
/// Whoever shares the decoder's storage sees the merged weights too: nothing else may use them meanwhile.
/// Cost: memory for a copy of the adapted maps. Nearest relative: models::merged, in storage of its own.
class Merge {
 public:
  explicit Merge(models::Decoder& decoder);
  ~Merge();
  Merge(const Merge&) = delete;
  Merge& operator=(const Merge&) = delete;

 private:
  struct Saved {
    nn::Linear* map;
    at::Tensor weight;
    nn::LowRank delta;
  };
  models::Decoder& decoder_;
  models::Adapter adapter_;
  std::vector<Saved> saved_;
};

}  // namespace hone::adapters
