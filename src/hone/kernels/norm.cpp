#include "hone/kernels/norm.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "hone/kernels/norm.cpp"
#include "hone/kernels/simd-inl.h"

#include <utility>

HWY_BEFORE_NAMESPACE();
namespace hone::kernels::HWY_NAMESPACE {

// Σ (x[i] − shift)^power over a row, power 1 or 2. Two accumulators hide the latency of the additions.
template <int kPower>
HWY_INLINE float moment(const float* x, int64_t n, float shift) {
  const Lane8 d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto by = hn::Set(d, shift);
  auto even = hn::Zero(d), odd = hn::Zero(d);
  const auto add = [&](hn::Vec<Lane8> sum, hn::Vec<Lane8> value) HWY_ATTR {
    const auto centred = hn::Sub(value, by);
    if constexpr (kPower == 1)
      return hn::Add(sum, centred);
    else
      return hn::MulAdd(centred, centred, sum);
  };
  int64_t i = 0;
  for (; i + 2 * lanes <= n; i += 2 * lanes) {
    even = add(even, hn::LoadU(d, x + i));
    odd = add(odd, hn::LoadU(d, x + i + lanes));
  }
  for (; i + lanes <= n; i += lanes) even = add(even, hn::LoadU(d, x + i));
  if (i < n) odd = add(odd, load_part(d, x + i, n - i, shift));  // x − shift = 0 in the lanes beyond the row
  return sum_lanes(d, hn::Add(even, odd));
}

// y = (x − shift)·scale·weight + bias; bias may be null.
HWY_INLINE void rescale(const float* x, int64_t n, float shift, float scale, const NormWeights& norm, float* y) {
  const Wide d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto by = hn::Set(d, shift), times = hn::Set(d, scale);
  const auto scaled = [&](hn::Vec<Wide> v) HWY_ATTR { return hn::Mul(hn::Sub(v, by), times); };
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const auto bias = norm.bias ? hn::LoadU(d, norm.bias + i) : hn::Zero(d);
    hn::StoreU(hn::MulAdd(scaled(hn::LoadU(d, x + i)), hn::LoadU(d, norm.weight + i), bias), d, y + i);
  }
  if (i < n) {
    const auto bias = norm.bias ? load_part(d, norm.bias + i, n - i, 0.0f) : hn::Zero(d);
    const auto weight = load_part(d, norm.weight + i, n - i, 0.0f);
    store_part(d, hn::MulAdd(scaled(load_part(d, x + i, n - i, 0.0f)), weight, bias), y + i, n - i);
  }
}

// Mean (0 for RMSNorm) and 1 / √(var + eps) of one row.
HWY_INLINE float mean_of(const float* x, int64_t n, const NormWeights& norm) {
  return norm.bias ? moment<1>(x, n, 0.0f) / static_cast<float>(n) : 0.0f;
}

HWY_INLINE float rstd_of(const float* x, int64_t n, const NormWeights& norm, float mean) {
  return 1.0f / std::sqrt(moment<2>(x, n, mean) / static_cast<float>(n) + norm.eps);
}

void norm_rows(const float* x, Rows rows, const NormWeights& norm, float* y) {
  const int64_t n = rows.width;
  for (int64_t r = 0; r < rows.count; ++r, x += n, y += n) {
    const float mean = mean_of(x, n, norm);
    rescale(x, n, mean, rstd_of(x, n, norm, mean), norm, y);
  }
}

HWY_INLINE void add_row(const float* x, const float* delta, int64_t n, float* sum) {
  const Wide d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) hn::StoreU(hn::Add(hn::LoadU(d, x + i), hn::LoadU(d, delta + i)), d, sum + i);
  for (; i < n; ++i) sum[i] = x[i] + delta[i];
}

void norm_forward_rows(const NormForward& pass, Rows rows, const NormWeights& norm) {
  const int64_t n = rows.width;
  for (int64_t r = 0; r < rows.count; ++r) {
    const float* x = pass.x + r * n;
    if (pass.delta) {
      add_row(x, pass.delta + r * n, n, pass.sum + r * n);
      x = pass.sum + r * n;
    }
    const float mean = mean_of(x, n, norm), rstd = rstd_of(x, n, norm, mean);
    rescale(x, n, mean, rstd, norm, pass.y + r * n);
    if (pass.mean) pass.mean[r] = mean;
    if (pass.rstd) pass.rstd[r] = rstd;
  }
}

struct RowSums {
  float g = 0, g_xhat = 0;  // Σ g and Σ g·x̂ of a row
};

