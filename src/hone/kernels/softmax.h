// Softmax and its normaliser over one row; cross-entropy over tiles of logits.
#pragma once

#include "hone/kernels/common.h"

#include <cmath>
#include <cstdint>

namespace hone::kernels {

/// log Σ e^x[i] of a row, shifted by its maximum. n ≥ 1. NaN if an element is NaN or +inf (or all are −inf).
/// `scratch` [n] is overwritten with e^(x[i] − max x); it may be x.
float log_sum_exp(const float* x, int64_t n, float* scratch);

/// y[i] = e^x[i] / Σ e^x[j]; returns log Σ e^x[j]. y may be x.
float softmax(const float* x, int64_t n, float* y);

/// The logits of `rows` consecutive tokens for `columns` entries of the vocabulary, the first of them number `first`:
/// one slice of rows that need not exist whole.
struct LogitTile {
  float* logits = nullptr;  ///< [rows, columns] float
  int64_t rows = 0, columns = 0, first = 0;
  float scale = 1;  ///< > 0; multiplies the logits: 1 / temperature
};

/// What is known of a token's logits z = scale·logits after some slices: their maximum, Σ e^(z − most), and z[target].
struct LogitSums {
  float most = -INFINITY;
  double sum = 0;
  float chosen = 0;

  /// log Σ e^z; log p(target) is chosen − this. Not finite if a logit is NaN or +inf.
  double log_sum_exp() const { return static_cast<double>(most) + std::log(sum); }
};

/// Adds a tile's logits to the sums of its rows (online log-sum-exp). [Milakov and Gimelshein, arXiv:1805.02867]
///
///   targets  [rows] entry of the vocabulary; one outside the tile leaves `chosen` alone
///   sums     [rows], a fresh LogitSums before the first slice; slices in ascending order for equal bits
///   cost     two passes over the tile
void fold_logits(const LogitTile& tile, const int64_t* targets, LogitSums* sums);

/// Turns a tile of logits into the gradient of Σ dlogp[r] · log p(target[r]) with respect to them, in place:
/// dlogp·scale·(onehot(target) − e^(scale·logit − lse)).
///
///   lse    [rows] log-sum-exp of the scaled logits;  dlogp [rows]; a row with 0 becomes 0 whatever it held
///   cost   one pass over the tile
void logit_gradient(const LogitTile& tile, const int64_t* targets, const float* lse, const float* dlogp);

/// Whether every element is finite.
bool all_finite(const float* x, int64_t n);

/// Index of the largest element, the first of equal ones; n ≥ 1, no NaN.
int64_t argmax(const float* x, int64_t n);

}  // namespace hone::kernels
