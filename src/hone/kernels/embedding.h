// Rows picked from a table, and their gradient.
#pragma once

#include "hone/kernels/common.h"

#include <cstdint>

namespace hone::kernels {

/// y[r] = table[index[r]].
///
///   table  [*, width] float;  index [count], each a row of the table (not checked);  y [count, width]
void gather_rows(const float* table, const int64_t* index, Rows rows, float* y);

/// table[index[r]] += x[r], in ascending order of r: equal bits whenever the whole is done by one call. The gradient of
/// gather_rows.
void scatter_add_rows(const float* x, const int64_t* index, Rows rows, float* table);

}  // namespace hone::kernels
