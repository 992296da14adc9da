#include "hone/kernels/linear.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "hone/kernels/linear.cpp"
#include "hone/kernels/simd-inl.h"

#include <hwy/cache_control.h>

#include <algorithm>

HWY_BEFORE_NAMESPACE();
namespace hone::kernels::HWY_NAMESPACE {

struct Store {
  template <class V>
  HWY_INLINE V operator()(Wide, V sum, const float*) const {
    return sum;
  }
};

struct Accumulate {
  template <class V>
  HWY_INLINE V operator()(Wide d, V sum, const float* y) const {
    return hn::Add(hn::LoadU(d, y), sum);
  }
};

// Rows that the micro-kernel computes at once: with two vectors a row they fill the accumulator registers (16 vector
// registers up to AVX2, 32 with AVX-512).
constexpr int64_t kMostRows = HWY_MAX_BYTES >= 64 ? 8 : 6;
// Rows that share a panel while it is in the L1/L2 cache.
constexpr int64_t kRowBlock = 16 * kMostRows;

int64_t panel_width() { return 2 * static_cast<int64_t>(hn::Lanes(Wide())); }

// One output tile is written through `part` where a panel hangs over the end of a row.
template <class Finish>
HWY_INLINE void write_tile(hn::Vec<Wide> lower, hn::Vec<Wide> upper, float* y, int64_t valid, const Finish& finish) {
  const Wide d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  if (valid >= 2 * lanes) {
    hn::StoreU(finish(d, lower, y), d, y);
    hn::StoreU(finish(d, upper, y + lanes), d, y + lanes);
    return;
  }
  HWY_ALIGN float part[2 * hn::MaxLanes(Wide())] = {};
  std::memcpy(part, y, static_cast<size_t>(valid) * sizeof(float));
  hn::Store(finish(d, lower, part), d, part);
  hn::Store(finish(d, upper, part + lanes), d, part + lanes);
  std::memcpy(y, part, static_cast<size_t>(valid) * sizeof(float));
}

// kRows rows times kPanels neighbouring panels starting at panel `p`.
template <int64_t kRows, int64_t kPanels, class Finish>
HWY_NOINLINE void tile(const PackedLinear& w, int64_t p, const float* x, float* y, const Finish& finish) {
  const Wide d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d)), in = w.in(), out = w.out();
  constexpr int64_t kVectors = 2 * kPanels;
  const float* HWY_RESTRICT weights = w.panel(p);
  const int64_t panel_size = in * 2 * lanes;
  hn::Vec<Wide> sum[kRows][kVectors];
  HONE_UNROLL
  for (int64_t r = 0; r < kRows; ++r) {
    HONE_UNROLL
    for (int64_t v = 0; v < kVectors; ++v) sum[r][v] = hn::Zero(d);
  }
  constexpr int64_t kLine = 64 / static_cast<int64_t>(sizeof(float));
  for (int64_t k = 0; k < in; ++k) {
    // The next panels come from an outer cache while these are multiplied. Behind the last one a prefetch is harmless.
    for (int64_t i = 0; i < 2 * lanes; i += kLine) hwy::Prefetch(weights + kPanels * panel_size + 2 * k * lanes + i);
    hn::Vec<Wide> column[kVectors];
    HONE_UNROLL
    for (int64_t v = 0; v < kVectors; ++v)
      column[v] = hn::Load(d, weights + v / 2 * panel_size + (2 * k + v % 2) * lanes);
    HONE_UNROLL
    for (int64_t r = 0; r < kRows; ++r) {
      const auto value = hn::Set(d, x[r * in + k]);
      HONE_UNROLL
      for (int64_t v = 0; v < kVectors; ++v) sum[r][v] = hn::MulAdd(value, column[v], sum[r][v]);
    }
  }
  const float* bias = w.bias() + p * 2 * lanes;
  HONE_UNROLL
  for (int64_t v = 0; v < kVectors; v += 2) {
    const auto lower = hn::Load(d, bias + v * lanes), upper = hn::Load(d, bias + (v + 1) * lanes);
    const int64_t column = p * 2 * lanes + v * lanes;
    HONE_UNROLL
    for (int64_t r = 0; r < kRows; ++r) {
      write_tile(hn::Add(sum[r][v], lower), hn::Add(sum[r][v + 1], upper), y + r * out + column, out - column, finish);
    }
  }
}

// Few rows leave accumulators free: they take several panels at once, since one chain of additions cannot keep the
// vector unit busy.
template <int64_t kRows, class Finish>
void few_rows(const PackedLinear& w, const float* x, float* y, const Finish& finish) {
  constexpr int64_t kPanels = kRows == 1 ? 4 : kRows <= kMostRows / 2 ? 2 : 1;
  const int64_t panels = (w.out() + w.panel_width() - 1) / w.panel_width();
  int64_t p = 0;
  for (; p + kPanels <= panels; p += kPanels) tile<kRows, kPanels>(w, p, x, y, finish);
  for (; p < panels; ++p) tile<kRows, 1>(w, p, x, y, finish);
}

