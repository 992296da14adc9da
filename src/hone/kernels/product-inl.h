// The register-tiled product of small matrices that attention is made of. Private to kernels/*.cpp; include it after
// simd-inl.h.

#if defined(HONE_KERNELS_PRODUCT_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef HONE_KERNELS_PRODUCT_INL_H_
#undef HONE_KERNELS_PRODUCT_INL_H_
#else
#define HONE_KERNELS_PRODUCT_INL_H_
#endif

HWY_BEFORE_NAMESPACE();
namespace hone::kernels::HWY_NAMESPACE {

// Columns of a panel and of a tile's unit: whole vectors on every CPU. Widths are padded to it with zeros.
constexpr int64_t kUnit = 16;
using Unit = hn::CappedTag<float, kUnit>;
constexpr int64_t kLanes = static_cast<int64_t>(hn::MaxLanes(Unit()));
constexpr int64_t kParts = kUnit / kLanes;  // vectors of a unit
// Accumulators of a tile: 8 rows of 2 vectors with 32 registers, 4 rows of 2 vectors with 16.
constexpr int64_t kTileRows = kLanes >= 16 ? 8 : 4;
constexpr int64_t kTileUnits = kLanes >= 16 ? 2 : 1;

// Element (r, k) of a left factor lies at data + r·row + k·depth, so that a transpose is read in place.
struct Left {
  const float* data;
  int64_t row, depth;
};

// Unit u of row k of a right factor lies at data + k·depth + u·unit: row-major, or a row of panels.
struct Right {
  const float* data;
  int64_t depth, unit;
};

// Row r of a product lies at data + r·row.
struct Product {
  float* data;
  int64_t row;
};

// Terms of every sum, and units of columns.
struct Extent {
  int64_t depth, units;
};

// kTileRows rows times kUnits units: every sum is one chain of fused multiply-adds over ascending k, from 0 or from
// what stood in the product.
template <int64_t kUnits, Into kInto>
HWY_NOINLINE void multiply_tile(const Left& a, const Right& b, int64_t depth, const Product& c) {
  const Unit d;
  constexpr int64_t kVectors = kUnits * kParts;
  hn::Vec<Unit> sum[kTileRows][kVectors];
  HONE_UNROLL
  for (int64_t r = 0; r < kTileRows; ++r) {
    HONE_UNROLL
    for (int64_t v = 0; v < kVectors; ++v)
      sum[r][v] = kInto == Into::add ? hn::LoadU(d, c.data + r * c.row + v * kLanes) : hn::Zero(d);
  }
  const float* left = a.data;
  const float* right = b.data;
  const int64_t left_row = a.row, left_step = a.depth, right_step = b.depth, right_unit = b.unit;
  for (int64_t k = 0; k < depth; ++k) {
    hn::Vec<Unit> row[kVectors];
    HONE_UNROLL
    for (int64_t v = 0; v < kVectors; ++v) row[v] = hn::LoadU(d, right + v / kParts * right_unit + v % kParts * kLanes);
    HONE_UNROLL
    for (int64_t r = 0; r < kTileRows; ++r) {
      const auto value = hn::Set(d, left[r * left_row]);
      HONE_UNROLL
      for (int64_t v = 0; v < kVectors; ++v) sum[r][v] = hn::MulAdd(value, row[v], sum[r][v]);
    }
    left += left_step;
    right += right_step;
  }
  HONE_UNROLL
  for (int64_t r = 0; r < kTileRows; ++r) {
    HONE_UNROLL
    for (int64_t v = 0; v < kVectors; ++v) hn::StoreU(sum[r][v], d, c.data + r * c.row + v * kLanes);
  }
}

template <Into kInto>
HWY_INLINE void multiply(const Left& a, const Right& b, const Extent& extent, const Product& c) {
  int64_t u = 0;
  for (; u + kTileUnits <= extent.units; u += kTileUnits)
    multiply_tile<kTileUnits, kInto>(a, {b.data + u * b.unit, b.depth, b.unit}, extent.depth,
                                     {c.data + u * kUnit, c.row});
  for (; u < extent.units; ++u)
    multiply_tile<1, kInto>(a, {b.data + u * b.unit, b.depth, b.unit}, extent.depth, {c.data + u * kUnit, c.row});
}

// Σ over kUnit lanes in one order for all targets.
HWY_INLINE float sum_unit(const hn::Vec<Unit> (&parts)[kParts]) {
  HWY_ALIGN float all[kUnit];
  HONE_UNROLL
  for (int64_t p = 0; p < kParts; ++p) hn::Store(parts[p], Unit(), all + p * kLanes);
  const Lane8 d;
  auto sum = hn::Add(hn::Load(d, all), hn::Load(d, all + 8));
  for (size_t i = hn::Lanes(d); i < 8; i += hn::Lanes(d))
    sum = hn::Add(sum, hn::Add(hn::Load(d, all + i), hn::Load(d, all + 8 + i)));
  return sum_lanes(d, sum);
}

}  // namespace hone::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // HONE_KERNELS_PRODUCT_INL_H_
