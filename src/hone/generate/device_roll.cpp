#include "hone/generate/device_roll.h"

#include "hone/base/error.h"

#include <ATen/ATen.h>

#include <algorithm>

namespace hone::generate {
namespace {

// Tokens of a row that are fed together: the scores of a feed take rows · heads · kFeedTokens · columns numbers.
constexpr std::size_t kFeedTokens = 64;

// Cumulative distribution in double, inverted at each row's uniform: Sampler's rule. [R, V], [R] → [R, 1].
at::Tensor invert(const at::Tensor& logp_RV, const at::Tensor& uniform_R) {
  const auto below = logp_RV.to(at::kDouble).exp().cumsum(-1);
  const auto target = uniform_R.unsqueeze(1) * below.narrow(1, below.size(1) - 1, 1);
  return below.le(target).sum(-1, /*keepdim=*/true).clamp_max(logp_RV.size(1) - 1);
}

bool is_cut(const Sampling& s, int64_t vocab) {
  return s.choice == Choice::sample && ((s.top_k > 0 && s.top_k < vocab) || s.top_p < 1);
}

// [rows, width] of padding: token 0 in the padding column.
struct Padded {
  Padded(int64_t rows, int64_t width, int64_t padding_column)
      : ids(at::zeros({rows, width}, at::kLong)), columns(at::full({rows, width}, padding_column, at::kLong)) {}
  void put(int64_t row, int64_t i, int32_t id, int64_t column) {
    ids.data_ptr<int64_t>()[row * ids.size(1) + i] = id;
    columns.data_ptr<int64_t>()[row * ids.size(1) + i] = column;
  }
  at::Tensor ids, columns;
};

}  // namespace

DecodeStep::DecodeStep(const TorchDecoder& decoder, const Sampling& sampling, int64_t rows, int64_t columns)
    : decoder_(decoder),
      sampling_(sampling),
      cache_(decoder.config(), rows, columns, decoder.like()),
      in_3R_(at::zeros({3, rows}, decoder.like().options().dtype(at::kDouble))),
      out_3R_(at::zeros_like(in_3R_)),
      logits_RV_(at::zeros({rows, decoder.config().vocab}, decoder.like().options().dtype(at::kFloat))),
      replay_([this] { on_device(); }, decoder.like().device()) {}

void DecodeStep::on_device() {
  const at::NoGradGuard no_grad;
  const auto ids = in_3R_[0].to(at::kLong).unsqueeze(1), columns = in_3R_[1].to(at::kLong).unsqueeze(1);
  logits_RV_.copy_(decoder_.logits(decoder_.feed(cache_, {{}, ids, columns}).squeeze(1)));
  const bool greedy = sampling_.choice == Choice::greedy;
  const auto logp = at::log_softmax(greedy ? logits_RV_ : logits_RV_ / sampling_.temperature, -1);
  const auto chosen = greedy ? logits_RV_.argmax(-1, /*keepdim=*/true) : invert(logp, in_3R_[2]);
  out_3R_[0].copy_(chosen.squeeze(1));
  out_3R_[1].copy_(logp.gather(1, chosen).squeeze(1));
  out_3R_[2].copy_(at::isfinite(logits_RV_).all(-1));
}

at::Tensor DecodeStep::run(const at::Tensor& in_3R) {
  in_3R_.copy_(in_3R);
  replay_.run();
  return out_3R_.cpu();
}

DeviceRoll::DeviceRoll(RollJob& job, const TorchDecoder& decoder, DecodeStep& step)
    : job_(job),
      decoder_(decoder),
      step_(step),
      sampler_(step.sampling(), decoder.config().vocab),
      rows_(static_cast<std::size_t>(step.cache().rows())) {}

void DeviceRoll::run() {
  for (;;) {
    fill_rows();
    if (live_ == 0) return;
    step();
  }
}

// New samples are put in once an eighth of the rows is free: their prompts stop all rows while they are fed.
void DeviceRoll::fill_rows() {
  const auto rows = static_cast<int64_t>(rows_.size());
  if (live_ > 0 && rows - live_ < std::max<int64_t>(1, rows / 8)) return;
  const auto before = live_;
  int64_t leader = -1;
  for (int64_t i = 0; i < rows && next_request_ < job_.requests.size(); ++i) {
    Row& row = rows_[static_cast<std::size_t>(i)];
    if (row.request) continue;
    const Request& request = job_.requests[next_request_];
    row = {.request = &request, .pending = request.prompt, .leader = leader};
    const auto first = static_cast<std::size_t>(job_.first_rollout[next_request_]);
    row.rollout = &job_.rollouts[first + static_cast<std::size_t>(next_sample_)];
    *row.rollout = {static_cast<int64_t>(next_request_), next_sample_, {Completion()}};
    row.rng = job_.rng.fork("sample", {request.key, static_cast<uint64_t>(next_sample_)});
    const text::Ids& forced = request.turns.front().forced;
    row.pending.insert(row.pending.end(), forced.begin(), forced.end());
    ++live_;
    if (leader < 0) leader = i;
    if (++next_sample_ < request.samples) continue;
    next_sample_ = 0, leader = -1;
    ++next_request_;
  }
  if (live_ > before) feed_prompts();
}

// Every prompt is fed once, by the first row that has it; the others copy its cache.
void DeviceRoll::feed_prompts() {
  std::vector<int64_t> leaders, from, to;
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    Row& row = rows_[i];
    if (!row.request || row.tokens > 0) continue;
    if (row.leader < 0) {
      leaders.push_back(static_cast<int64_t>(i));
      continue;
    }
    from.push_back(row.leader);
    to.push_back(static_cast<int64_t>(i));
  }
  feed_pending(leaders);
  const auto device = decoder_.like().device();
  const auto from_rows = at::tensor(from, at::kLong).to(device), to_rows = at::tensor(to, at::kLong).to(device);
  for (at::Tensor* part : {&step_.cache().keys, &step_.cache().values}) {
    if (!to.empty()) part->index_copy_(1, to_rows, part->index_select(1, from_rows));
  }
  for (const int64_t i : to) {
    Row& row = rows_[static_cast<std::size_t>(i)];
    row.tokens = rows_[static_cast<std::size_t>(row.leader)].tokens;
    row.pending.erase(row.pending.begin(), row.pending.end() - 1);
  }
}

