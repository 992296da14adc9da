// hone inspect: what a model computes, to be compared with what others compute from the same file.
#include "cli/commands/engine.h"
#include "cli/console.h"
#include "cli/engine_verbs.h"
#include "hone/adapters/peft.h"
#include "hone/models/model.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <vector>

namespace hone::cli {
namespace {

at::Tensor logits_of(const models::Decoder& decoder, const std::vector<int64_t>& ids) {
  const c10::NoGradGuard no_gradients;
  tensor::Batch batch;
  batch.ids_BT = at::tensor(ids, at::kLong).unsqueeze(0);
  batch.positions_BT = at::arange(batch.ids_BT.size(1)).unsqueeze(0);
  return models::logits(decoder, batch)[0].contiguous();
}

// Row by row, and every float in the fewest digits that give it back: a large vocabulary makes long lines.
void print_json(const InspectPlan& plan, const at::Tensor& logits) {
  Json head = {{"model", plan.model.string()}};
  if (!plan.adapter.empty()) head["adapter"] = plan.adapter.string();
  head["ids"] = plan.ids;
  std::string text = base::dump(head);
  text.back() = ',';
  put("{}\"logits\":[", text);
  for (int64_t t = 0; t < logits.size(0); ++t) {
    const float* row = logits.data_ptr<float>() + t * logits.size(1);
    text = t == 0 ? "\n[" : ",\n[";
    for (int64_t v = 0; v < logits.size(1); ++v) {
      if (v > 0) text += ',';
      text += std::isfinite(row[v]) ? fmt::format("{}", row[v]) : "null";
    }
    put("{}]", text);
  }
  put("]}}\n");
}

void print_table(const InspectPlan& plan, const at::Tensor& logits) {
  constexpr int64_t kShown = 5;
  Table table({"position", "token", "largest logits"});
  const int64_t vocab = logits.size(1), shown = std::min(kShown, vocab);
  std::vector<int64_t> order(static_cast<std::size_t>(vocab));
  for (int64_t t = 0; t < logits.size(0); ++t) {
    const float* row = logits.data_ptr<float>() + t * vocab;
    std::iota(order.begin(), order.end(), 0);
    std::partial_sort(order.begin(), order.begin() + shown, order.end(),
                      [&](int64_t a, int64_t b) { return row[a] != row[b] ? row[a] > row[b] : a < b; });
    std::string best;
    for (int64_t i = 0; i < shown; ++i) {
      const int64_t id = order[static_cast<std::size_t>(i)];
      best += fmt::format("{}{} {:.4f}", i == 0 ? "" : " · ", id, row[id]);
    }
    table.row({std::to_string(t), std::to_string(plan.ids[static_cast<std::size_t>(t)]), best});
  }
  put("{}", table.text(Console::of(stdout)));
}

}  // namespace

int run_inspect(const Call& call) {
  const InspectPlan plan = inspect_plan(call);
  models::Decoder decoder = models::open_decoder(plan.model);
  if (!plan.adapter.empty()) adapters::load_adapter(decoder, plan.adapter);
  const at::Tensor logits = logits_of(decoder, plan.ids);
  call.has("--json") ? print_json(plan, logits) : print_table(plan, logits);
  return 0;
}

}  // namespace hone::cli
