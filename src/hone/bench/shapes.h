// The models that are measured, by name (torch-free: the front program checks the names).
#pragma once

#include "hone/base/error.h"
#include "hone/base/text_match.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hone::bench {

/// When a shape is measured: always, with --all, or by its name only.
enum class Picked { always, all, named };

/// A decoder and the batch it is trained on. The feed-forward part has its family's usual width; the output projection
/// is the embedding.
struct Shape {
  std::string_view name;
  Picked picked;
  int64_t width, layers, heads;
  int64_t tokens, rows;  ///< of a training batch
  int64_t vocab, context;
};

inline constexpr Shape kShapes[] = {
    {"d128", Picked::always, 128, 4, 4, 128, 64, 64, 128},
    {"d256", Picked::always, 256, 6, 8, 256, 16, 64, 256},
    {"d384", Picked::all, 384, 6, 6, 256, 16, 64, 256},
    {"d768", Picked::all, 768, 12, 12, 256, 4, 64, 256},
    {"gpt2-124m", Picked::all, 768, 12, 12, 256, 4, 50257, 1024},
    {"gpt2-124m-t64", Picked::named, 768, 12, 12, 64, 4, 50257, 1024},  // the batch that llm.c trains on
    {"gpt2-30m", Picked::named, 384, 6, 6, 256, 4, 50257, 1024},
    {"d128-short", Picked::named, 128, 4, 4, 32, 256, 64, 64},  // number puzzles
    {"d128-long", Picked::all, 128, 4, 4, 2048, 4, 64, 2048},
    {"d128-vocab", Picked::all, 128, 4, 4, 128, 16, 50257, 128},
};

/// The shape called `name`. Errors: usage with the nearest name.
inline const Shape& shape_of(std::string_view name) {
  std::vector<std::string> names;
  for (const Shape& shape : kShapes) {
    if (shape.name == name) return shape;
    names.emplace_back(shape.name);
  }
  throw Error(ErrorKind::usage, fmt::format("no shape \"{}\" to bench{}", name, base::suggestion(name, names)));
}

/// What `hone bench` can measure, in the order it measures all of them.
inline std::vector<std::string> bench_names() { return {"train", "generate", "grpo", "kernels", "tokenize", "start"}; }

}  // namespace hone::bench
