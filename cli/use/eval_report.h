// What `hone eval` says: a table for a person, JSON for a program, a row per completion for who wants to look.
#pragma once

#include "cli/console.h"
#include "cli/use/plans.h"
#include "hone/base/json.h"
#include "hone/evaluate/task_eval.h"

#include <string>
#include <vector>

namespace hone::cli {

struct EvalResult {
  std::string name, other_name;  ///< the models' folders; other_name "" without another
  std::string prompts;           ///< how they were put
  int64_t max_tokens = 0;        ///< what a completion could have
  std::vector<evaluate::Answers> model, other;
  std::vector<evaluate::MetricRow> rows;
  double seconds = 0;
};

std::string eval_text(const EvalPlan& plan, const EvalTask& task, const EvalResult& result, const Console& console);
Json eval_json(const EvalPlan& plan, const EvalTask& task, const EvalResult& result);
/// JSONL: {"model", "id", "kind": "greedy" or "sample", "sample", "prompt" or "messages", "completion", "finish",
/// "tokens", "right", "reason"}
std::string completions_text(const EvalPlan& plan, const EvalTask& task, const EvalResult& result);

}  // namespace hone::cli
