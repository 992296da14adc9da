#include "hone/evaluate/summary.h"

#include "hone/adapters/peft.h"
#include "hone/base/error.h"
#include "hone/base/files.h"
#include "hone/evaluate/summary_file.h"

#include <sys/resource.h>

#include <fstream>

namespace hone::evaluate {
namespace {

bool right(const rewards::Attempt& a) { return a.verdict.reward > 0.5; }

Json attempt_json(const rewards::Attempt& a) { return {a.text, a.verdict.reward, a.verdict.reason}; }

rewards::Attempt attempt_from(const Json& j) {
  return {j.at(0).get<std::string>(), {j.at(1).get<double>(), j.at(2).get<std::string>()}};
}

Json turn_json(const rewards::Attempt& a) { return {{"text", a.text}, {"verdict", verdict_text(a.verdict)}}; }

}  // namespace

void save_model(const train::Env& env, const std::string& name, const models::Model& model) {
  const auto dir = env.dir / "models" / name, adapter = env.dir / "adapters" / name;
  std::error_code ignored;  // what is left of an interrupted run; a real failure shows when saving
  for (const auto& old : {dir, adapter}) std::filesystem::remove_all(old, ignored);
  base::make_folders(dir.parent_path());
  if (model.decoder.adapted()) adapters::save_adapter(adapter, model.decoder);
  adapters::save_model(dir, model);
}

Json to_json(const std::vector<TwoTurn>& outcomes) {
  Json out = Json::array();
  for (const auto& o : outcomes)
    out.push_back({attempt_json(o.first), attempt_json(o.second), o.sampled_first, o.sampled_second});
  return out;
}

std::vector<TwoTurn> two_turns_from_json(const Json& json) {
  std::vector<TwoTurn> out;
  for (const auto& o : json)
    out.push_back({attempt_from(o.at(0)), attempt_from(o.at(1)), o.at(2).get<double>(), o.at(3).get<double>()});
  return out;
}

Json TwoTurnSummary::transcripts(const std::string& arm, const std::vector<TwoTurn>& outcomes) const {
  Json out = Json::array();
  for (const bool first : {false, true}) {
    const std::string kind = first ? "right→wrong" : "wrong→right";
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
      const auto& o = outcomes[i];
      if (right(o.first) != first || right(o.second) == first) continue;
      out.push_back({{"kind", kind},
                     {"rule", "the first held-out problem, in split order, that went " + kind},
                     {"arm", arm},
                     {"prompt", problem_text(problems_[i])},
                     {"turns", {turn_json(o.first), turn_json(o.second)}}});
      break;
    }
  }
  return out;
}

void TwoTurnSummary::write(const train::Env& env, const std::string& improved) const {
  SummaryFile file{.improved = improved, .held_out = static_cast<int64_t>(problems_.size())};
  file.metrics = {{"acc_t1", "Acc@t1", "%", {{"t1", 1}}},
                  {"acc_t2", "Acc@t2", "%", {{"t2", 1}}},
                  {"delta", "Δ(t1→t2)", "%", {{"t2", 1}, {"t1", -1}}},
                  {"wrong_to_right", "wrong→right", "%", {{"w2r", 1}}},
                  {"right_to_wrong", "right→wrong", "%", {{"r2w", 1}}},
                  {"same", "same answer twice", "%", {{"same", 1}}},
                  {"sampled_t1", "Acc@t1 at temperature 1", "%", {{"s1", 1}}},
                  {"sampled_t2", "Acc@t2 at temperature 1", "%", {{"s2", 1}}}};
  for (const auto& [arm, outcomes] : arms_) {
    auto& values = file.outcomes.arms[arm];
    for (const auto& o : outcomes) {
      const double t1 = right(o.first), t2 = right(o.second);
      values["t1"].push_back(t1);
      values["t2"].push_back(t2);
      values["w2r"].push_back((1 - t1) * t2);
      values["r2w"].push_back(t1 * (1 - t2));
      values["s1"].push_back(o.sampled_first);
      values["s2"].push_back(o.sampled_second);
      values["same"].push_back(o.second.text.ends_with(o.first.text));  // an opinion may stand before it
    }
    file.arms.push_back(arm);
  }
  for (const auto& [arm, outcomes] : arms_)
    if (arm == improved || arms_.size() == 1) file.transcripts = transcripts(arm, outcomes);
  write_summary(env, file);
}

Json run_cost(const train::Env& env) {
  double seconds = 0, trained = 0, sampled = 0;
  std::ifstream lines(env.dir / "metrics.jsonl");
  for (std::string line; std::getline(lines, line);) {
    const auto row = base::parse_json(line, "metrics.jsonl");
    trained += base::get_number_or(row, "tokens", 0, "metrics.jsonl");
    sampled += base::get_number_or(row, "sampled_tokens", 0, "metrics.jsonl");
    if (row.contains("time")) seconds += base::get_number_or(row.at("time"), "seconds", 0, "metrics.jsonl");
  }
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  Json cost = {{"wall_seconds", seconds},
               {"train_tokens", trained},
               {"sampled_tokens", sampled},
               {"peak_rss_bytes", static_cast<int64_t>(usage.ru_maxrss) * 1024}};
  std::ifstream events(env.dir / "events.jsonl");
  for (std::string line; std::getline(events, line);) {
    const auto event = base::parse_json(line, "events.jsonl");
    if (base::get_string_or(event, "event", "", "events.jsonl") != "adapter") continue;
    for (const char* key : {"trained_parameters", "frozen_parameters"}) cost[key] = event.at(key);
  }
  return cost;
}

}  // namespace hone::evaluate
