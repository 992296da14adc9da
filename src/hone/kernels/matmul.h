// C = A B and C += A B for matrices of any size, each factor read as it lies or transposed.
#pragma once

#include "hone/kernels/common.h"

#include <cstdint>

namespace hone::kernels {

/// A matrix that is read: element (i, j) lies at data + i·row_step + j·column_step, one of the two steps being 1. A
/// row-major [m, k] matrix has the steps (k, 1), its transpose (1, k).
struct Factor {
  const float* data = nullptr;
  int64_t rows = 0, columns = 0;
  int64_t row_step = 0, column_step = 1;

  Factor transposed() const { return {data, columns, rows, column_step, row_step}; }
};

/// c[i, j] = Σ_k a[i, k] b[k, j], or c[i, j] += … with Into::add
///
///   a      [m, k] float, b [k, n] float: any alignment, one step of each is 1
///   c      [m, n] float, rows c_step ≥ n apart, overlapping neither; for k = 0 zeros or, with Into::add, as it was
///   cost   2·m·n·k FLOP on the calling thread; 0.8 MiB of memory a thread, kept for the next call
///   order  The sum runs over ascending k in the fewest stretches of at most 384 terms, as even as they go. Each is one
///          chain of fused multiply-adds from 0; they are added to c one after the other. So an element's bits depend
///          neither on which rows and columns are computed with it nor on the CPU's vector width.
void matmul(const Factor& a, const Factor& b, Into into, float* c, int64_t c_step);

}  // namespace hone::kernels
