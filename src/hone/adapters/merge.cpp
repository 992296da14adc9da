#include "hone/adapters/merge.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

namespace hone::adapters {

Merge::Merge(models::Decoder& decoder) : decoder_(decoder), adapter_(std::exchange(decoder.adapter, {})) {
  decoder.visit_maps([&](const std::string&, nn::Linear& map) {
    if (!map.delta.defined()) return;
    saved_.push_back({&map, map.weight.detach().clone(), std::exchange(map.delta, {})});
  });
  for (const Saved& saved : saved_) nn::add_product(saved.delta, saved.map->weight.detach());
}

Merge::~Merge() {
  const at::NoGradGuard no_grad;
  for (const Saved& saved : saved_) {
    saved.map->weight.detach().copy_(saved.weight);
    saved.map->delta = saved.delta;
  }
  decoder_.adapter = adapter_;
}

}  // namespace hone::adapters
