#include "hone/kernels/linear.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "hone/kernels/linear.cpp"
#include "hone/kernels/simd-inl.h"

#include <hwy/cache_control.h>

#include <algorithm>
#include <bit>
#include <cmath>

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

// How a panel's weights of one input become two vectors of floats.
template <WeightFormat kFormat>
struct Weights;

template <>
struct Weights<WeightFormat::fp32> {
  using Word = float;
  static constexpr int64_t kWordsPerLane = 2;
  static HWY_INLINE void load(const Word* p, hn::Vec<Wide>& lower, hn::Vec<Wide>& upper) {
    const Wide d;
    lower = hn::Load(d, p);
    upper = hn::Load(d, p + hn::Lanes(d));
  }
};

template <>
struct Weights<WeightFormat::bf16> {
  using Word = uint32_t;
  static constexpr int64_t kWordsPerLane = 1;
  static HWY_INLINE void load(const Word* p, hn::Vec<Wide>& lower, hn::Vec<Wide>& upper) {
    const Wide d;
    const hn::RebindToUnsigned<Wide> du;
    const auto both = hn::Load(du, p);
    lower = hn::BitCast(d, hn::ShiftLeft<16>(both));
    upper = hn::BitCast(d, hn::And(both, hn::Set(du, 0xFFFF0000u)));
  }
};

template <>
struct Weights<WeightFormat::int8> {
  using Word = int8_t;
  static constexpr int64_t kWordsPerLane = 2;
  static HWY_INLINE void load(const Word* p, hn::Vec<Wide>& lower, hn::Vec<Wide>& upper) {
    const Wide d;
    const hn::RebindToSigned<Wide> di;
    const hn::Rebind<int8_t, Wide> d8;
    lower = hn::ConvertTo(d, hn::PromoteTo(di, hn::Load(d8, p)));
    upper = hn::ConvertTo(d, hn::PromoteTo(di, hn::Load(d8, p + hn::Lanes(d))));
  }
};

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

// The end of a chain.
template <WeightFormat kFormat>
HWY_INLINE hn::Vec<Wide> with_bias(const PackedLinear& w, hn::Vec<Wide> sum, int64_t n) {
  const Wide d;
  const auto bias = hn::Load(d, w.bias() + n);
  if constexpr (kFormat == WeightFormat::int8)
    return hn::MulAdd(sum, hn::Load(d, w.scales() + n), bias);
  else
    return hn::Add(sum, bias);
}

// kRows rows times kPanels neighbouring panels starting at panel `p`.
template <WeightFormat kFormat, int64_t kRows, int64_t kPanels, class Finish>
HWY_NOINLINE void tile(const PackedLinear& w, int64_t p, const float* x, float* y, const Finish& finish) {
  using Word = typename Weights<kFormat>::Word;
  const Wide d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d)), in = w.in(), out = w.out();
  const int64_t words = Weights<kFormat>::kWordsPerLane * lanes;
  constexpr int64_t kVectors = 2 * kPanels;
  const Word* HWY_RESTRICT weights = w.panel<Word>(p);
  const int64_t panel_size = w.panel<Word>(p + 1) - weights;
  hn::Vec<Wide> sum[kRows][kVectors];
  HONE_UNROLL
  for (int64_t r = 0; r < kRows; ++r) {
    HONE_UNROLL
    for (int64_t v = 0; v < kVectors; ++v) sum[r][v] = hn::Zero(d);
  }
  constexpr int64_t kLine = 64 / static_cast<int64_t>(sizeof(Word));
  for (int64_t k = 0; k < in; ++k) {
    // The next panels come from an outer cache while these are multiplied. Behind the last one a prefetch is harmless.
    for (int64_t i = 0; i < words; i += kLine) hwy::Prefetch(weights + kPanels * panel_size + k * words + i);
    hn::Vec<Wide> column[kVectors];
    HONE_UNROLL
    for (int64_t v = 0; v < kVectors; v += 2)
      Weights<kFormat>::load(weights + v / 2 * panel_size + k * words, column[v], column[v + 1]);
    HONE_UNROLL
    for (int64_t r = 0; r < kRows; ++r) {
      const auto value = hn::Set(d, x[r * in + k]);
      HONE_UNROLL
      for (int64_t v = 0; v < kVectors; ++v) sum[r][v] = hn::MulAdd(value, column[v], sum[r][v]);
    }
  }
  HONE_UNROLL
  for (int64_t v = 0; v < kVectors; v += 2) {
    const int64_t n = (2 * p + v) * lanes;
    HONE_UNROLL
    for (int64_t r = 0; r < kRows; ++r) {
      write_tile(with_bias<kFormat>(w, sum[r][v], n), with_bias<kFormat>(w, sum[r][v + 1], n + lanes), y + r * out + n,
                 out - n, finish);
    }
  }
}