HWY_INLINE RowSums gradient_sums(const float* x, const float* dy, const float* weight, Rows row, float mean,
                                 float rstd) {
  const Lane8 d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d)), n = row.width;
  const auto shift = hn::Set(d, mean), scale = hn::Set(d, rstd);
  auto g_sum = hn::Zero(d), gx_sum = hn::Zero(d);
  const auto add = [&](hn::Vec<Lane8> xv, hn::Vec<Lane8> dv, hn::Vec<Lane8> wv) HWY_ATTR {
    const auto g = hn::Mul(dv, wv);
    g_sum = hn::Add(g_sum, g);
    gx_sum = hn::MulAdd(g, hn::Mul(hn::Sub(xv, shift), scale), gx_sum);
  };
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) add(hn::LoadU(d, x + i), hn::LoadU(d, dy + i), hn::LoadU(d, weight + i));
  if (i < n)
    add(load_part(d, x + i, n - i, mean), load_part(d, dy + i, n - i, 0.0f), load_part(d, weight + i, n - i, 0.0f));
  return {sum_lanes(d, g_sum), sum_lanes(d, gx_sum)};
}

// The second walk over one row, `kLanes`-wide pieces handed to `piece(d, i)`; the rest goes lane by lane.
template <class F>
HWY_INLINE void for_pieces(int64_t n, const F& piece) {
  const Wide d;
  const hn::CappedTag<float, 1> one;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) piece(d, i);
  for (; i < n; ++i) piece(one, i);
}

void norm_backward_rows(const NormBackward& pass, Rows rows, const NormWeights& norm) {
  const int64_t n = rows.width;
  const float per = 1.0f / static_cast<float>(n);
  for (int64_t r = 0; r < rows.count; ++r) {
    const float *x = pass.x + r * n, *dy = pass.dy + r * n, *dsum = pass.dsum ? pass.dsum + r * n : nullptr;
    float* dx = pass.dx + r * n;
    const float mean = norm.bias ? pass.mean[r] : 0.0f, rstd = pass.rstd[r];
    const RowSums sums = gradient_sums(x, dy, norm.weight, {1, n}, mean, rstd);
    const float g_mean = norm.bias ? sums.g * per : 0.0f, gx_mean = sums.g_xhat * per;
    for_pieces(n, [&](auto d, int64_t i) HWY_ATTR {
      const auto scale = hn::Set(d, rstd), grad = hn::LoadU(d, dy + i);
      const auto xhat = hn::Mul(hn::Sub(hn::LoadU(d, x + i), hn::Set(d, mean)), scale);
      const auto g = hn::MulSub(grad, hn::LoadU(d, norm.weight + i), hn::Set(d, g_mean));
      const auto inner = hn::NegMulAdd(xhat, hn::Set(d, gx_mean), g);
      const auto other = dsum ? hn::LoadU(d, dsum + i) : hn::Zero(d);
      if (pass.dweight) hn::StoreU(hn::MulAdd(grad, xhat, hn::LoadU(d, pass.dweight + i)), d, pass.dweight + i);
      if (pass.dbias) hn::StoreU(hn::Add(hn::LoadU(d, pass.dbias + i), grad), d, pass.dbias + i);
      hn::StoreU(hn::MulAdd(inner, scale, other), d, dx + i);
    });
  }
}