// All pending tokens of these rows but the last.
void DeviceRoll::feed_pending(std::vector<int64_t> which) {
  const auto done = [&](int64_t i) { return rows_[static_cast<std::size_t>(i)].pending.size() == 1; };
  for (std::erase_if(which, done); !which.empty(); std::erase_if(which, done)) {
    std::size_t width = 0;
    for (const int64_t i : which)
      width = std::max(width, std::min(kFeedTokens, rows_[static_cast<std::size_t>(i)].pending.size() - 1));
    Padded feed(static_cast<int64_t>(which.size()), static_cast<int64_t>(width), step_.cache().padding_column());
    for (std::size_t r = 0; r < which.size(); ++r) {
      Row& row = rows_[static_cast<std::size_t>(which[r])];
      const auto count = static_cast<int64_t>(std::min(width, row.pending.size() - 1));
      for (int64_t t = 0; t < count; ++t)
        feed.put(static_cast<int64_t>(r), t, row.pending[static_cast<std::size_t>(t)], row.tokens + t);
      row.pending.erase(row.pending.begin(), row.pending.begin() + count);
      row.tokens += count;
      fed_tokens_ += count;
    }
    const auto device = decoder_.like().device();
    decoder_.feed(step_.cache(),
                  {at::tensor(which, at::kLong).to(device), feed.ids.to(device), feed.columns.to(device)});
  }
}

void DeviceRoll::step() {
  std::vector<int64_t> several;
  const auto count = static_cast<int64_t>(rows_.size());
  for (int64_t i = 0; i < count; ++i)
    if (rows_[static_cast<std::size_t>(i)].pending.size() > 1) several.push_back(i);
  feed_pending(several);
  const bool cut = is_cut(step_.sampling(), decoder_.config().vocab);
  const auto in_3R = at::zeros({3, count}, at::kDouble);
  double* in = in_3R.data_ptr<double>();
  for (int64_t i = 0; i < count; ++i) {
    Row& row = rows_[static_cast<std::size_t>(i)];
    in[count + i] = static_cast<double>(row.request ? row.tokens : step_.cache().padding_column());
    if (!row.request) continue;
    in[i] = row.pending.front();
    if (!cut && step_.sampling().choice == Choice::sample) in[2 * count + i] = row.rng.uniform();
    ++row.tokens;
    ++fed_tokens_;
  }
  const auto out = step_.run(in_3R);
  const auto logits = cut ? step_.logits().cpu() : at::Tensor();
  for (int64_t i = 0; i < count; ++i) {
    Row& row = rows_[static_cast<std::size_t>(i)];
    if (row.request) take(row, draw(i, out, logits));
  }
}

Draw DeviceRoll::draw(int64_t i, const at::Tensor& out_3R, const at::Tensor& logits_RV) {
  Row& row = rows_[static_cast<std::size_t>(i)];
  const int64_t count = out_3R.size(1);
  const double* out = out_3R.data_ptr<double>() + i;
  if (out[2 * count] == 0)
    fail(ErrorKind::numeric, "generate: request {} (key {}), sample {}, turn {}, token {}: logits are not finite",
         row.rollout->request, row.request->key, row.rollout->sample, row.rollout->turns.size() - 1,
         row.rollout->turns.back().ids.size());
  if (!logits_RV.defined()) return {static_cast<int32_t>(out[0]), static_cast<float>(out[count])};
  const int64_t vocab = logits_RV.size(1);
  return sampler_.draw({logits_RV.data_ptr<float>() + i * vocab, static_cast<std::size_t>(vocab)}, row.rng);
}

void DeviceRoll::take(Row& row, const Draw& draw) {
  ++sampled_tokens_;
  if (advance(*row.request, *row.rollout, draw, job_.tokenizer, row.pending) == Progress::goes_on) return;
  row = {};
  --live_;
}

}  // namespace hone::generate
