#include "hone/nn/products.h"

#include "hone/kernels/matmul.h"
#include "hone/kernels/norm.h"
#include "hone/nn/parallel.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <functional>

namespace hone::nn {
namespace {

// Packing the factors of a tile of this many rows and columns costs a few per cent of its products. Weight gradients are
// tall instead of wide: their rows are a layer's outputs.
struct Grain {
  int64_t rows = 512, columns = 768;
};
constexpr Grain kTokens, kWeights{384, 768};

// Calls work for the tiles [r0, r1) × [c0, c1) of [rows, columns], shared out among the threads of a ParallelScope; for
// one tile outside of one. Where they end does not depend on the number of threads.
void for_tiles(int64_t rows, int64_t columns, const Grain& grain,
               const std::function<void(int64_t r0, int64_t r1, int64_t c0, int64_t c1)>& work) {
  const int64_t across = range_count(columns, grain.columns), parts = range_count(rows, grain.rows) * across;
  if (parts <= 1) return for_ranges(parts, 1, [&](int64_t, int64_t, int64_t) { work(0, rows, 0, columns); });
  for_ranges(parts, 1, [&](int64_t part, int64_t, int64_t) {
    const int64_t r0 = part / across * grain.rows, c0 = part % across * grain.columns;
    work(r0, std::min(rows, r0 + grain.rows), c0, std::min(columns, c0 + grain.columns));
  });
}

at::Tensor cut(const at::Tensor& t, int64_t dim, int64_t begin, int64_t end) {
  return begin == 0 && end == t.size(dim) ? t : t.narrow(dim, begin, end - begin);
}

kernels::Factor factor(const at::Tensor& t) {
  return {t.data_ptr<float>(), t.size(0), t.size(1), t.stride(0), t.stride(1)};
}

// c = a b or c += a b: matrices with rows or columns side by side.
void multiply(const at::Tensor& a, const at::Tensor& b, Into into, at::Tensor c) {
  if (kernels::mode() == kernels::Mode::fused)
    return kernels::matmul(factor(a), factor(b), into, c.data_ptr<float>(), c.stride(0));
  if (into == Into::add)
    c.addmm_(a, b);
  else
    at::mm_out(c, a, b);
}

}  // namespace

void project(const at::Tensor& x, const at::Tensor& weight, at::Tensor y) {
  for_tiles(y.size(0), y.size(1), kTokens, [&](int64_t r0, int64_t r1, int64_t c0, int64_t c1) {
    multiply(cut(x, 0, r0, r1), cut(weight, 0, c0, c1).t(), Into::store, cut(cut(y, 0, r0, r1), 1, c0, c1));
  });
}

void project_back(const at::Tensor& dy, const at::Tensor& weight, at::Tensor dx, Into into) {
  for_tiles(dx.size(0), dx.size(1), kTokens, [&](int64_t r0, int64_t r1, int64_t c0, int64_t c1) {
    multiply(cut(dy, 0, r0, r1), cut(weight, 1, c0, c1), into, cut(cut(dx, 0, r0, r1), 1, c0, c1));
  });
}

void add_weight_gradient(const at::Tensor& dy, const at::Tensor& x, at::Tensor dweight) {
  if (dy.size(0) == 0) return;
  for_tiles(dweight.size(0), dweight.size(1), kWeights, [&](int64_t r0, int64_t r1, int64_t c0, int64_t c1) {
    multiply(cut(dy, 1, r0, r1).t(), cut(x, 1, c0, c1), Into::add, cut(cut(dweight, 0, r0, r1), 1, c0, c1));
  });
}

void add_bias_gradient(const at::Tensor& dy, at::Tensor dbias) {
  const int64_t width = dy.size(1);
  const float* from = dy.data_ptr<float>();
  sum_over_ranges(dy.size(0), kRowGrain, width, dbias.data_ptr<float>(), [&](int64_t begin, int64_t end, float* sum) {
    kernels::add_columns(from + begin * width, {end - begin, width}, sum);
  });
}

}  // namespace hone::nn