// Columns in strips of vectors, so that a strip's sums stay in registers over all rows.
void add_columns_rows(const float* x, Rows rows, float* y) {
  const Wide d;
  constexpr int64_t kVectors = 4;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d)), n = rows.width;
  int64_t i = 0;
  for (; i + kVectors * lanes <= n; i += kVectors * lanes) {
    hn::Vec<Wide> sum[kVectors];
    HONE_UNROLL
    for (int64_t v = 0; v < kVectors; ++v) sum[v] = hn::LoadU(d, y + i + v * lanes);
    for (int64_t r = 0; r < rows.count; ++r) {
      HONE_UNROLL
      for (int64_t v = 0; v < kVectors; ++v) sum[v] = hn::Add(sum[v], hn::LoadU(d, x + r * n + i + v * lanes));
    }
    HONE_UNROLL
    for (int64_t v = 0; v < kVectors; ++v) hn::StoreU(sum[v], d, y + i + v * lanes);
  }
  for (; i + lanes <= n; i += lanes) {
    auto sum = hn::LoadU(d, y + i);
    for (int64_t r = 0; r < rows.count; ++r) sum = hn::Add(sum, hn::LoadU(d, x + r * n + i));
    hn::StoreU(sum, d, y + i);
  }
  for (; i < n; ++i) {
    for (int64_t r = 0; r < rows.count; ++r) y[i] += x[r * n + i];
  }
}

}  // namespace hone::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hone::kernels {
namespace {

HWY_EXPORT(norm_rows);
HWY_EXPORT(norm_forward_rows);
HWY_EXPORT(norm_backward_rows);
HWY_EXPORT(add_columns_rows);

// One row in plain loops; returns mean (0 for RMSNorm) and rstd.
std::pair<float, float> norm_row_reference(const float* x, int64_t n, const NormWeights& norm, float* y) {
  float mean = 0, squares = 0;
  if (norm.bias) {
    for (int64_t i = 0; i < n; ++i) mean += x[i];
    mean /= static_cast<float>(n);
  }
  for (int64_t i = 0; i < n; ++i) squares += (x[i] - mean) * (x[i] - mean);
  const float rstd = 1.0f / std::sqrt(squares / static_cast<float>(n) + norm.eps);
  for (int64_t i = 0; i < n; ++i) y[i] = (x[i] - mean) * rstd * norm.weight[i] + (norm.bias ? norm.bias[i] : 0.0f);
  return {mean, rstd};
}

void norm_forward_reference(const NormForward& pass, Rows rows, const NormWeights& norm) {
  const int64_t n = rows.width;
  for (int64_t r = 0; r < rows.count; ++r) {
    const float* x = pass.x + r * n;
    if (pass.delta) {
      for (int64_t i = 0; i < n; ++i) pass.sum[r * n + i] = x[i] + pass.delta[r * n + i];
      x = pass.sum + r * n;
    }
    const auto [mean, rstd] = norm_row_reference(x, n, norm, pass.y + r * n);
    if (pass.mean) pass.mean[r] = mean;
    if (pass.rstd) pass.rstd[r] = rstd;
  }
}

void norm_backward_reference(const NormBackward& pass, Rows rows, const NormWeights& norm) {
  const int64_t n = rows.width;
  for (int64_t r = 0; r < rows.count; ++r) {
    const float *x = pass.x + r * n, *dy = pass.dy + r * n;
    const float mean = norm.bias ? pass.mean[r] : 0.0f, rstd = pass.rstd[r];
    float g_mean = 0, gx_mean = 0;
    for (int64_t i = 0; i < n; ++i) {
      g_mean += dy[i] * norm.weight[i] / static_cast<float>(n);
      gx_mean += dy[i] * norm.weight[i] * (x[i] - mean) * rstd / static_cast<float>(n);
    }
    if (!norm.bias) g_mean = 0;
    for (int64_t i = 0; i < n; ++i) {
      const float grad = dy[i], xhat = (x[i] - mean) * rstd, other = pass.dsum ? pass.dsum[r * n + i] : 0.0f;
      if (pass.dweight) pass.dweight[i] += grad * xhat;
      if (pass.dbias) pass.dbias[i] += grad;
      pass.dx[r * n + i] = rstd * (grad * norm.weight[i] - g_mean - xhat * gx_mean) + other;
    }
  }
}

void norm(const float* x, Rows rows, const NormWeights& norm, float* y) {
  if (mode() == Mode::fused) return HWY_DYNAMIC_DISPATCH(norm_rows)(x, rows, norm, y);
  for (int64_t r = 0; r < rows.count; ++r) norm_row_reference(x + r * rows.width, rows.width, norm, y + r * rows.width);
}

}  // namespace

void layer_norm(const float* x, Rows rows, const NormWeights& weights, float* y) { norm(x, rows, weights, y); }

void rms_norm(const float* x, Rows rows, const NormWeights& weights, float* y) {
  norm(x, rows, {weights.weight, nullptr, weights.eps}, y);
}

void norm_forward(const NormForward& pass, Rows rows, const NormWeights& norm) {
  if (mode() == Mode::fused) return HWY_DYNAMIC_DISPATCH(norm_forward_rows)(pass, rows, norm);
  norm_forward_reference(pass, rows, norm);
}

void norm_backward(const NormBackward& pass, Rows rows, const NormWeights& norm) {
  if (mode() == Mode::fused) return HWY_DYNAMIC_DISPATCH(norm_backward_rows)(pass, rows, norm);
  norm_backward_reference(pass, rows, norm);
}

void add_columns(const float* x, Rows rows, float* y) {
  if (mode() == Mode::fused) return HWY_DYNAMIC_DISPATCH(add_columns_rows)(x, rows, y);
  for (int64_t r = 0; r < rows.count; ++r) {
    for (int64_t i = 0; i < rows.width; ++i) y[i] += x[r * rows.width + i];
  }
}

}  // namespace hone::kernels
#endif  // HWY_ONCE
