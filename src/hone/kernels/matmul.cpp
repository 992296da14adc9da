#include "hone/kernels/matmul.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "hone/kernels/matmul.cpp"
#include "hone/kernels/simd-inl.h"

#include "hone/kernels/transpose-inl.h"

#include <hwy/cache_control.h>

#include <algorithm>
#include <array>
#include <utility>

#ifndef HONE_KERNELS_MATMUL_ONCE_
#define HONE_KERNELS_MATMUL_ONCE_
namespace hone::kernels::detail {

// Most terms of a stretch of the sum (matmul.h promises it).
constexpr int64_t kStretch = 384;
// Most columns of b that are packed at once, 768 KiB of them: they stay in an L2 cache of 1 MiB.
constexpr int64_t kColumns = 512;
// Room for a strip of a: rows of a stretch each (apart by what no cache maps onto one set), or a stretch of columns.
constexpr int64_t kStripStep = kStretch + 16, kStripRows = 16;

// What a thread packs into: a part of b in panels, a strip of a.
struct Packed {
  Floats b{kStretch * kColumns}, a{kStripStep * kStripRows};
};

}  // namespace hone::kernels::detail
#endif  // HONE_KERNELS_MATMUL_ONCE_

HWY_BEFORE_NAMESPACE();
namespace hone::kernels::HWY_NAMESPACE {

using detail::kStretch, detail::kStripStep, detail::kStripRows;

// Rows of a tile: with two vectors a row they fill the registers, less the two of b and one of a. That takes steps
// known to the compiler, so what is multiplied is copied first; attention's product-inl.h and linear.cpp's few rows are
// read where they lie, eight at a time.
constexpr int64_t kMostRows = HWY_MAX_BYTES >= 64 ? 14 : 6;

// A strip as it was packed: each row's terms side by side, or each term's rows.
enum class Strip { rows, terms };

template <Strip kStrip>
constexpr int64_t kRowStep = kStrip == Strip::rows ? kStripStep : 1;
template <Strip kStrip>
constexpr int64_t kTermStep = kStrip == Strip::rows ? 1 : kStripRows;

HWY_INLINE int64_t panel_width() { return 2 * static_cast<int64_t>(hn::Lanes(Wide())); }

// A stretch of the sums of kRows rows and one panel's columns, `valid` of which exist.
struct Tile {
  const float* a;
  const float* b;
  int64_t terms, valid;
  bool add;
  float* c;
  int64_t c_step;
};

HWY_INLINE void write(hn::Vec<Wide> sum, bool add, float* c, int64_t valid) {
  const Wide d;
  if (valid >= static_cast<int64_t>(hn::Lanes(d))) {
    hn::StoreU(add ? hn::Add(hn::LoadU(d, c), sum) : sum, d, c);
  } else if (valid > 0) {
    store_part(d, add ? hn::Add(load_part(d, c, valid, 0.0f), sum) : sum, c, valid);
  }
}

template <Strip kStrip, int64_t kRows>
HWY_NOINLINE void multiply_tile(const Tile& t) {
  const Wide d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d)), width = 2 * lanes;
  hn::Vec<Wide> sum[kRows][2];
  HONE_UNROLL
  for (int64_t r = 0; r < kRows; ++r) {
    sum[r][0] = hn::Zero(d);
    sum[r][1] = hn::Zero(d);
    // The sums need c only at the end: it comes while they are made.
    hwy::Prefetch(t.c + r * t.c_step);
    hwy::Prefetch(t.c + r * t.c_step + lanes);
  }
  const float *a = t.a, *b = t.b;
  for (int64_t k = 0; k < t.terms; ++k, a += kTermStep<kStrip>, b += width) {
    // Panels lie in the L2 cache, strips in L1: what comes 16 terms later is fetched. Behind the last it is harmless.
    hwy::Prefetch(b + 16 * width);
    hwy::Prefetch(b + 16 * width + lanes);
    const auto lower = hn::Load(d, b), upper = hn::Load(d, b + lanes);
    HONE_UNROLL
    for (int64_t r = 0; r < kRows; ++r) {
      const auto value = hn::Set(d, a[r * kRowStep<kStrip>]);
      sum[r][0] = hn::MulAdd(value, lower, sum[r][0]);
      sum[r][1] = hn::MulAdd(value, upper, sum[r][1]);
    }
  }
  HONE_UNROLL
  for (int64_t r = 0; r < kRows; ++r) {
    write(sum[r][0], t.add, t.c + r * t.c_step, t.valid);
    write(sum[r][1], t.add, t.c + r * t.c_step + lanes, t.valid - lanes);
  }
}