template <class Finish>
struct Forms {
  using Tile = void (*)(const PackedLinear&, int64_t, const float*, float*, const Finish&);
  using Few = void (*)(const PackedLinear&, const float*, float*, const Finish&);
  static constexpr Tile kTile[] = {tile<1, 1, Finish>, tile<2, 1, Finish>, tile<3, 1, Finish>, tile<4, 1, Finish>,
                                   tile<5, 1, Finish>, tile<6, 1, Finish>, tile<7, 1, Finish>, tile<8, 1, Finish>};
  static constexpr Few kFew[] = {few_rows<1, Finish>, few_rows<2, Finish>, few_rows<3, Finish>, few_rows<4, Finish>,
                                 few_rows<5, Finish>, few_rows<6, Finish>, few_rows<7, Finish>, few_rows<8, Finish>};
};

// Panel after panel, and under each panel the strips of rows: the panel stays in the L1 cache. Strips are cut as evenly
// as they go, so that none is left with a row or two.
template <class Finish>
void multiply(const PackedLinear& w, const float* x, int64_t rows, float* y, const Finish& finish) {
  const int64_t panels = (w.out() + w.panel_width() - 1) / w.panel_width();
  for (int64_t first = 0; first < rows; first += kRowBlock) {
    const int64_t block = std::min(kRowBlock, rows - first), strips = (block + kMostRows - 1) / kMostRows;
    const float* xb = x + first * w.in();
    float* yb = y + first * w.out();
    if (strips == 1) {
      Forms<Finish>::kFew[block - 1](w, xb, yb, finish);
      continue;
    }
    for (int64_t p = 0; p < panels; ++p) {
      for (int64_t s = 0; s < strips; ++s) {
        const int64_t begin = block * s / strips, end = block * (s + 1) / strips;
        Forms<Finish>::kTile[end - begin - 1](w, p, xb + begin * w.in(), yb + begin * w.out(), finish);
      }
    }
  }
}

void multiply_store(const PackedLinear& w, const float* x, int64_t rows, float* y) { multiply(w, x, rows, y, Store()); }

void multiply_add(const PackedLinear& w, const float* x, int64_t rows, float* y) {
  multiply(w, x, rows, y, Accumulate());
}

}  // namespace hone::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hone::kernels {
namespace {

HWY_EXPORT(panel_width);
HWY_EXPORT(multiply_store);
HWY_EXPORT(multiply_add);

// What both forms compute, one output at a time.
float output(const PackedLinear& w, const float* x, int64_t n) {
  const int64_t width = w.panel_width();
  const float* weights = w.panel(n / width) + n % width;
  float sum = 0;
  for (int64_t k = 0; k < w.in(); ++k) sum += x[k] * weights[k * width];
  return sum + w.bias()[n];
}

}  // namespace

PackedLinear::PackedLinear(const float* weight, const float* bias, int64_t out, int64_t in)
    : out_(out), in_(in), panel_width_(HWY_DYNAMIC_DISPATCH(panel_width)()) {
  const int64_t count = (out + panel_width_ - 1) / panel_width_;
  panels_ = Floats(count * in * panel_width_);
  bias_ = Floats(count * panel_width_);
  for (int64_t n = 0; n < count * panel_width_; ++n) bias_.data()[n] = bias && n < out ? bias[n] : 0.0f;
  float* to = panels_.data();
  for (int64_t p = 0; p < count; ++p) {
    const float* rows = weight + p * panel_width_ * in;
    const int64_t valid = std::min(panel_width_, out - p * panel_width_);
    for (int64_t k = 0; k < in; ++k) {
      for (int64_t n = 0; n < panel_width_; ++n) *to++ = n < valid ? rows[n * in + k] : 0.0f;
    }
  }
}

void PackedLinear::row(int64_t n, float* y) const {
  const float* weights = panel(n / panel_width_) + n % panel_width_;
  for (int64_t k = 0; k < in_; ++k) y[k] = weights[k * panel_width_];
}

void packed_linear(const PackedLinear& w, const float* x, int64_t rows, float* y) {
  if (mode() == Mode::fused) return HWY_DYNAMIC_DISPATCH(multiply_store)(w, x, rows, y);
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t n = 0; n < w.out(); ++n) y[r * w.out() + n] = output(w, x + r * w.in(), n);
  }
}

void packed_linear_add(const PackedLinear& w, const float* x, int64_t rows, float* y) {
  if (mode() == Mode::fused) return HWY_DYNAMIC_DISPATCH(multiply_add)(w, x, rows, y);
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t n = 0; n < w.out(); ++n) y[r * w.out() + n] += output(w, x + r * w.in(), n);
  }
}

}  // namespace hone::kernels
#endif  // HWY_ONCE
