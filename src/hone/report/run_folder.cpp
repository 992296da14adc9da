#include "hone/report/run_folder.h"

#include "hone/base/error.h"
#include "hone/base/files.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <system_error>

namespace hone::report {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMaxBytes = uint64_t{1} << 29;
constexpr std::size_t kKeptSamples = 6, kKeptWarnings = 50;

// The text of a file of the run; notes why there is none.
std::optional<std::string> text_of_file(RunFolder& folder, const char* name) {
  std::error_code code;
  if (!fs::exists(folder.dir / name, code)) {
    folder.missing.push_back(fmt::format("{} is missing", name));
    return std::nullopt;
  }
  try {
    return base::read_file(folder.dir / name, kMaxBytes);
  } catch (const Error& error) {
    folder.missing.push_back(fmt::format("{}: {}", name, error.what()));
    return std::nullopt;
  }
}

// The JSON of a file whose top must be of `type`; otherwise `value` stays as it is.
void read_json(RunFolder& folder, const char* name, Json::value_t type, Json& value) {
  const std::optional<std::string> text = text_of_file(folder, name);
  if (!text) return;
  try {
    Json read = base::parse_json(*text, name);
    require(read.type() == type, ErrorKind::format, "{}: expected {}, found {}", name,
            type == Json::value_t::array ? "an array" : "an object", read.type_name());
    value = std::move(read);
  } catch (const Error& error) {
    folder.missing.push_back(error.what());
  }
}

// Calls use(line) for every good line. Only the last line may be torn without a note: a killed run leaves that.
void read_lines(RunFolder& folder, const char* name, const std::function<void(const Json&)>& use) {
  const std::optional<std::string> text = text_of_file(folder, name);
  if (!text) return;
  std::size_t bad = 0, number = 0;
  std::string first_bad;
  for (std::size_t at = 0; at < text->size();) {
    const std::size_t end = text->find('\n', at);
    if (end == std::string::npos) break;
    ++number;
    try {
      const Json line =
          base::parse_json(std::string_view(*text).substr(at, end - at), fmt::format("{}:{}", name, number));
      if (line.is_object()) use(line);
    } catch (const Error& error) {
      if (bad++ == 0) first_bad = error.what();
    }
    at = end + 1;
  }
  if (bad > 0) folder.missing.push_back(fmt::format("{} line(s) of {} skipped, the first: {}", bad, name, first_bad));
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

// Gathers the lines of metrics.jsonl into curves and phases.
class CurveReader {
 public:
  explicit CurveReader(RunFolder& folder) : folder_(folder) {}

  void line(const Json& line) {
    const std::string phase = text_at(line, "phase");
    const double step = number_at(line, "step");
    if (!std::isfinite(step)) return;
    const Json& nonfinite = member(line, "nonfinite");
    for (const auto& [name, value] : line.items()) {
      const bool is_gap = value.is_null() && nonfinite.is_array();
      if (name == "phase" || name == "step" || name == "time" || !(value.is_number() || is_gap)) continue;
      Curve& curve = curve_of(name, phase);
      curve.steps.push_back(step);
      curve.values.push_back(is_gap ? NAN : value.get<double>());
    }
    time(phase, step, member(line, "time"));
  }

  void finish() {
    for (PhaseRecord& phase : folder_.phases) phase.tokens_per_second = median(speeds_[phase.name]);
  }

 private:
  Curve& curve_of(const std::string& metric, const std::string& phase) {
    const auto [at, added] = curves_.try_emplace({metric, phase}, folder_.curves.size());
    if (added) folder_.curves.push_back({metric, phase, {}, {}});
    return folder_.curves[at->second];
  }

  void time(const std::string& name, double step, const Json& time) {
    const auto [at, added] = phases_.try_emplace(name, folder_.phases.size());
    if (added) folder_.phases.push_back({name, step, step, 0, 0});
    PhaseRecord& phase = folder_.phases[at->second];
    phase.first_step = std::min(phase.first_step, step);
    phase.last_step = std::max(phase.last_step, step);
    const double elapsed = number_at(time, "elapsed"), speed = number_at(time, "tokens_per_s");
    // A resumed run counts its time anew: only what went forward within a phase is time spent in it.
    if (name == last_phase_ && elapsed > last_elapsed_) phase.seconds += elapsed - last_elapsed_;
    last_phase_ = name;
    last_elapsed_ = elapsed;
    if (speed > 0) speeds_[name].push_back(speed);
  }

  RunFolder& folder_;
  std::map<std::pair<std::string, std::string>, std::size_t> curves_;
  std::map<std::string, std::size_t> phases_;
  std::map<std::string, std::vector<double>> speeds_;
  std::string last_phase_;
  double last_elapsed_ = NAN;
};

void read_outcomes(RunFolder& folder) {
  Json json;
  read_json(folder, "outcomes.json", Json::value_t::object, json);
  if (json.is_null()) return;
  try {
    folder.outcomes = outcomes_from_json(json, "outcomes.json");
  } catch (const Error& error) {
    folder.missing.push_back(error.what());
  }
}

void read_logs(RunFolder& folder) {
  CurveReader curves(folder);
  read_lines(folder, "metrics.jsonl", [&](const Json& line) { curves.line(line); });
  curves.finish();
  read_lines(folder, "samples.jsonl", [&](const Json& line) {
    if (folder.samples.size() == kKeptSamples) folder.samples.erase(folder.samples.begin());
    folder.samples.push_back(line);
  });
  read_lines(folder, "events.jsonl", [&](const Json& line) {
    if (text_at(line, "event") == "warning" && folder.warnings.size() < kKeptWarnings) folder.warnings.push_back(line);
  });
}

RunFolder read_folder(const fs::path& dir) {
  RunFolder folder;
  folder.dir = dir;
  std::error_code code;
  const fs::path real = fs::canonical(dir, code);
  folder.name = (code ? dir : real).filename().string();
  read_json(folder, "run.json", Json::value_t::object, folder.run);
  if (fs::exists(dir / "results.json", code)) read_json(folder, "results.json", Json::value_t::object, folder.results);
  return folder;
}

void read_one_seed(RunFolder& folder) {
  read_json(folder, "options.json", Json::value_t::array, folder.options);
  read_json(folder, "summary.json", Json::value_t::object, folder.summary);
  read_outcomes(folder);
  read_logs(folder);
}

void read_seeds(RunFolder& folder) {
  std::error_code top;
  if (fs::exists(folder.dir / "options.json", top)) {
    read_json(folder, "options.json", Json::value_t::array, folder.options);
  }
  for (const Json& seed : member(folder.run, "seeds")) {
    if (!seed.is_number_integer()) continue;
    const fs::path sub = folder.dir / fmt::format("seed-{}", seed.get<int64_t>());
    std::error_code code;
    if (!fs::is_directory(sub, code)) {
      folder.missing.push_back(fmt::format("{} is missing", sub.filename().string()));
      continue;
    }
    folder.seeds.push_back(read_folder(sub));
    read_one_seed(folder.seeds.back());
    for (const std::string& note : folder.seeds.back().missing) {
      folder.missing.push_back(fmt::format("{}: {}", sub.filename().string(), note));
    }
  }
}

// Both texts, unless the second is there already.
std::string both(const std::string& texts, const std::string& more) {
  if (more.empty() || (", " + texts + ", ").find(", " + more + ", ") != std::string::npos) return texts;
  return texts.empty() ? more : texts + ", " + more;
}

// Errors: data naming what keeps `other` from being weighed with `first`.
void require_alike(const RunFolder& first, const RunFolder& other) {
  const auto differ = [&](const std::string& what) {
    throw Error(ErrorKind::data, fmt::format("{} and {} differ in {}", first.name, other.name, what),
                "runs that are judged together differ in their seeds alone; judge them one by one");
  };
  for (const char* key : {"recipe", "preset"}) {
    if (text_at(first.run, key) != text_at(other.run, key)) differ(fmt::format("their {}", key));
  }
  for (std::size_t i = 0; i < std::max(first.options.size(), other.options.size()); ++i) {
    const Json mine = i < first.options.size() ? first.options[i] : Json();
    const Json theirs = i < other.options.size() ? other.options[i] : Json();
    const std::string path = text_at(mine.is_null() ? theirs : mine, "path");
    if (text_at(mine, "path") != text_at(theirs, "path") || text_at(mine, "value") != text_at(theirs, "value"))
      differ(fmt::format("the option {}", path));
  }
}

// Every seed's folder, which takes its place among those of one run.
std::vector<RunFolder> taken_apart(RunFolder run) {
  if (run.has_seeds) return std::move(run.seeds);
  std::vector<RunFolder> one;
  one.push_back(std::move(run));
  return one;
}

}  // namespace

RunFolder read_pooled_runs(const std::vector<fs::path>& dirs) {
  require(!dirs.empty(), ErrorKind::internal, "no runs to read");
  RunFolder pooled = read_run_folder(dirs.front());
  if (dirs.size() == 1) return pooled;
  std::vector<RunFolder> seeds = taken_apart(pooled);
  std::string commits = text_at(pooled.run, "commit"), processors = text_at(member(pooled.run, "machine"), "cpu");
  for (std::size_t i = 1; i < dirs.size(); ++i) {
    RunFolder run = read_run_folder(dirs[i]);
    require_alike(pooled, run);
    commits = both(commits, text_at(run.run, "commit"));
    processors = both(processors, text_at(member(run.run, "machine"), "cpu"));
    for (RunFolder& seed : taken_apart(std::move(run))) seeds.push_back(std::move(seed));
  }
  pooled.run.erase("seed");
  pooled.run["seeds"] = Json::array();
  for (const RunFolder& seed : seeds) {
    const Json& number = member(seed.run, "seed");
    if (std::count(pooled.run["seeds"].begin(), pooled.run["seeds"].end(), number) > 0)
      throw Error(
          ErrorKind::data,
          fmt::format("{} has seed {}, which another of these runs has too", seed.dir.string(), text_of(number)),
          "name runs whose seeds differ");
    pooled.run["seeds"].push_back(number);
  }
  pooled.run["commit"] = commits;
  if (member(pooled.run, "machine").is_object()) pooled.run["machine"]["cpu"] = processors;
  pooled.has_seeds = true;
  pooled.seeds = std::move(seeds);
  return pooled;
}

RunFolder read_run_folder(const fs::path& dir) {
  std::error_code code;
  require(fs::is_directory(dir, code), ErrorKind::usage, "{} is not a run folder", dir.string());
  const auto holds = [&](const char* name) { return fs::exists(dir / name, code); };
  require(holds("run.json") || holds("metrics.jsonl") || holds("summary.json"), ErrorKind::usage,
          "{} holds no run: neither run.json nor metrics.jsonl nor summary.json", dir.string());
  RunFolder folder = read_folder(dir);
  folder.has_seeds = member(folder.run, "seeds").is_array() && !holds("metrics.jsonl");
  if (folder.has_seeds)
    read_seeds(folder);
  else
    read_one_seed(folder);
  return folder;
}

std::vector<const RunFolder*> seed_folders(const RunFolder& folder) {
  std::vector<const RunFolder*> folders;
  for (const RunFolder& seed : folder.seeds) folders.push_back(&seed);
  if (!folder.has_seeds) folders.push_back(&folder);
  return folders;
}

std::vector<SeedOutcomes> outcomes_of(const RunFolder& folder) {
  std::vector<SeedOutcomes> all;
  for (const RunFolder* seed : seed_folders(folder)) {
    if (seed->outcomes) all.push_back(*seed->outcomes);
  }
  return all;
}

const Json& member(const Json& object, std::string_view key) {
  static const Json kNull;
  if (!object.is_object()) return kNull;
  const auto found = object.find(std::string(key));
  return found == object.end() ? kNull : *found;
}

std::string text_of(const Json& value) {
  if (value.is_null()) return "";
  if (value.is_string()) return value.get<std::string>();
  return base::dump(value);
}

std::string text_at(const Json& object, std::string_view key) { return text_of(member(object, key)); }

double number_at(const Json& object, std::string_view key) {
  const Json& value = member(object, key);
  if (!value.is_number()) return NAN;
  const double number = value.get<double>();
  return std::isfinite(number) ? number : NAN;
}

}  // namespace hone::report
