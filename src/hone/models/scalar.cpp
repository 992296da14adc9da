#include "hone/models/scalar.h"

#include "hone/base/error.h"
#include "hone/checkpoint/adapter_config.h"
#include "hone/models/hf_config.h"
#include "hone/models/model.h"

#include <ATen/ATen.h>

#include <memory>
#include <utility>

namespace hone::models {
namespace {

// What a folder calls and stores the tensors of the scalar form: under their full names, since transformers takes a
// file with bare ones for a model without any head.
std::shared_ptr<const Origin> scalar_origin(const Decoder& scalar) {
  if (!scalar.origin) return nullptr;
  Origin origin = *scalar.origin;
  const auto tensors = hf_tensors(scalar);
  origin.tensors.resize(tensors.size());
  for (std::size_t i = 0; i < tensors.size(); ++i) origin.tensors[i].name = tensors[i].name;
  origin.tensors.back().dtype = checkpoint::Dtype::f32;  // one row: not worth rounding
  make_scalar(origin.config);
  origin.generation_config = nullptr;
  return std::make_shared<const Origin>(std::move(origin));
}

std::shared_ptr<const checkpoint::AdapterConfig> with_score(const Decoder& adapted) {
  if (!adapted.adapter.config) return nullptr;
  auto config = *adapted.adapter.config;
  config.score = true;
  config.task = "SEQ_CLS";
  return std::make_shared<const checkpoint::AdapterConfig>(std::move(config));
}

}  // namespace

Decoder scalar_of(const Decoder& from) {
  if (from.scalar()) return copy(from);
  Decoder m = from;
  m.head = at::Tensor();
  m.config.scalar = true;
  const int64_t width = m.config.width;
  m.score = at::zeros({1, width}, from.flat.options());
  if (m.adapted()) {
    bind_adapter(m, at::cat({from.adapter.flat, at::zeros({width}, from.flat.options())}));
    m.adapter.config = with_score(m);
  } else {
    m = copy(m);
  }
  m.origin = scalar_origin(m);
  return m;
}

at::Tensor values(const Decoder& m, const tensor::Batch& batch) {
  require(m.scalar(), ErrorKind::usage, "the model predicts tokens; a scalar head (models::scalar_of) is needed here");
  const auto hidden = hidden_states(m, batch).to(at::kFloat);
  return at::mv(hidden.reshape({-1, hidden.size(2)}), m.score.select(0, 0)).view({hidden.size(0), hidden.size(1)});
}

at::Tensor values_before(const at::Tensor& values_BT) {
  const auto first = at::zeros({values_BT.size(0), 1}, values_BT.options());
  return at::cat({first, values_BT.narrow(1, 0, values_BT.size(1) - 1)}, 1);
}

at::Tensor last_values(const at::Tensor& values_BT, const at::Tensor& mask_BT) {
  require(values_BT.sizes() == mask_BT.sizes(), ErrorKind::internal, "values and mask differ in shape");
  // The last true place is where counting them ends.
  const auto counted = mask_BT.to(at::kLong).cumsum(1);
  const auto last = mask_BT.logical_and(counted.eq(counted.narrow(1, counted.size(1) - 1, 1)));
  return at::where(last, values_BT, at::zeros({}, values_BT.options())).sum(1);
}

}  // namespace hone::models
