#include "hone/generate/replay.h"

#include "hone/tensor/compat.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace hone::generate {
namespace {

// On a machine with a GPU the same through a captured graph.
TEST(Replay, EveryRunDoesTheWorkOnce) {
  std::vector<at::Device> devices{at::kCPU};
  if (tensor::has_cuda()) devices.emplace_back(at::kCUDA);
  for (const at::Device& device : devices) {
    const auto in = at::ones({3}, at::TensorOptions(device)), out = at::zeros({3}, at::TensorOptions(device));
    Replay replay([&] { at::Tensor(out).add_(in * 2); }, device);
    for (int run = 1; run <= 4; ++run) {
      at::Tensor(in).fill_(run);
      replay.run();
      EXPECT_EQ(out.sum().item<double>(), 3 * run * (run + 1)) << device;  // 2·(1 + … + run), three times
    }
  }
}

}  // namespace
}  // namespace hone::generate
