// Models and tokens of a shape, with the numbers that every row about a model holds.
#pragma once

#include "hone/base/json.h"
#include "hone/base/rng.h"
#include "hone/bench/shapes.h"
#include "hone/models/decoder.h"
#include "hone/text/tokenizer.h"

#include <string>

namespace hone::bench {

/// A decoder of the shape with random weights. Errors: usage for an unknown family.
models::Decoder random_model(const Shape& shape, const std::string& family);

/// `count` ids of [0, vocab).
text::Ids random_ids(int64_t count, int64_t vocab, Rng rng);

/// {"name", "bench", "family", "parameters", "unit", "shape"}.
Json model_row(const std::string& bench, const Shape& shape, const models::Decoder& model);

/// Operations a token: `per_parameter` for every parameter but the position table's, and attention to `context` tokens
/// (4·L·H·d·context forward, three times that with the backward pass when per_parameter is 6).
double flops_per_token(const models::Decoder& model, double per_parameter, double context);

}  // namespace hone::bench
