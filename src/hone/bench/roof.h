// What the machine could do at best, measured where the step runs: every thread multiplies its own matrices, single-
// threaded, at the same time as the others.
#pragma once

#include "hone/base/pool.h"
#include "hone/models/decoder_config.h"

#include <cstdint>
#include <vector>

namespace hone::bench {

/// y [rows, out] = x [rows, in] · Wᵀ, W [out, in].
struct Product {
  int64_t rows = 0, in = 0, out = 0;
  double flops() const { return 2.0 * static_cast<double>(rows) * static_cast<double>(in) * static_cast<double>(out); }
};

/// The three products of a linear map: y = x Wᵀ, ∂x = ∂y W, ∂W = ∂yᵀ x.
enum class Pass { forward, input_gradient, weight_gradient };

/// FLOP/s of all threads together when each of them runs this product by libtorch's sgemm on its own matrices; the best
/// of three tries of about 10 ms. The matrices are the same every time, so that they are as near as caches allow.
double sgemm_rate(const Product& product, Pass pass, base::Pool& pool);

/// Bytes/s, read and written together, of copies of 64 MiB by every thread; the best of three.
double copy_rate(base::Pool& pool);

/// Linear maps of a decoder put through `rows` tokens, `head_rows` of them up to the logits, each with how often it
/// occurs.
struct Occurrence {
  Product product;
  int64_t count = 1;
};
std::vector<Occurrence> linear_maps(const models::DecoderConfig& config, int64_t rows, int64_t head_rows);

/// One micro-batch of training.
struct MicroShape {
  int64_t rows = 1, tokens = 1;  ///< sequences, and tokens of each
  int64_t head_rows = 1;         ///< tokens that carry loss
};

/// Seconds that all threads together need for one micro-batch (a thread's own time ÷ threads).
struct TrainRoof {
  double products = 0;   ///< forward, ∂x and ∂W of every linear map at sgemm_rate
  double attention = 0;  ///< forward and backward of nn::attention, measured in the same way
};
TrainRoof train_roof(const models::DecoderConfig& config, const MicroShape& micro, base::Pool& pool);

/// Seconds that all threads together need for the linear maps of one token of generation, when each of them puts
/// `rows` tokens through at a time.
double decode_roof(const models::DecoderConfig& config, int64_t rows, base::Pool& pool);

}  // namespace hone::bench