using TileForm = void (*)(const Tile&);

template <Strip kStrip, std::size_t... kRow>
constexpr std::array<TileForm, sizeof...(kRow)> forms(std::index_sequence<kRow...>) {
  return {multiply_tile<kStrip, static_cast<int64_t>(kRow) + 1>...};
}

// forms[r - 1] multiplies r rows.
template <Strip kStrip>
constexpr auto kForms = forms<kStrip>(std::make_index_sequence<kMostRows>());

// [begin, begin + count) of a matrix's rows or columns.
struct Range {
  int64_t begin, count;
};

// Part i of n things cut into the fewest parts of at most `most`, as evenly as they go in multiples of `unit`.
struct Cut {
  int64_t n, most, unit = 1;

  int64_t parts() const { return (n + most - 1) / most; }
  Range operator[](int64_t i) const {
    const int64_t units = (n + unit - 1) / unit, begin = units * i / parts() * unit;
    return {begin, std::min(n, units * (i + 1) / parts() * unit) - begin};
  }
};

// b's terms and columns to panels [term][panel_width]; zeros beyond the last column.
void pack_panels(const Factor& b, Range terms, Range columns, float* to) {
  const int64_t width = panel_width();
  for (int64_t p = 0; p < columns.count; p += width, to += terms.count * width) {
    const int64_t valid = std::min(width, columns.count - p);
    const float* from = b.data + terms.begin * b.row_step + (columns.begin + p) * b.column_step;
    if (b.column_step == 1) {
      for (int64_t k = 0; k < terms.count; ++k) {
        std::memcpy(to + k * width, from + k * b.row_step, static_cast<std::size_t>(valid) * sizeof(float));
        std::fill(to + k * width + valid, to + (k + 1) * width, 0.0f);
      }
      continue;
    }
    const int64_t whole_columns = valid / 4 * 4, whole_terms = terms.count / 4 * 4;
    // A cache line of each column at a time: where columns are a power of two apart, few lines of them fit the cache.
    for (int64_t line = 0; line < whole_terms; line += 16)
      for (int64_t n = 0; n < whole_columns; n += 4)
        for (int64_t k = line; k < std::min(line + 16, whole_terms); k += 4)
          transpose4(from + n * b.column_step + k, b.column_step, to + k * width + n, width);
    for (int64_t k = 0; k < terms.count; ++k) {
      for (int64_t n = k < whole_terms ? whole_columns : 0; n < width; ++n)
        to[k * width + n] = n < valid ? from[n * b.column_step + k] : 0.0f;
    }
  }
}

template <Strip kStrip>
HWY_INLINE void pack_strip(const Factor& a, Range rows, Range terms, float* to) {
  const float* from = a.data + rows.begin * a.row_step + terms.begin * a.column_step;
  if constexpr (kStrip == Strip::rows) {
    for (int64_t r = 0; r < rows.count; ++r)
      std::memcpy(to + r * kStripStep, from + r * a.row_step, static_cast<std::size_t>(terms.count) * sizeof(float));
  } else {
    // Vectors: copies of a few floats by memcpy would take a tenth of the time that their products take.
    const Wide d;
    const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
    for (int64_t k = 0; k < terms.count; ++k, from += a.column_step, to += kStripRows) {
      for (int64_t r = 0; r < rows.count; r += lanes)
        hn::StoreU(load_part(d, from + r, std::min(lanes, rows.count - r), 0.0f), d, to + r);
    }
  }
}