// Few rows leave accumulators free: they take several panels at once, since one chain of additions cannot keep the
// vector unit busy.
template <WeightFormat kFormat, int64_t kRows, class Finish>
void few_rows(const PackedLinear& w, const float* x, float* y, const Finish& finish) {
  constexpr int64_t kPanels = kRows == 1 ? 4 : kRows <= kMostRows / 2 ? 2 : 1;
  const int64_t panels = (w.out() + w.panel_width() - 1) / w.panel_width();
  int64_t p = 0;
  for (; p + kPanels <= panels; p += kPanels) tile<kFormat, kRows, kPanels>(w, p, x, y, finish);
  for (; p < panels; ++p) tile<kFormat, kRows, 1>(w, p, x, y, finish);
}

template <WeightFormat F, class Finish>
struct Forms {
  using Tile = void (*)(const PackedLinear&, int64_t, const float*, float*, const Finish&);
  using Few = void (*)(const PackedLinear&, const float*, float*, const Finish&);
  static constexpr Tile kTile[] = {tile<F, 1, 1, Finish>, tile<F, 2, 1, Finish>, tile<F, 3, 1, Finish>,
                                   tile<F, 4, 1, Finish>, tile<F, 5, 1, Finish>, tile<F, 6, 1, Finish>,
                                   tile<F, 7, 1, Finish>, tile<F, 8, 1, Finish>};
  static constexpr Few kFew[] = {few_rows<F, 1, Finish>, few_rows<F, 2, Finish>, few_rows<F, 3, Finish>,
                                 few_rows<F, 4, Finish>, few_rows<F, 5, Finish>, few_rows<F, 6, Finish>,
                                 few_rows<F, 7, Finish>, few_rows<F, 8, Finish>};
};

// Panel after panel, and under each panel the strips of rows: the panel stays in the L1 cache. Strips are cut as evenly
// as they go, so that none is left with a row or two.
template <WeightFormat kFormat, class Finish>
void multiply_in(const PackedLinear& w, const float* x, int64_t rows, float* y, const Finish& finish) {
  const int64_t panels = (w.out() + w.panel_width() - 1) / w.panel_width();
  for (int64_t first = 0; first < rows; first += kRowBlock) {
    const int64_t block = std::min(kRowBlock, rows - first), strips = (block + kMostRows - 1) / kMostRows;
    const float* xb = x + first * w.in();
    float* yb = y + first * w.out();
    if (strips == 1) {
      Forms<kFormat, Finish>::kFew[block - 1](w, xb, yb, finish);
      continue;
    }
    for (int64_t p = 0; p < panels; ++p) {
      for (int64_t s = 0; s < strips; ++s) {
        const int64_t begin = block * s / strips, end = block * (s + 1) / strips;
        Forms<kFormat, Finish>::kTile[end - begin - 1](w, p, xb + begin * w.in(), yb + begin * w.out(), finish);
      }
    }
  }
}

