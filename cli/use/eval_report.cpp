#include "cli/use/eval_report.h"

#include "cli/use/studio.h"
#include "hone/base/toml_text.h"
#include "hone/data/dialogue.h"
#include "hone/report/progress.h"

#include <algorithm>

namespace hone::cli {
namespace {

using evaluate::Answer;
using evaluate::Answers;
using evaluate::MetricRow;

// Below this the resamples say little about problems that were not drawn.
constexpr std::size_t kFewProblems = 30;

std::string percent(const report::Interval& i) {
  return fmt::format("{:.1f} % [{:.1f}, {:.1f}]", 100 * i.mean, 100 * i.low, 100 * i.high);
}

std::string points(const report::Interval& i) {
  return fmt::format("{:+.1f} pts [{:+.1f}, {:+.1f}]", 100 * i.mean, 100 * i.low, 100 * i.high);
}

Tone tone_of(const report::Interval& difference) {
  if (difference.low > 0) return Tone::good;
  return difference.high < 0 ? Tone::bad : Tone::plain;
}

// The first row in words.
std::string verdict(const MetricRow& row, const EvalResult& result) {
  const report::Interval& d = row.difference;
  if (d.low == 0 && d.high == 0)
    return fmt::format("no difference: {} of {} and {} is the same on every problem", row.label, result.name,
                       result.other_name);
  const std::string said = fmt::format("{} of {} is {:.1f} points {} that of {}", row.label, result.name,
                                       100 * std::abs(d.mean), d.mean < 0 ? "below" : "above", result.other_name);
  const std::string range =
      fmt::format("the 95 % interval of the difference, [{:+.1f}, {:+.1f}]", 100 * d.low, 100 * d.high);
  if (d.low > 0) return fmt::format("{} is better: {}, and {}, lies above 0", result.name, said, range);
  if (d.high < 0) return fmt::format("{} is worse: {}, and {}, lies below 0", result.name, said, range);
  return fmt::format("no difference is shown: {}, but {}, holds 0; more problems would narrow it", said, range);
}

std::string table(const EvalResult& result, const Console& console) {
  const bool two = !result.other_name.empty();
  Table table(two ? std::vector<std::string>{"", result.name, result.other_name, "difference", ""}
                  : std::vector<std::string>{"", result.name + "  95 % interval"});
  for (const MetricRow& row : result.rows) {
    if (!two) {
      table.row({row.label, percent(row.value)});
      continue;
    }
    const Tone tone = tone_of(row.difference);
    table.row({row.label, percent(row.value), percent(row.other), points(row.difference),
               console.paint(tone, evaluate::words_of(row.difference))});
  }
  return table.text(console);
}

std::string reasons_text(const std::vector<Answers>& answers) {
  constexpr std::size_t kShown = 3;
  const auto reasons = evaluate::reasons_of(answers);
  std::string text;
  for (std::size_t i = 0; i < std::min(kShown, reasons.size()); ++i)
    text +=
        fmt::format("{}{} × {}", i == 0 ? "" : " · ", count_text(reasons[i].second), base::printable(reasons[i].first));
  if (reasons.size() > kShown) text += " · …";
  return text.empty() ? "none" : text;
}

// The first wrong greedy answer, so that a person sees what the numbers are made of.
std::string example_text(const EvalTask& task, const EvalResult& result, const Console& console) {
  constexpr int kColumns = 100;
  for (std::size_t i = 0; i < result.model.size(); ++i) {
    const Answer& answer = result.model[i].greedy;
    if (answer.verdict.reward > 0.5) continue;
    const tasks::Problem& problem = task.problems[i];
    const std::string& asked = problem.messages.empty() ? problem.prompt : problem.messages.back().content;
    const int columns = console.columns() > 24 ? console.columns() - 14 : kColumns;
    return fmt::format("for example {}\n            asked   {}\n            said    {}\n            but     {}\n",
                       base::printable(problem.id), cut(base::printable(asked), columns - 8),
                       cut(base::printable(answer.text), columns - 8), base::printable(answer.verdict.reason));
  }
  return "";
}

Json interval_json(const report::Interval& i) {
  return {{"mean", base::finite_or_null(i.mean)},
          {"low", base::finite_or_null(i.low)},
          {"high", base::finite_or_null(i.high)}};
}

Json sampling_json(const EvalPlan& plan) {
  return {{"temperature", plan.sampling.temperature},
          {"top_k", plan.sampling.top_k},
          {"top_p", plan.sampling.top_p},
          {"seed", plan.seed}};
}

}  // namespace

std::string eval_text(const EvalPlan& plan, const EvalTask& task, const EvalResult& result, const Console& console) {
  const int64_t tokens = evaluate::tokens_of(result.model) + evaluate::tokens_of(result.other);
  std::string text = fmt::format("model       {}\n", plan.model.string());
  if (plan.other) text += fmt::format("against     {}\n", plan.other->string());
  text += fmt::format("task        {} · {} problems · verifier {}\n", plan.task_name,
                      count_text(static_cast<int64_t>(task.problems.size())), plan.task.verifier);
  text += fmt::format("asked by    {} · at most {} tokens · {}\n\n", result.prompts, count_text(result.max_tokens),
                      plan.weights_name);
  text += table(result, console) + "\n";
  text += fmt::format("wrong       {}\n", reasons_text(result.model));
  text += example_text(task, result, console);
  if (task.problems.size() < kFewProblems)
    text += fmt::format("note        {} problems are few: intervals are rough\n", task.problems.size());
  text +=
      fmt::format("cost        {} tokens in {} · {:.0f} tokens/s\n", count_text(tokens),
                  report::short_duration(result.seconds), static_cast<double>(tokens) / std::max(1e-9, result.seconds));
  if (plan.other) {
    const MetricRow& first = result.rows.front();
    text += "\n" + console.paint(tone_of(first.difference), verdict(first, result)) + "\n";
  }
  return text;
}

Json eval_json(const EvalPlan& plan, const EvalTask& task, const EvalResult& result) {
  Json metrics = Json::object();
  for (const MetricRow& row : result.rows) {
    Json metric = {{"label", row.label}, {"model", interval_json(row.value)}};
    if (plan.other) {
      metric["other"] = interval_json(row.other);
      metric["difference"] = interval_json(row.difference);
      metric["words"] = evaluate::words_of(row.difference);
    }
    metrics[row.name] = std::move(metric);
  }
  Json wrong = Json::array();
  for (const auto& [reason, count] : evaluate::reasons_of(result.model))
    wrong.push_back({{"reason", reason}, {"count", count}});
  Json json = {{"schema", 1}, {"model", plan.model.string()}};
  if (plan.other) json["other"] = plan.other->string();
  json["task"] = plan.task_name;
  json["verifier"] = plan.task.verifier;
  json["problems"] = task.problems.size();
  json["prompts"] = result.prompts;
  json["max_tokens"] = result.max_tokens;
  json["weights"] = plan.weights_name;
  json["samples"] = plan.samples;
  json["sampling"] = sampling_json(plan);
  json["metrics"] = std::move(metrics);
  json["wrong"] = std::move(wrong);
  if (plan.other) json["verdict"] = verdict(result.rows.front(), result);
  json["tokens"] = evaluate::tokens_of(result.model) + evaluate::tokens_of(result.other);
  json["seconds"] = result.seconds;
  return json;
}

std::string completions_text(const EvalPlan& plan, const EvalTask& task, const EvalResult& result) {
  std::string lines;
  const auto add = [&](const std::string& model, const tasks::Problem& problem, const Answer& answer, int64_t sample) {
    Json row = {{"model", model}, {"id", problem.id}, {"kind", sample < 0 ? "greedy" : "sample"}};
    if (sample >= 0) row["sample"] = sample;
    if (problem.messages.empty()) {
      row["prompt"] = problem.prompt;
    } else {
      row["messages"] = data::messages_json(problem.messages);
    }
    row["completion"] = answer.text;
    row["finish"] = name_of(answer.finish);
    row["tokens"] = answer.tokens;
    row["right"] = answer.verdict.reward > 0.5;
    row["reason"] = answer.verdict.reason;
    lines += base::dump(row) + "\n";
  };
  const auto add_all = [&](const std::string& model, const std::vector<Answers>& all) {
    for (std::size_t i = 0; i < all.size(); ++i) {
      add(model, task.problems[i], all[i].greedy, -1);
      for (std::size_t s = 0; s < all[i].samples.size(); ++s)
        add(model, task.problems[i], all[i].samples[s], static_cast<int64_t>(s));
    }
  };
  add_all(plan.model.string(), result.model);
  if (plan.other) add_all(plan.other->string(), result.other);
  return lines;
}

}  // namespace hone::cli
