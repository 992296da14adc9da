#include "hone/generate/replay.h"

#include <utility>

#if HONE_CUDA_GRAPHS
#include <ATen/cuda/CUDAContext.h>
#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDAGuard.h>
#endif

namespace hone::generate {

#if HONE_CUDA_GRAPHS

struct Replay::Graph {
  at::cuda::CUDAGraph graph;
  bool captured = false;
};

Replay::Replay(std::function<void()> work, const at::Device& device)
    : work_(std::move(work)), graph_(device.is_cuda() ? new Graph : nullptr) {}

void Replay::run() {
  if (!graph_) return work_();
  if (graph_->captured) return graph_->graph.replay();
  // Once in earnest, which also makes the libraries set themselves up: they may not do that while a graph is captured.
  // Both on a stream of their own, since the default stream can't be captured.
  const auto before = at::cuda::getCurrentCUDAStream();
  const auto side = at::cuda::getStreamFromPool();
  before.synchronize();
  {
    const c10::cuda::CUDAStreamGuard guard(side);
    work_();
    side.synchronize();
    graph_->graph.capture_begin();
    work_();
    graph_->graph.capture_end();
  }
  graph_->captured = true;  // captured work has not run: what the first call did stands
}

#else

struct Replay::Graph {};

Replay::Replay(std::function<void()> work, const at::Device&) : work_(std::move(work)) {}

void Replay::run() { work_(); }

#endif

Replay::~Replay() = default;

}  // namespace hone::generate
