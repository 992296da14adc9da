#include "hone/train/collate.h"

#include "hone/base/error.h"
#include "hone/data/pack.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <numeric>

namespace hone::train {
namespace {

// A small batch is cut finer than micro_tokens, so that every slot of train::Slots has work; not below what a matrix
// product needs to be worth its call.
constexpr int64_t kLeastMicroBatches = 8;
constexpr int64_t kLeastTokens = 192;

using Groups = std::vector<std::vector<int64_t>>;  // the examples of each row

void check(const data::Example& e, int64_t vocab, int64_t context) {
  require(!e.ids.empty(), ErrorKind::data, "an example has no tokens");
  require(static_cast<int64_t>(e.ids.size()) <= context, ErrorKind::data,
          "an example has {} tokens but the model's context is {}", e.ids.size(), context);
  require(e.loss_mask.size() == e.ids.size() && e.loss_mask[0] == 0, ErrorKind::internal,
          "an example's loss mask does not fit its {} tokens", e.ids.size());
  for (const auto* column : {&e.advantage, &e.behavior, &e.reference, &e.kl_weight})
    require(column->empty() || column->size() == e.ids.size(), ErrorKind::internal,
            "an example's column of {} numbers does not fit its {} tokens", column->size(), e.ids.size());
  for (const int32_t id : e.ids)
    require(id >= 0 && id < vocab, ErrorKind::data, "token id {} is outside the vocabulary of {}", id, vocab);
}

// Copies a float column of one example into its place in a row, if the examples have that column.
void put(at::Tensor& column, const std::vector<float>& values, int64_t row, int64_t begin) {
  require(column.defined() != values.empty(), ErrorKind::internal, "a column that only some examples of a batch have");
  if (values.empty()) return;
  std::copy(values.begin(), values.end(), column.data_ptr<float>() + row * column.size(1) + begin);
}

tensor::Batch empty_batch(int64_t rows, int64_t width, const data::Example& like, Rows kind) {
  tensor::Batch b;
  b.ids_BT = at::zeros({rows, width}, at::kLong);
  b.positions_BT = at::zeros({rows, width}, at::kLong);
  b.loss_mask_BT = at::zeros({rows, width}, at::kBool);
  if (kind == Rows::packed) b.segments_BT = at::full({rows, width}, -1, at::kLong);
  const auto column = [&](const std::vector<float>& values) {
    return values.empty() ? at::Tensor() : at::zeros({rows, width});
  };
  b.advantage_BT = column(like.advantage);
  b.behavior_BT = column(like.behavior);
  b.reference_BT = column(like.reference);
  b.kl_weight_BT = column(like.kl_weight);
  return b;
}

tensor::Batch fill(std::span<const data::Example> examples, const Groups& groups, int64_t width, Rows kind) {
  auto b = empty_batch(static_cast<int64_t>(groups.size()), width, examples[groups[0][0]], kind);
  for (std::size_t row = 0; row < groups.size(); ++row) {
    int64_t begin = static_cast<int64_t>(row) * width, segment = 0;
    const int64_t row_start = begin;
    for (const int64_t index : groups[row]) {
      const auto& e = examples[index];
      for (std::size_t t = 0; t < e.ids.size(); ++t) {
        b.ids_BT.data_ptr<int64_t>()[begin + static_cast<int64_t>(t)] = e.ids[t];
        b.positions_BT.data_ptr<int64_t>()[begin + static_cast<int64_t>(t)] = static_cast<int64_t>(t);
        b.loss_mask_BT.data_ptr<bool>()[begin + static_cast<int64_t>(t)] = e.loss_mask[t] != 0;
        if (kind == Rows::packed) b.segments_BT.data_ptr<int64_t>()[begin + static_cast<int64_t>(t)] = segment;
      }
      put(b.advantage_BT, e.advantage, static_cast<int64_t>(row), begin - row_start);
      put(b.behavior_BT, e.behavior, static_cast<int64_t>(row), begin - row_start);
      put(b.reference_BT, e.reference, static_cast<int64_t>(row), begin - row_start);
      put(b.kl_weight_BT, e.kl_weight, static_cast<int64_t>(row), begin - row_start);
      begin += static_cast<int64_t>(e.ids.size());
      ++segment;
    }
  }
  return b;
}

int64_t length(const data::Example& e) { return static_cast<int64_t>(e.ids.size()); }

Groups group_rows(std::span<const data::Example> examples, const MicroOptions& o) {
  if (o.rows == Rows::packed) {
    std::vector<int64_t> lengths(examples.size());
    std::transform(examples.begin(), examples.end(), lengths.begin(), length);
    // One example that is longer than a row makes the rows of its batch as long.
    const int64_t longest = lengths.empty() ? 0 : *std::max_element(lengths.begin(), lengths.end());
    return data::pack(lengths, std::max(longest, std::min(o.row_tokens, o.context)));
  }
  std::vector<int64_t> order(examples.size());
  std::iota(order.begin(), order.end(), 0);
  // Similar lengths share a micro-batch, so that little of it is padding.
  std::stable_sort(order.begin(), order.end(),
                   [&](int64_t a, int64_t b) { return length(examples[a]) > length(examples[b]); });
  Groups groups;
  for (const int64_t i : order) groups.push_back({i});
  return groups;
}

int64_t width_of(std::span<const data::Example> examples, const Groups& groups) {
  int64_t width = 0;
  for (const auto& group : groups) {
    int64_t sum = 0;
    for (const int64_t i : group) sum += length(examples[i]);
    width = std::max(width, sum);
  }
  return width;
}

// Cuts `groups` into micro-batches of at most about the budget; a unit of `together` groups is never split.
std::vector<MicroBatch> cut(std::span<const data::Example> examples, const Groups& groups, std::size_t together,
                            const MicroOptions& o) {
  std::vector<MicroBatch> out;
  int64_t total = 0;
  for (const auto& e : examples) total += length(e);
  const int64_t budget = std::clamp(total / kLeastMicroBatches, std::min(kLeastTokens, o.micro_tokens), o.micro_tokens);
  // Packed rows are in no order of width; others are sorted by length, so that the first of a micro-batch is its widest.
  const int64_t widest = o.rows == Rows::packed ? width_of(examples, groups) : 0;
  for (std::size_t begin = 0; begin < groups.size();) {
    const Groups first(groups.begin() + static_cast<std::ptrdiff_t>(begin),
                       groups.begin() + static_cast<std::ptrdiff_t>(begin + together));
    const int64_t width = o.rows == Rows::packed ? widest : width_of(examples, first);
    const auto rows = static_cast<std::size_t>(std::max<int64_t>(1, budget / std::max<int64_t>(1, width)));
    const std::size_t end = std::min(groups.size(), begin + std::max(together, rows / together * together));
    const Groups part(groups.begin() + static_cast<std::ptrdiff_t>(begin),
                      groups.begin() + static_cast<std::ptrdiff_t>(end));
    MicroBatch micro;
    for (const auto& group : part) micro.order.insert(micro.order.end(), group.begin(), group.end());
    micro.batch = fill(examples, part, width_of(examples, part), o.rows);
    out.push_back(std::move(micro));
    begin = end;
  }
  return out;
}

}  // namespace

tensor::Batch collate(std::span<const data::Example> examples, Rows rows, int64_t row_tokens, int64_t vocab,
                      int64_t context) {
  require(!examples.empty(), ErrorKind::internal, "collate was given no examples");
  for (const auto& e : examples) check(e, vocab, context);
  MicroOptions options{.rows = rows, .row_tokens = row_tokens, .vocab = vocab, .context = context};
  Groups groups;
  if (rows == Rows::packed)
    groups = group_rows(examples, options);
  else
    for (std::size_t i = 0; i < examples.size(); ++i) groups.push_back({static_cast<int64_t>(i)});
  return fill(examples, groups, width_of(examples, groups), rows);
}

std::vector<MicroBatch> micro_batches(std::span<const data::Example> examples, const MicroOptions& o) {
  for (const auto& e : examples) check(e, o.vocab, o.context);
  return cut(examples, examples.empty() ? Groups{} : group_rows(examples, o), 1, o);
}

std::vector<data::Example> examples_of(std::span<const data::Pair> pairs) {
  std::vector<data::Example> out;
  for (const auto& pair : pairs) {
    out.push_back(pair.chosen);
    out.push_back(pair.rejected);
  }
  return out;
}

std::vector<MicroBatch> pair_micro_batches(std::span<const data::Pair> pairs, const MicroOptions& o) {
  require(o.rows == Rows::one_each, ErrorKind::internal, "pairs need one sequence a row");
  const auto examples = examples_of(pairs);
  for (const auto& e : examples) check(e, o.vocab, o.context);
  std::vector<std::size_t> order(pairs.size());
  std::iota(order.begin(), order.end(), 0);
  const auto longer = [&](std::size_t p) { return std::max(length(pairs[p].chosen), length(pairs[p].rejected)); };
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return longer(a) > longer(b); });
  Groups groups;
  for (const auto p : order) {
    groups.push_back({static_cast<int64_t>(2 * p)});
    groups.push_back({static_cast<int64_t>(2 * p + 1)});
  }
  return cut(examples, groups, 2, o);
}

}  // namespace hone::train
