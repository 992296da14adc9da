#include "hone/report/run_record.h"

#include "hone/base/error.h"
#include "hone/report/tensorboard.h"

#include <cmath>
#include <ctime>

namespace hone::report {
namespace {

Json time_json(std::chrono::steady_clock::time_point opened, const Metrics& timings) {
  Json time;
  time["at"] = utc_text(std::chrono::system_clock::now());
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - opened).count();
  time["elapsed"] = std::round(seconds * 1000) / 1000;
  for (const auto& [name, value] : timings) time[name] = base::finite_or_null(value);
  return time;
}

bool is_reserved(std::string_view name) {
  return name == "phase" || name == "step" || name == "time" || name == "nonfinite";
}

}  // namespace

std::string utc_text(std::chrono::system_clock::time_point time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

Json to_json(const Mark& mark) {
  return {{"metrics_bytes", mark.metrics_bytes},
          {"samples_bytes", mark.samples_bytes},
          {"events_bytes", mark.events_bytes}};
}

Mark mark_from_json(const Json& json, std::string_view where) {
  return {base::get_int(json, "metrics_bytes", 0, INT64_MAX, where),
          base::get_int(json, "samples_bytes", 0, INT64_MAX, where),
          base::get_int(json, "events_bytes", 0, INT64_MAX, where)};
}

RunRecord::RunRecord(const std::filesystem::path& dir, Progress* progress, const Mark* from)
    : metrics_(dir / "metrics.jsonl", from ? from->metrics_bytes : 0),
      samples_(dir / "samples.jsonl", from ? from->samples_bytes : 0),
      events_(dir / "events.jsonl", from ? from->events_bytes : 0),
      board_(std::make_unique<TensorBoardWriter>(dir / "tb")),
      progress_(progress),
      opened_(std::chrono::steady_clock::now()) {}

RunRecord::~RunRecord() = default;

void RunRecord::metrics(std::string_view phase, int64_t step, const Metrics& values, const Metrics& timings) {
  Json line;
  line["phase"] = phase;
  line["step"] = step;
  Json nonfinite = Json::array();
  for (const auto& [name, value] : values) {
    require(!is_reserved(name), ErrorKind::internal, "a metric can't be called \"{}\"", name);
    line[name] = base::finite_or_null(value);
    if (!std::isfinite(value)) nonfinite.push_back(name);
    board_->scalar(fmt::format("{}/{}", phase, name), step, value);
  }
  if (!nonfinite.empty()) line["nonfinite"] = std::move(nonfinite);
  for (const auto& [name, value] : timings) board_->scalar(fmt::format("{}/time/{}", phase, name), step, value);
  line["time"] = time_json(opened_, timings);
  metrics_.append(base::dump(line));
}

void RunRecord::sample(std::string_view phase, int64_t step, Json fields) {
  Json line;
  line["phase"] = phase;
  line["step"] = step;
  for (auto& [name, value] : fields.items()) line[name] = std::move(value);
  samples_.append(base::dump(line));
}

void RunRecord::event(std::string_view kind, Json fields) {
  Json line;
  line["event"] = kind;
  for (auto& [name, value] : fields.items()) line[name] = std::move(value);
  line["time"] = time_json(opened_, {});
  events_.append(base::dump(line));
}

Mark RunRecord::mark() {
  metrics_.sync();
  samples_.sync();
  events_.sync();
  board_->flush();
  return {metrics_.bytes(), samples_.bytes(), events_.bytes()};
}

}  // namespace hone::report
