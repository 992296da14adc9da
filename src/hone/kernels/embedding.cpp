#include "hone/kernels/embedding.h"

#include "hone/kernels/elementwise.h"

#include <algorithm>

namespace hone::kernels {

// The walk over rows is the same in both forms; add() has the two.
void gather_rows(const float* table, const int64_t* index, Rows rows, float* y) {
  for (int64_t r = 0; r < rows.count; ++r) std::copy_n(table + index[r] * rows.width, rows.width, y + r * rows.width);
}

void scatter_add_rows(const float* x, const int64_t* index, Rows rows, float* table) {
  for (int64_t r = 0; r < rows.count; ++r) add(x + r * rows.width, rows.width, table + index[r] * rows.width);
}

}  // namespace hone::kernels
