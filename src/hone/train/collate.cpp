#include "hone/train/collate.h"

#include "hone/base/error.h"
#include "hone/data/pack.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <map>
#include <numeric>

namespace hone::train {
namespace {

// A small batch is cut finer than micro_tokens, so that every slot of train::Slots has work; not below what a matrix
// product needs to be worth its call.
constexpr int64_t kLeastMicroBatches = 8;
constexpr int64_t kLeastTokens = 192;

// The examples of one row; with `shared` > 0 so many first tokens are theirs together.
struct RowPlan {
  std::vector<int64_t> examples;
  int64_t shared = 0;
};
using Plans = std::vector<RowPlan>;

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

// Copies a float column of one example, from token `from` on, to flat index `begin`, if the examples have that column.
void put(at::Tensor& column, const std::vector<float>& values, int64_t begin, std::size_t from) {
  require(column.defined() != values.empty(), ErrorKind::internal, "a column that only some examples of a batch have");
  if (values.empty()) return;
  std::copy(values.begin() + static_cast<std::ptrdiff_t>(from), values.end(), column.data_ptr<float>() + begin);
}

int64_t length(const data::Example& e) { return static_cast<int64_t>(e.ids.size()); }

tensor::Batch empty_batch(int64_t rows, int64_t width, const data::Example& like, Rows kind) {
  tensor::Batch b;
  b.ids_BT = at::zeros({rows, width}, at::kLong);
  b.positions_BT = at::zeros({rows, width}, at::kLong);
  b.loss_mask_BT = at::zeros({rows, width}, at::kBool);
  if (kind != Rows::one_each) b.segments_BT = at::full({rows, width}, -1, at::kLong);
  if (kind == Rows::shared) b.shared_B = at::zeros({rows}, at::kLong);
  const auto column = [&](const std::vector<float>& values) {
    return values.empty() ? at::Tensor() : at::zeros({rows, width});
  };
  b.advantage_BT = column(like.advantage);
  b.behavior_BT = column(like.behavior);
  b.reference_BT = column(like.reference);
  b.kl_weight_BT = column(like.kl_weight);
  return b;
}

// Writes an example's tokens from place.from on, all of one segment but a shared prompt's, which are of segment 0.
void put_example(tensor::Batch& b, const data::Example& e, const MicroBatch::Place& place, int64_t segment,
                 int64_t shared) {
  const int64_t width = b.ids_BT.size(1), begin = place.row * width + place.column;
  const auto from = static_cast<std::size_t>(place.from);
  for (std::size_t t = from; t < e.ids.size(); ++t) {
    const int64_t at = begin + static_cast<int64_t>(t - from);
    b.ids_BT.data_ptr<int64_t>()[at] = e.ids[t];
    b.positions_BT.data_ptr<int64_t>()[at] = static_cast<int64_t>(t);
    b.loss_mask_BT.data_ptr<bool>()[at] = e.loss_mask[t] != 0;
    if (b.segments_BT.defined()) b.segments_BT.data_ptr<int64_t>()[at] = static_cast<int64_t>(t) < shared ? 0 : segment;
  }
  put(b.advantage_BT, e.advantage, begin, from);
  put(b.behavior_BT, e.behavior, begin, from);
  put(b.reference_BT, e.reference, begin, from);
  put(b.kl_weight_BT, e.kl_weight, begin, from);
}

MicroBatch fill(std::span<const data::Example> examples, const Plans& plans, int64_t width, Rows kind) {
  MicroBatch micro;
  tensor::Batch& b = micro.batch;
  b = empty_batch(static_cast<int64_t>(plans.size()), width, examples[plans[0].examples[0]], kind);
  for (std::size_t row = 0; row < plans.size(); ++row) {
    const RowPlan& plan = plans[row];
    if (plan.shared > 0) b.shared_B.data_ptr<int64_t>()[row] = plan.shared;
    int64_t column = 0, segment = plan.shared > 0 ? 1 : 0;
    for (const int64_t index : plan.examples) {
      const int64_t from = column > 0 ? plan.shared : 0;
      micro.places.push_back({index, static_cast<int64_t>(row), column, from});
      put_example(b, examples[index], micro.places.back(), segment++, plan.shared);
      column += length(examples[index]) - from;
    }
  }
  return micro;
}

// Tokens of a row.
int64_t width_of(std::span<const data::Example> examples, const RowPlan& plan) {
  int64_t sum = plan.shared;
  for (const int64_t i : plan.examples) sum += length(examples[i]) - plan.shared;
  return sum;
}

int64_t width_of(std::span<const data::Example> examples, const Plans& plans) {
  int64_t width = 0;
  for (const RowPlan& plan : plans) width = std::max(width, width_of(examples, plan));
  return width;
}

// Longer rows first: similar widths share a micro-batch, so that little of it is padding.
void sort_by_width(std::span<const data::Example> examples, Plans& plans) {
  std::stable_sort(plans.begin(), plans.end(),
                   [&](const RowPlan& a, const RowPlan& b) { return width_of(examples, a) > width_of(examples, b); });
}

Plans packed_rows(std::span<const data::Example> examples, const MicroOptions& o) {
  std::vector<int64_t> lengths(examples.size());
  std::transform(examples.begin(), examples.end(), lengths.begin(), length);
  // One example that is longer than a row makes the rows of its batch as long.
  const int64_t longest = lengths.empty() ? 0 : *std::max_element(lengths.begin(), lengths.end());
  Plans plans;
  for (auto& group : data::pack(lengths, std::max(longest, std::min(o.row_tokens, o.context))))
    plans.push_back({std::move(group)});
  return plans;
}

Plans single_rows(std::span<const data::Example> examples) {
  Plans plans;
  for (int64_t i = 0; i < static_cast<int64_t>(examples.size()); ++i) plans.push_back({{i}});
  sort_by_width(examples, plans);
  return plans;
}

// Tokens before the first that carries loss; all where none does.
int64_t prompt_length(const data::Example& e) {
  return std::find(e.loss_mask.begin(), e.loss_mask.end(), 1) - e.loss_mask.begin();
}

// Examples with the same prompt, prompts in the order they come.
Plans groups_of_prompts(std::span<const data::Example> examples) {
  std::map<text::Ids, std::size_t> known;
  Plans groups;
  for (std::size_t i = 0; i < examples.size(); ++i) {
    const int64_t prompt = prompt_length(examples[i]);
    const auto [place, fresh] =
        known.insert({{examples[i].ids.begin(), examples[i].ids.begin() + prompt}, groups.size()});
    if (fresh) groups.push_back({{}, prompt});
    groups[place->second].examples.push_back(static_cast<int64_t>(i));
  }
  return groups;
}

// One prompt and completions of up to `most` tokens a row, one completion at least: a prompt as long as a micro-batch
// is still worth sharing.
Plans shared_rows(std::span<const data::Example> examples, const Plans& groups, int64_t most) {
  Plans plans;
  for (const RowPlan& group : groups) {
    int64_t room = -1;
    for (const int64_t i : group.examples) {
      const int64_t completion = length(examples[i]) - group.shared;
      if (completion > room) {
        plans.push_back({{}, group.shared});
        room = std::max(most, completion);
      }
      plans.back().examples.push_back(i);
      room -= completion;
    }
  }
  sort_by_width(examples, plans);
  return plans;
}

// Tokens of a micro-batch, for examples that take `total` tokens.
int64_t budget_of(int64_t total, const MicroOptions& o) {
  return std::clamp(total / kLeastMicroBatches, std::min(kLeastTokens, o.micro_tokens), o.micro_tokens);
}

int64_t tokens_in(std::span<const data::Example> examples, const Plans& plans) {
  int64_t total = 0;
  for (const RowPlan& plan : plans) total += width_of(examples, plan);
  return total;
}

// Cuts rows into micro-batches of at most about the budget; `together` rows are never split.
std::vector<MicroBatch> cut(std::span<const data::Example> examples, const Plans& plans, std::size_t together,
                            int64_t budget, Rows kind) {
  std::vector<MicroBatch> out;
  // Packed rows are in no order of width; others are sorted, so that the first of a micro-batch is its widest.
  const int64_t widest = kind == Rows::packed ? width_of(examples, plans) : 0;
  for (std::size_t begin = 0; begin < plans.size();) {
    const Plans first(plans.begin() + static_cast<std::ptrdiff_t>(begin),
                      plans.begin() + static_cast<std::ptrdiff_t>(begin + together));
    const int64_t width = kind == Rows::packed ? widest : width_of(examples, first);
    const auto rows = static_cast<std::size_t>(std::max<int64_t>(1, budget / std::max<int64_t>(1, width)));
    const std::size_t end = std::min(plans.size(), begin + std::max(together, rows / together * together));
    const Plans part(plans.begin() + static_cast<std::ptrdiff_t>(begin),
                     plans.begin() + static_cast<std::ptrdiff_t>(end));
    out.push_back(fill(examples, part, width_of(examples, part), kind));
    begin = end;
  }
  return out;
}

}  // namespace

tensor::Batch collate(std::span<const data::Example> examples, Rows rows, int64_t row_tokens, int64_t vocab,
                      int64_t context) {
  require(!examples.empty(), ErrorKind::internal, "collate was given no examples");
  for (const auto& e : examples) check(e, vocab, context);
  require(rows != Rows::shared, ErrorKind::internal, "collate doesn't share prompts; micro_batches does");
  Plans plans;
  if (rows == Rows::packed)
    plans = packed_rows(examples, {.row_tokens = row_tokens, .context = context});
  else
    for (std::size_t i = 0; i < examples.size(); ++i) plans.push_back({{static_cast<int64_t>(i)}});
  return fill(examples, plans, width_of(examples, plans), rows).batch;
}

std::vector<MicroBatch> micro_batches(std::span<const data::Example> examples, const MicroOptions& o) {
  for (const auto& e : examples) check(e, o.vocab, o.context);
  if (examples.empty()) return {};
  if (o.rows == Rows::shared) {
    const Plans groups = groups_of_prompts(examples);
    const int64_t budget = budget_of(tokens_in(examples, groups), o);
    return cut(examples, shared_rows(examples, groups, budget), 1, budget, o.rows);
  }
  const Plans plans = o.rows == Rows::packed ? packed_rows(examples, o) : single_rows(examples);
  return cut(examples, plans, 1, budget_of(tokens_in(examples, plans), o), o.rows);
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
  Plans plans;
  for (const auto p : order) {
    plans.push_back({{static_cast<int64_t>(2 * p)}});
    plans.push_back({{static_cast<int64_t>(2 * p + 1)}});
  }
  return cut(examples, plans, 2, budget_of(tokens_in(examples, plans), o), o.rows);
}

}  // namespace hone::train
