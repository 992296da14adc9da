#include "hone/nn/products.h"

#include "hone/kernels/norm.h"
#include "hone/nn/parallel.h"

#include <ATen/ATen.h>

namespace hone::nn {
namespace {

at::Tensor rows(const at::Tensor& t, int64_t begin, int64_t end) {
  return begin == 0 && end == t.size(0) ? t : t.narrow(0, begin, end - begin);
}

}  // namespace

void project(const at::Tensor& x, const at::Tensor& weight, at::Tensor y) {
  for_ranges(x.size(0), kRowGrain, [&](int64_t begin, int64_t end, int64_t) {
    auto part = rows(y, begin, end);
    at::mm_out(part, rows(x, begin, end), weight.t());
  });
}

void project_back(const at::Tensor& dy, const at::Tensor& weight, at::Tensor dx, Into into) {
  for_ranges(dy.size(0), kRowGrain, [&](int64_t begin, int64_t end, int64_t) {
    auto part = rows(dx, begin, end);
    if (into == Into::add)
      part.addmm_(rows(dy, begin, end), weight);
    else
      at::mm_out(part, rows(dy, begin, end), weight);
  });
}

void add_weight_gradient(const at::Tensor& dy, const at::Tensor& x, at::Tensor dweight) {
  if (dy.size(0) == 0) return;
  for_ranges(dweight.size(0), kRowGrain, [&](int64_t begin, int64_t end, int64_t) {
    rows(dweight, begin, end).addmm_(dy.narrow(1, begin, end - begin).t(), x);
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
