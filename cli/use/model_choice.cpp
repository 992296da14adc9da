#include "cli/use/model_choice.h"

#include "hone/base/error.h"
#include "hone/base/files.h"
#include "hone/base/json.h"
#include "hone/base/run_dir.h"

#include <algorithm>
#include <cmath>

namespace hone::cli {
namespace {

namespace fs = std::filesystem;

bool is_model(const fs::path& folder) {
  std::error_code code;
  return fs::is_regular_file(folder / "config.json", code);
}

bool is_run(const fs::path& folder) {
  std::error_code code;
  return fs::is_regular_file(folder / "run.json", code);
}

// "models/score", or "" when the summary names none that is there.
fs::path improved_model(const fs::path& run) {
  std::error_code code;
  const fs::path file = run / "summary.json";
  if (!fs::exists(file, code)) return {};
  const Json summary = base::parse_json(base::read_file(file), file.string());
  const std::string name = base::get_string_or(summary, "improved", "", file.string());
  const bool plain = !name.empty() && name.find('/') == std::string::npos && name != "." && name != "..";
  return plain && is_model(run / "models" / name) ? run / "models" / name : fs::path();
}

std::vector<Member> members_of(const fs::path& file) {
  const std::string where = file.string();
  const Json json = base::parse_json(base::read_file(file), where);
  const bool has_list = json.is_object() && json.contains("mixture") && json.at("mixture").is_array();
  require(has_list && !json.at("mixture").empty(), ErrorKind::format, "{}: \"mixture\" is not a list of models", where);
  std::vector<Member> members;
  for (const Json& entry : json.at("mixture")) {
    const std::string name = base::get_string(entry, "model", where);
    const double weight = base::get_number_or(entry, "weight", 0, where);
    require(std::isfinite(weight) && weight > 0, ErrorKind::format, "{}: the weight of {} must be above 0", where,
            name);
    const bool plain = name.find('/') == std::string::npos && name != "." && name != "..";
    require(plain && is_model(file.parent_path() / name), ErrorKind::format, "{}: beside it is no model folder \"{}\"",
            where, name);
    members.push_back({file.parent_path() / name, weight});
  }
  return members;
}

// What to name instead of a run of several seeds, which may begin at any number; or "".
std::string models_of_seeds(const fs::path& run) {
  std::vector<fs::path> seeds;
  std::error_code code;
  for (fs::directory_iterator it(run, code), end; !code && it != end; it.increment(code)) {
    if (it->path().filename().string().rfind("seed-", 0) == 0 && is_run(it->path())) seeds.push_back(it->path());
  }
  if (seeds.empty()) return "";
  return fmt::format("name one seed of it: {}", std::min_element(seeds.begin(), seeds.end())->string());
}

}  // namespace

fs::path find_model(const fs::path& runs, const std::string& word) {
  if (is_model(word)) return word;
  std::error_code code;
  if (fs::is_directory(word, code) && !is_run(word)) {
    const bool adapter = fs::exists(fs::path(word) / "adapter_config.json", code);
    throw Error(ErrorKind::usage,
                fmt::format("{} holds {}", word, adapter ? "an adapter, no model" : "neither config.json nor run.json"),
                adapter ? "a run keeps the merged model of the same name in models/"
                        : "give a model folder (config.json, model.safetensors, tokenizer.json) or a run");
  }
  const fs::path run = base::find_run(runs, word);
  if (const fs::path improved = improved_model(run); !improved.empty()) return improved;
  std::vector<std::string> models;
  for (fs::directory_iterator it(run / "models", code), end; !code && it != end; it.increment(code)) {
    if (is_model(it->path())) models.push_back(it->path().string());
  }
  std::sort(models.begin(), models.end());
  if (models.size() == 1) return models[0];
  if (models.empty()) {
    const std::string seeds = models_of_seeds(run);
    throw Error(
        ErrorKind::usage, fmt::format("{} holds no model", run.string()),
        seeds.empty() ? "give a finished run, or a folder that holds config.json and model.safetensors" : seeds);
  }
  throw Error(ErrorKind::usage, fmt::format("{} holds {} models", run.string(), models.size()),
              fmt::format("name one of them: {}", fmt::join(models, ", ")));
}

std::vector<Member> find_policy(const fs::path& runs, const std::string& word) {
  std::error_code code;
  if (fs::is_regular_file(word, code)) return members_of(word);
  return {{find_model(runs, word)}};
}

std::size_t draw_member(const std::vector<Member>& members, Rng rng) {
  if (members.size() == 1) return 0;
  double total = 0, below = 0;
  for (const Member& member : members) total += member.weight;
  const double point = rng.uniform() * total;
  for (std::size_t i = 0; i + 1 < members.size(); ++i) {
    below += members[i].weight;
    if (point < below) return i;
  }
  return members.size() - 1;
}

fs::path run_behind(const fs::path& runs, const std::string& word) {
  if (!is_model(word)) return base::find_run(runs, word);
  fs::path folder = fs::path(word).lexically_normal();
  if (!folder.has_filename()) folder = folder.parent_path();
  const fs::path run = folder.parent_path().parent_path();
  return folder.parent_path().filename() == "models" && is_run(run) ? run : fs::path();
}

}  // namespace hone::cli
