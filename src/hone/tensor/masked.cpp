#include "hone/tensor/masked.h"

#include "hone/base/error.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <string>

namespace hone::tensor {
namespace {

std::string shape_of(const at::Tensor& t) {
  return t.defined() ? fmt::format("[{}]", fmt::join(t.sizes().begin(), t.sizes().end(), ", ")) : "undefined";
}

}  // namespace

void require_same_shape(const at::Tensor& a, const at::Tensor& b, std::string_view where, std::string_view names) {
  require(a.defined() && b.defined() && a.sizes() == b.sizes(), ErrorKind::internal,
          "{}: {} must have one shape; got {} and {}", where, names, shape_of(a), shape_of(b));
}

void require_mask(const at::Tensor& mask, int64_t dims, std::string_view where) {
  require(mask.defined() && mask.scalar_type() == at::kBool && mask.dim() == dims, ErrorKind::internal,
          "{}: the mask must be a bool tensor with {} dimensions; got {} of dtype {}", where, dims, shape_of(mask),
          mask.defined() ? c10::toString(mask.scalar_type()) : "none");
}

at::Tensor keep(const at::Tensor& x, const at::Tensor& mask) { return at::where(mask, x, at::zeros({}, x.options())); }

at::Tensor masked_sum(const at::Tensor& x, const at::Tensor& mask) {
  require_same_shape(x, mask, "masked_sum", "x and mask");
  return keep(x, mask).sum(at::kDouble);
}

at::Tensor masked_mean(const at::Tensor& x, const at::Tensor& mask) {
  const at::Tensor sum = masked_sum(x, mask);
  return sum / static_cast<double>(std::max<int64_t>(count_true(mask), 1));
}

int64_t count_true(const at::Tensor& mask) { return mask.sum().item<int64_t>(); }

}  // namespace hone::tensor
