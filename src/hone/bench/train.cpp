#include "hone/bench/bench.h"
#include "hone/bench/random_model.h"
#include "hone/bench/roof.h"
#include "hone/objectives/lm.h"
#include "hone/tensor/device.h"
#include "hone/train/device_batch.h"
#include "hone/train/step.h"

#include <algorithm>

namespace hone::bench {
namespace {

std::vector<data::Example> examples_of(const Shape& s) {
  std::vector<data::Example> examples;
  for (int64_t i = 0; i < s.rows; ++i) {
    data::Example e{.ids = random_ids(s.tokens, s.vocab, Rng(2).fork("row", {static_cast<uint64_t>(i)}))};
    e.loss_mask.assign(static_cast<std::size_t>(s.tokens), 1);
    e.loss_mask[0] = 0;
    examples.push_back(std::move(e));
  }
  return examples;
}

tensor::Loss loss_of(const models::Decoder& model, const tensor::Batch& batch) {
  return objectives::lm_loss(models::logprobs(model, batch), batch.loss_mask_BT);
}

// The shape of a micro-batch, and what the roof says of a step in tokens a second.
void add_roof(Json& row, const models::Decoder& model, const train::MicroBatch& micro, base::Pool& pool) {
  const MicroShape shape{micro.batch.ids_BT.size(0), micro.batch.ids_BT.size(1),
                         micro.batch.ids_BT.size(0) * (micro.batch.ids_BT.size(1) - 1)};
  const TrainRoof roof = train_roof(model.config, shape, pool);
  const auto tokens = static_cast<double>(shape.rows * shape.tokens);
  row["micro_batch"] = {{"rows", shape.rows}, {"tokens", shape.tokens}};
  row["roof_rate"] = tokens / (roof.products + roof.attention);
  row["roof_products_rate"] = tokens / roof.products;
  row["copy_gbytes_per_second"] = copy_rate(pool) / 1e9;
}

Json train_row(Shape s, const Plan& plan, base::Pool& pool) {
  const auto device = tensor::device_named(plan.device);
  if (!device.is_cpu()) s.rows = std::max<int64_t>(1, train::kDeviceTokens / s.tokens);
  auto model = random_model(s, plan.family);
  models::to_device(model, device);
  const optim::OptimOptions options;
  auto optimizer = train::adamw_for(model, options);
  train::Slots slots(model, pool);
  const auto micros = train::micro_batches(examples_of(s), {.vocab = s.vocab, .context = s.context});

  Json row = model_row("train", s, model);
  row["flops_per_unit"] = flops_per_token(model, 6, static_cast<double>(s.tokens));
  if (device.is_cpu()) {
    add_roof(row, model, micros[0], pool);
  } else {
    row["name"] = row["name"].get<std::string>() + " " + plan.device;
    if (plan.peak_tflops > 0) row["roof_rate"] = plan.peak_tflops * 1e12 / row["flops_per_unit"].get<double>();
  }
  return measured(std::move(row), plan.pace,
                  [&] { return static_cast<double>(slots.step(micros, loss_of, optimizer, 1e-4).tokens); });
}

}  // namespace

Json train_rows(const Plan& plan, base::Pool& pool) {
  Json rows = Json::array();
  for (const Shape& shape : plan.shapes) rows.push_back(train_row(shape, plan, pool));
  return rows;
}

}  // namespace hone::bench
