// One nullable argument that reads or replaces activations at named sites.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <string_view>

namespace hone::nn {

/// Called with a site ("blocks.2.attn.out") and its activation; returns what the forward pass goes on with.
struct Trace {
  std::function<at::Tensor(std::string_view site, const at::Tensor& value)> visit;
};

inline at::Tensor at_site(const Trace* trace, std::string_view site, const at::Tensor& value) {
  return trace ? trace->visit(site, value) : value;
}

}  // namespace hone::nn
