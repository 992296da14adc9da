#include "hone/train/device_batch.h"

#include "hone/base/error.h"
#include "hone/tensor/device.h"

#include <ATen/ATen.h>

#include <algorithm>

namespace hone::train {
namespace {

using Column = at::Tensor tensor::Batch::*;

// Every column and what pads it.
constexpr std::pair<Column, int64_t> kColumns[] = {
    {&tensor::Batch::ids_BT, 0},       {&tensor::Batch::positions_BT, 0}, {&tensor::Batch::segments_BT, -1},
    {&tensor::Batch::loss_mask_BT, 0}, {&tensor::Batch::advantage_BT, 0}, {&tensor::Batch::behavior_BT, 0},
    {&tensor::Batch::reference_BT, 0}, {&tensor::Batch::kl_weight_BT, 0}};

at::Tensor stacked(std::span<const MicroBatch> parts, Column column, int64_t width, int64_t padding) {
  std::vector<at::Tensor> rows;
  for (const MicroBatch& part : parts) {
    const at::Tensor& t = part.batch.*column;
    require(t.defined() == (parts[0].batch.*column).defined(), ErrorKind::internal,
            "a column that only some micro-batches have");
    if (!t.defined()) continue;
    rows.push_back(at::constant_pad_nd(t, {0, width - t.size(1)}, padding));
  }
  return rows.empty() ? at::Tensor() : at::cat(rows);
}

MicroBatch joined_one(std::span<const MicroBatch> parts, int64_t width) {
  MicroBatch all;
  int64_t rows = 0;
  std::vector<at::Tensor> shared;
  for (const MicroBatch& part : parts) {
    for (MicroBatch::Place place : part.places) {
      place.row += rows;
      all.places.push_back(place);
    }
    rows += part.batch.ids_BT.size(0);
    if (part.batch.shared_B.defined()) shared.push_back(part.batch.shared_B);
  }
  require(shared.empty() || shared.size() == parts.size(), ErrorKind::internal,
          "prompts that only some micro-batches share");
  for (const auto& [column, padding] : kColumns) all.batch.*column = stacked(parts, column, width, padding);
  if (!shared.empty()) all.batch.shared_B = at::cat(shared);
  return all;
}

}  // namespace

std::vector<MicroBatch> joined(std::span<const MicroBatch> parts, int64_t most_tokens) {
  std::vector<MicroBatch> out;
  for (std::size_t begin = 0; begin < parts.size();) {
    int64_t rows = 0, width = 0;
    std::size_t end = begin;
    for (; end < parts.size(); ++end) {
      const at::Tensor& ids = parts[end].batch.ids_BT;
      const int64_t wider = std::max(width, ids.size(1));
      if (end > begin && (rows + ids.size(0)) * wider > most_tokens) break;
      rows += ids.size(0);
      width = wider;
    }
    out.push_back(joined_one(parts.subspan(begin, end - begin), width));
    begin = end;
  }
  return out;
}

JoinedBatches::JoinedBatches(std::span<const MicroBatch> parts, const at::Device& device, int64_t most_tokens)
    : on_cpu_(device.is_cpu()), batches_(parts) {
  if (device.is_cpu() && most_tokens == 0) return;
  own_ = joined(parts, most_tokens);
  if (!device.is_cpu())
    for (MicroBatch& micro : own_) micro.batch = tensor::to_device(micro.batch, device);
  batches_ = own_;
}

JoinedBatches::JoinedBatches(std::span<const MicroBatch> parts, const at::Device& device)
    : JoinedBatches(parts, device, device.is_cpu() ? 0 : kDeviceTokens) {}

void JoinedBatches::for_each(base::Pool& pool,
                             const std::function<void(int64_t index, const MicroBatch& micro)>& work) const {
  const auto count = static_cast<int64_t>(batches_.size());
  const auto run = [&](int64_t i) { work(i, batches_[static_cast<std::size_t>(i)]); };
  if (on_cpu_) return pool.for_each(count, [&](int64_t i, int) { run(i); });
  for (int64_t i = 0; i < count; ++i) run(i);
}

}  // namespace hone::train
