// Work on a device that is launched again and again with the same tensors.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <memory>

namespace hone::generate {

/// Runs `work`, which must read and write the same tensors every time and never wait for the device. On CUDA, where
/// hone was built with CUDA's headers, its launches are captured into a graph the first time and replayed afterwards:
/// one launch instead of hundreds. Elsewhere it is called.
class Replay {
 public:
  Replay(std::function<void()> work, const at::Device& device);
  ~Replay();
  void run();

 private:
  struct Graph;
  std::function<void()> work_;
  std::unique_ptr<Graph> graph_;
};

}  // namespace hone::generate