template <class Finish>
void multiply(const PackedLinear& w, const float* x, int64_t rows, float* y, const Finish& finish) {
  switch (w.format()) {
    case WeightFormat::fp32:
      return multiply_in<WeightFormat::fp32>(w, x, rows, y, finish);
    case WeightFormat::bf16:
      return multiply_in<WeightFormat::bf16>(w, x, rows, y, finish);
    case WeightFormat::int8:
      return multiply_in<WeightFormat::int8>(w, x, rows, y, finish);
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

// A weight as the chain sees it: without int8's scale.
float chain_weight(const PackedLinear& w, int64_t n, int64_t k) {
  const int64_t width = w.panel_width(), p = n / width, i = n % width, half = width / 2;
  switch (w.format()) {
    case WeightFormat::fp32:
      return w.panel<float>(p)[k * width + i];
    case WeightFormat::bf16: {
      const uint32_t both = w.panel<uint32_t>(p)[k * half + i % half];
      return std::bit_cast<float>(i < half ? both << 16 : both & 0xFFFF0000u);
    }
    case WeightFormat::int8:
      return w.panel<int8_t>(p)[k * width + i];
  }
  return 0;
}

// What all forms compute, one output at a time.
float output(const PackedLinear& w, const float* x, int64_t n) {
  float sum = 0;
  for (int64_t k = 0; k < w.in(); ++k) sum += x[k] * chain_weight(w, n, k);
  return (w.format() == WeightFormat::int8 ? sum * w.scales()[n] : sum) + w.bias()[n];
}

// The upper 16 bits of the nearest float that has no others; of two equally near ones the even one.
uint32_t bf16_bits(float x) {
  const auto bits = std::bit_cast<uint32_t>(x);
  if (std::isnan(x)) return bits >> 16 | 0x40;  // the carry below could make it an infinity
  return (bits + 0x7FFF + (bits >> 16 & 1)) >> 16;
}

// Not a number where the row holds something that int8 cannot stand for, so that it cannot pass for a weight.
float int8_scale(const float* row, int64_t in) {
  float most = 0;
  for (int64_t k = 0; k < in; ++k) {
    if (!std::isfinite(row[k])) return NAN;
    most = std::max(most, std::fabs(row[k]));
  }
  return most / 127.0f;
}

int8_t int8_of(float x, float scale) {
  // A denormal scale has few bits: the quotient may lie beyond 127.
  if (!(scale > 0)) return 0;
  return static_cast<int8_t>(std::clamp(std::nearbyint(x / scale), -127.0f, 127.0f));
}

int64_t panel_floats(int64_t in, int64_t width, WeightFormat format) {
  const int64_t weight_bytes = format == WeightFormat::fp32 ? 4 : format == WeightFormat::bf16 ? 2 : 1;
  return (in * width * weight_bytes + 63) / 64 * 16;
}

// One panel of [in, panel width] weights; `rows` begins at its first output, of which `valid` exist.
struct PanelSource {
  const float* rows;
  int64_t valid, width, in;

  float at(int64_t n, int64_t k) const { return n < valid ? rows[n * in + k] : 0.0f; }
};

void pack_panel(const PanelSource& from, float* to) {
  for (int64_t k = 0; k < from.in; ++k)
    for (int64_t n = 0; n < from.width; ++n) *to++ = from.at(n, k);
}

void pack_panel(const PanelSource& from, uint32_t* to) {
  const int64_t half = from.width / 2;
  for (int64_t k = 0; k < from.in; ++k)
    for (int64_t n = 0; n < half; ++n) *to++ = bf16_bits(from.at(n, k)) | bf16_bits(from.at(n + half, k)) << 16;
}

void pack_panel(const PanelSource& from, const float* scales, int8_t* to) {
  for (int64_t k = 0; k < from.in; ++k)
    for (int64_t n = 0; n < from.width; ++n) *to++ = int8_of(from.at(n, k), scales[n]);
}

}  // namespace

int64_t PackedLinear::floats_needed(int64_t out, int64_t in, WeightFormat format) {
  const int64_t width = HWY_DYNAMIC_DISPATCH(panel_width)();
  return (out + width - 1) / width * panel_floats(in, width, format);
}

PackedLinear::PackedLinear(const DenseLinear& from, WeightFormat format, float* place)
    : out_(from.out), in_(from.in), panel_width_(HWY_DYNAMIC_DISPATCH(panel_width)()), format_(format), panels_(place) {
  const int64_t count = (out_ + panel_width_ - 1) / panel_width_, outputs = count * panel_width_;
  panel_floats_ = panel_floats(in_, panel_width_, format);
  if (!panels_) {
    own_ = Floats(count * panel_floats_);
    panels_ = own_.data();
  }
  bias_ = Floats(outputs);
  for (int64_t n = 0; n < outputs; ++n) bias_.data()[n] = from.bias && n < out_ ? from.bias[n] : 0.0f;
  if (format == WeightFormat::int8) {
    scales_ = Floats(outputs);
    for (int64_t n = 0; n < outputs; ++n) scales_.data()[n] = n < out_ ? int8_scale(from.weight + n * in_, in_) : 0.0f;
  }
  for (int64_t p = 0; p < count; ++p) {
    const int64_t first = p * panel_width_;
    const PanelSource panel{from.weight + first * in_, std::min(panel_width_, out_ - first), panel_width_, in_};
    float* to = panels_ + p * panel_floats_;
    switch (format) {
      case WeightFormat::fp32:
        pack_panel(panel, to);
        break;
      case WeightFormat::bf16:
        pack_panel(panel, reinterpret_cast<uint32_t*>(to));
        break;
      case WeightFormat::int8:
        pack_panel(panel, scales_.data() + first, reinterpret_cast<int8_t*>(to));
        break;
    }
  }
}

void PackedLinear::row(int64_t n, float* y) const {
  for (int64_t k = 0; k < in_; ++k) y[k] = chain_weight(*this, n, k);
  if (format_ != WeightFormat::int8) return;
  for (int64_t k = 0; k < in_; ++k) y[k] *= scales_.data()[n];
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
