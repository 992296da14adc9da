#include "hone/kernels/matmul.h"

#include "hone/kernels/test_forms.h"

#include <cmath>

namespace hone::kernels {
namespace {

struct Size {
  int64_t m, k, n;
};

// Strips and panels with a rest, one and several stretches and blocks, and nothing at all.
const Size kSizes[] = {{1, 1, 1},    {14, 4, 32},    {15, 5, 33}, {13, 384, 31}, {29, 385, 47}, {3, 800, 513},
                       {60, 300, 9}, {97, 20, 1030}, {0, 3, 4},   {3, 0, 4},     {3, 4, 0}};

// A stored matrix with rows `gap` floats longer than needed, the gaps NaN; begins at no cache line.
struct Stored {
  std::vector<float> floats;
  Factor factor;

  Stored(int64_t rows, int64_t columns, bool transposed, uint64_t seed) {
    const int64_t stored_rows = transposed ? columns : rows, width = transposed ? rows : columns, step = width + 3;
    floats = random_floats(1 + stored_rows * step, 1, seed);
    for (int64_t r = 0; r < stored_rows; ++r)
      for (int64_t i = width; i < step; ++i) floats[static_cast<std::size_t>(1 + r * step + i)] = NAN;
    factor = {floats.data() + 1, rows, columns, transposed ? 1 : step, transposed ? step : 1};
  }

  double at(int64_t i, int64_t j) const { return factor.data[i * factor.row_step + j * factor.column_step]; }
};

// The product with rows two floats longer than needed.
std::vector<float> product(const Factor& a, const Factor& b, Into into, float before) {
  std::vector<float> c(static_cast<std::size_t>(a.rows * (b.columns + 2)), before);
  matmul(a, b, into, c.data(), b.columns + 2);
  return c;
}

TEST(Matmul, IsTheSumOfProductsForEveryLayout) {
  under_every_form([] {
    for (const auto& [m, k, n] : kSizes) {
      for (const int layout : {0, 1, 2, 3}) {
        const Stored a(m, k, layout & 1, 1), b(k, n, layout & 2, 2);
        for (const Into into : {Into::store, Into::add}) {
          const auto c = product(a.factor, b.factor, into, 5);
          for (int64_t i = 0; i < m; ++i) {
            for (int64_t j = 0; j < n + 2; ++j) {
              double sum = into == Into::add || j >= n ? 5 : 0, size = 1;
              for (int64_t t = 0; j < n && t < k; ++t) {
                sum += a.at(i, t) * b.at(t, j);
                size += std::fabs(a.at(i, t) * b.at(t, j));
              }
              ASSERT_NEAR(c[static_cast<std::size_t>(i * (n + 2) + j)], sum, 1e-6 * size)
                  << m << "x" << k << "x" << n << " layout " << layout << " at " << i << ", " << j;
            }
          }
        }
      }
    }
  });
}

TEST(Matmul, EqualBitsOnEveryTargetAndForEveryLayout) {
  for (const auto& [m, k, n] : kSizes) {
    const Stored a(m, k, false, 1), b(k, n, false, 2);
    expect_equal_bits_on_every_target([&] { return product(a.factor, b.factor, Into::add, 0.5f); });
    Stored turned(m, k, true, 1);
    for (int64_t i = 0; i < m; ++i)
      for (int64_t t = 0; t < k; ++t)
        turned.floats[static_cast<std::size_t>(1 + t * turned.factor.column_step + i)] = static_cast<float>(a.at(i, t));
    EXPECT_EQ(product(a.factor, b.factor, Into::store, 0), product(turned.factor, b.factor, Into::store, 0));
  }
}

// What is computed beside an element does not change it: training cuts products by rows and by columns.
TEST(Matmul, AnElementDoesNotDependOnItsNeighbours) {
  const Stored a(40, 600, false, 1), b(600, 70, true, 2);
  const auto whole = product(a.factor, b.factor, Into::store, 0);
  for (const int64_t first : {0, 1, 13, 39}) {
    for (const int64_t column : {0, 31, 69}) {
      const Factor row{a.factor.data + first * a.factor.row_step, 1, 600, a.factor.row_step, 1};
      const Factor one{b.factor.data + column * b.factor.column_step, 600, 1, 1, b.factor.column_step};
      EXPECT_EQ(product(row, one, Into::store, 0)[0], whole[static_cast<std::size_t>(first * 72 + column)]);
    }
  }
}

// 0 · inf is NaN in its own row and column only, and what was there before is not read with Into::store.
TEST(Matmul, ExtremeValuesStayInTheirRowsAndColumns) {
  under_every_form([] {
    std::vector<float> a(20 * 8, 0.0f), b(8 * 40, 1.0f);
    a[3 * 8 + 2] = INFINITY;
    a[5 * 8 + 1] = NAN;
    b[4 * 40 + 7] = 1e38f;
    b[5 * 40 + 7] = -INFINITY;
    const auto c = product({a.data(), 20, 8, 8, 1}, {b.data(), 8, 40, 40, 1}, Into::store, NAN);
    for (int64_t i = 0; i < 20; ++i) {
      for (int64_t j = 0; j < 40; ++j) {
        const float value = c[static_cast<std::size_t>(i * 42 + j)];
        if (i == 5 || j == 7)
          EXPECT_TRUE(std::isnan(value)) << i << ", " << j;
        else
          EXPECT_EQ(value, i == 3 ? INFINITY : 0.0f) << i << ", " << j;
      }
    }
  });
}

}  // namespace
}  // namespace hone::kernels