// Fetches part `part` of `parts` of a strip from where it lies.
template <Strip kStrip>
HWY_INLINE void prefetch_strip(const Factor& a, Range rows, Range terms, int64_t part, int64_t parts) {
  const float* from = a.data + rows.begin * a.row_step + terms.begin * a.column_step;
  if constexpr (kStrip == Strip::terms) {
    for (int64_t k = terms.count * part / parts; k < terms.count * (part + 1) / parts; ++k)
      hwy::Prefetch(from + k * a.column_step);
  } else {
    for (int64_t r = rows.count * part / parts; r < rows.count * (part + 1) / parts; ++r)
      for (int64_t k = 0; k < terms.count; k += 16) hwy::Prefetch(from + r * a.row_step + k);
  }
}

// Columns of c plus one stretch of its sums: strip after strip of a stays in the L1 cache under all panels of b, and
// the next one is fetched meanwhile. Strips are cut as evenly as they go, so that none is left with a row or two.
template <Strip kStrip>
void multiply_block(const Factor& a, Range terms, Range columns, bool add, float* c, int64_t c_step,
                    detail::Packed& packed) {
  const int64_t width = panel_width(), panels = (columns.count + width - 1) / width;
  const Cut strips{a.rows, kMostRows};
  for (int64_t s = 0; s < strips.parts(); ++s) {
    const Range rows = strips[s], next = strips[std::min(s + 1, strips.parts() - 1)];
    pack_strip<kStrip>(a, rows, terms, packed.a.data());
    float* to = c + rows.begin * c_step + columns.begin;
    for (int64_t p = 0; p < panels; ++p) {
      prefetch_strip<kStrip>(a, next, terms, p, panels);
      kForms<kStrip>[static_cast<std::size_t>(rows.count - 1)](
          {packed.a.data(), packed.b.data() + p * width * terms.count, terms.count, columns.count - p * width, add,
           to + p * width, c_step});
    }
  }
}

void multiply(const Factor& a, const Factor& b, Into into, float* c, int64_t c_step) {
  thread_local detail::Packed packed;
  const Cut columns{b.columns, detail::kColumns, panel_width()}, stretches{a.columns, kStretch};
  for (int64_t n = 0; n < columns.parts(); ++n) {
    for (int64_t k = 0; k < stretches.parts(); ++k) {
      pack_panels(b, stretches[k], columns[n], packed.b.data());
      const bool add = into == Into::add || k > 0;
      (a.column_step == 1 ? multiply_block<Strip::rows> : multiply_block<Strip::terms>)(a, stretches[k], columns[n],
                                                                                        add, c, c_step, packed);
    }
  }
}

}  // namespace hone::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hone::kernels {
namespace {

HWY_EXPORT(multiply);

// One element's sum, in the order that matmul.h promises.
void multiply_plainly(const Factor& a, const Factor& b, float* c, int64_t c_step) {
  for (int64_t i = 0; i < a.rows; ++i) {
    for (int64_t j = 0; j < b.columns; ++j) {
      const int64_t stretches = (a.columns + detail::kStretch - 1) / detail::kStretch;
      for (int64_t s = 0; s < stretches; ++s) {
        float sum = 0;
        for (int64_t k = a.columns * s / stretches; k < a.columns * (s + 1) / stretches; ++k)
          sum += a.data[i * a.row_step + k * a.column_step] * b.data[k * b.row_step + j * b.column_step];
        c[i * c_step + j] += sum;
      }
    }
  }
}

}  // namespace

void matmul(const Factor& a, const Factor& b, Into into, float* c, int64_t c_step) {
  if (into == Into::store && (mode() == Mode::reference || a.columns == 0)) {
    for (int64_t i = 0; i < a.rows; ++i) std::fill_n(c + i * c_step, b.columns, 0.0f);
  }
  if (mode() == Mode::fused) return HWY_DYNAMIC_DISPATCH(multiply)(a, b, into, c, c_step);
  multiply_plainly(a, b, c, c_step);
}

}  // namespace hone::kernels
#endif  // HWY_ONCE
