#include "hone/nn/low_rank.h"

#include "hone/kernels/elementwise.h"
#include "hone/nn/linear.h"
#include "hone/nn/parallel.h"
#include "hone/nn/products.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <bit>
#include <functional>

namespace hone::nn {
namespace {

// Where a part's A begins in a, and its B in b.
struct Place {
  int64_t rank = 0, offset = 0;
};

void for_parts(const LowRank& delta, const std::function<void(const LowRankPart& part, const Place& place)>& work) {
  Place place;
  for (const LowRankPart& part : delta.parts) {
    work(part, place);
    place.rank += part.rank;
    place.offset += part.rows * part.rank;
  }
}

// [rows, rank] of a flat tensor laid out as b.
at::Tensor matrix_at(const at::Tensor& flat, const LowRankPart& part, const Place& place) {
  return flat.narrow(0, place.offset, part.rows * part.rank).view({part.rows, part.rank});
}

bool drops(const LowRank& delta) { return delta.dropout > 0 && delta.mask_key.has_value(); }

// out = drop(in), both [N, width]; they may be one tensor. Ranges begin at multiples of kRowGrain, so at whole blocks
// of the stream.
void drop_rows(const LowRank& delta, const at::Tensor& in, const at::Tensor& out) {
  const int64_t width = in.size(1);
  for_ranges(in.size(0), kRowGrain, [&](int64_t begin, int64_t end, int64_t) {
    const int64_t at = begin * width;
    kernels::dropout(in.data_ptr<float>() + at, (end - begin) * width,
                     {*delta.mask_key, static_cast<uint64_t>(at), delta.dropout}, out.data_ptr<float>() + at);
  });
}

at::Tensor dropped(const LowRank& delta, const at::Tensor& x) {
  if (!drops(delta)) return x;
  const auto out = at::empty(x.sizes(), x.options());
  drop_rows(delta, x, out);
  return out;
}

// What dropout multiplies x by: 0 or 1/(1 − rate).
at::Tensor mask_like(const LowRank& delta, const at::Tensor& x) {
  const auto mask = at::ones(x.sizes(), at::kFloat);
  kernels::dropout(mask.data_ptr<float>(), mask.numel(), {*delta.mask_key, 0, delta.dropout}, mask.data_ptr<float>());
  return mask.to(x.options());
}

}  // namespace

LowRankPair pair_of(const LowRank& delta, std::size_t i) {
  LowRankPair pair;
  std::size_t at = 0;
  for_parts(delta, [&](const LowRankPart& part, const Place& place) {
    if (at++ == i) pair = {delta.a.narrow(0, place.rank, part.rank), matrix_at(delta.b, part, place)};
  });
  return pair;
}

void add_product(const LowRank& delta, at::Tensor weight) {
  if (!delta.defined()) return;
  const at::NoGradGuard no_grad;
  for_parts(delta, [&](const LowRankPart& part, const Place& place) {
    const auto a = delta.a.detach().narrow(0, place.rank, part.rank), b = matrix_at(delta.b.detach(), part, place);
    weight.narrow(0, part.first_row, part.rows)
        .addmm_(b.to(weight.scalar_type()), a.to(weight.scalar_type()), 1, part.scale);
  });
}

at::Tensor plus_low_rank(const at::Tensor& y, const LowRank& delta, const at::Tensor& x) {
  if (!delta.defined()) return y;
  const auto seen = drops(delta) ? x * mask_like(delta, x) : x;
  auto sum = y;
  for_parts(delta, [&](const LowRankPart& part, const Place& place) {
    const auto a = as_dtype_of(x, delta.a.narrow(0, place.rank, part.rank));
    const auto b = as_dtype_of(x, matrix_at(delta.b, part, place));
    auto addition = at::linear(at::linear(seen, a), b) * part.scale;
    const int64_t behind = y.size(-1) - part.first_row - part.rows;
    if (part.rows != y.size(-1)) addition = at::constant_pad_nd(addition, {part.first_row, behind});
    sum = sum + addition;
  });
  return sum;
}

at::Tensor add_low_rank(const LowRank& delta, const at::Tensor& x, const at::Tensor& y) {
  if (!delta.defined()) return {};
  const auto h = at::empty({x.size(0), delta.a.size(0)}, x.options());
  project(dropped(delta, x), delta.a, h);
  for_ranges(x.size(0), kRowGrain, [&](int64_t begin, int64_t end, int64_t) {
    const auto rows_of_y = y.narrow(0, begin, end - begin), rows_of_h = h.narrow(0, begin, end - begin);
    for_parts(delta, [&](const LowRankPart& part, const Place& place) {
      rows_of_y.narrow(1, part.first_row, part.rows)
          .addmm_(rows_of_h.narrow(1, place.rank, part.rank), matrix_at(delta.b, part, place).t(), 1, part.scale);
    });
  });
  return h;
}

LowRankGradient::LowRankGradient(const LowRank& delta, const at::Tensor& h, const at::Tensor& dy)
    : delta_(delta), h_(h), dy_(dy), da_(gradient_of(delta.a)), db_(gradient_of(delta.b)) {
  if (!delta.defined()) return;
  dh_ = at::empty(h.sizes(), h.options());
  for_ranges(dy.size(0), kRowGrain, [&](int64_t begin, int64_t end, int64_t) {
    const auto rows_of_dy = dy.narrow(0, begin, end - begin), rows_of_dh = dh_.narrow(0, begin, end - begin);
    for_parts(delta, [&](const LowRankPart& part, const Place& place) {
      rows_of_dh.narrow(1, place.rank, part.rank)
          .addmm_(rows_of_dy.narrow(1, part.first_row, part.rows), matrix_at(delta.b, part, place), 0, part.scale);
    });
  });
}

void LowRankGradient::add_to_input(const at::Tensor& dx) const {
  if (!delta_.defined() || !dx.defined()) return;
  if (!drops(delta_)) return project_back(dh_, delta_.a, dx, Into::add);
  const auto branch = at::empty(dx.sizes(), dx.options());
  project_back(dh_, delta_.a, branch);
  drop_rows(delta_, branch, branch);
  for_ranges(dx.size(0), kRowGrain, [&](int64_t begin, int64_t end, int64_t) {
    dx.narrow(0, begin, end - begin).add_(branch.narrow(0, begin, end - begin));
  });
}

void LowRankGradient::add_to_parameters(const at::Tensor& x) const {
  if (!delta_.defined() || x.size(0) == 0) return;
  if (da_.sum.defined()) add_weight_gradient(dh_, dropped(delta_, x), da_.sum);
  if (!db_.sum.defined()) return;
  for_parts(delta_, [&](const LowRankPart& part, const Place& place) {
    const auto into = matrix_at(db_.sum, part, place);
    for_ranges(part.rows, kRowGrain, [&](int64_t begin, int64_t end, int64_t) {
      into.narrow(0, begin, end - begin)
          .addmm_(dy_.narrow(1, part.first_row + begin, end - begin).t(), h_.narrow(1, place.rank, part.rank), 1,
                  part.scale);
    });
  });
}

std::vector<int64_t> numbers_of(const LowRank& delta) {
  if (!delta.defined()) return {};
  std::vector<int64_t> numbers = {std::bit_cast<int64_t>(delta.dropout), delta.mask_key.has_value(),
                                  std::bit_cast<int64_t>(delta.mask_key.value_or(0))};
  for (const LowRankPart& part : delta.parts)
    numbers.insert(numbers.end(), {part.first_row, part.rows, part.rank, std::bit_cast<int64_t>(part.scale)});
  return numbers;
}

LowRank low_rank_of(const at::Tensor& a, const at::Tensor& b, const std::vector<int64_t>& numbers) {
  LowRank delta{a, b, {}};
  if (!delta.defined()) return delta;
  delta.dropout = std::bit_cast<double>(numbers[0]);
  if (numbers[1] != 0) delta.mask_key = std::bit_cast<uint64_t>(numbers[2]);
  for (std::size_t i = 3; i < numbers.size(); i += 4)
    delta.parts.push_back({numbers[i], numbers[i + 1], numbers[i + 2], std::bit_cast<double>(numbers[i + 3])});
  return delta;
}

}  // namespace hone::nn
