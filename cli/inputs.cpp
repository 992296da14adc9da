#include "cli/inputs.h"

#include "hone/base/error.h"
#include "hone/base/files.h"
#include "hone/checkpoint/model_dir.h"
#include "hone/data/countdown_records.h"
#include "hone/data/pair_rows.h"
#include "hone/data/rows.h"
#include "hone/tasks/countdown.h"
#include "hone/tasks/verifiers.h"
#include "hone/text/tokenizer.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <thread>

namespace hone::cli {
namespace {

namespace fs = std::filesystem;

// Below this nothing useful fits: a checkpoint of the smallest model takes about as much.
constexpr uint64_t kLeastFreeBytes = 16 << 20;

bool has_option(const Recipe& recipe, std::string_view path) {
  const auto entries = recipe.set->entries();
  return std::any_of(entries.begin(), entries.end(), [&](const auto& entry) { return entry.path == path; });
}

int64_t count_rows(const Recipe& recipe, const std::string& data) {
  if (recipe.card.rows == report::RecipeCard::Rows::choices)
    return static_cast<int64_t>(data::read_pair_rows(data).size());
  if (!has_option(recipe, "verifier")) return static_cast<int64_t>(data::read_rows(data).size());
  return static_cast<int64_t>(tasks::read_problems(data, text_value(recipe, "verifier")).size());
}

int64_t count_parameters(const std::string& folder) {
  const checkpoint::ModelDir model(folder);
  // Read for its errors only: a run without the tokenizer would fail much later.
  text::Tokenizer::load(model.path() / "tokenizer.json");
  int64_t count = 0;
  for (const checkpoint::TensorInfo* tensor : model.tensors()) count += tensor->elements();
  return count;
}

// The whole number of the option whose path ends in `name`, or 0.
int64_t number_ending(const std::vector<base::OptionEntry>& entries, std::string_view name) {
  for (const base::OptionEntry& entry : entries) {
    int64_t number = 0;
    if (!entry.path.ends_with(name)) continue;
    if (std::from_chars(entry.value.data(), entry.value.data() + entry.value.size(), number).ec == std::errc()) {
      return number;
    }
  }
  return 0;
}

int64_t vocabulary_of(const Recipe& recipe) {
  const std::string world = text_value(recipe, "world");
  if (!world.empty() && text_value(recipe, "data").empty()) {
    return data::countdown_tokenizer(tasks::countdown_world(world)).size();
  }
  return static_cast<int64_t>(256 + text::standard_specials().size());
}

// Of a fresh decoder by its options: embeddings, positions, and per block four projections of attention and the
// feed-forward part; norms and biases are left out (below 1 %).
int64_t fresh_parameters(const Recipe& recipe) {
  const std::vector<base::OptionEntry> entries = recipe.set->entries();
  const int64_t width = number_ending(entries, "fresh.width"), layers = number_ending(entries, "fresh.layers");
  if (width == 0 || layers == 0) return 0;
  const int64_t heads = std::max<int64_t>(1, number_ending(entries, "fresh.heads"));
  const int64_t kv_heads = number_ending(entries, "fresh.kv_heads");
  const auto family = std::find_if(entries.begin(), entries.end(),
                                   [](const auto& entry) { return entry.path.ends_with("fresh.family"); });
  const bool llama = family != entries.end() && family->value == "\"llama\"";
  int64_t mlp = number_ending(entries, "fresh.mlp");
  if (mlp == 0) mlp = llama ? width * 8 / 3 : 4 * width;
  const int64_t attention = 2 * width * width + 2 * width * width * (kv_heads == 0 ? heads : kv_heads) / heads;
  const int64_t positions = llama ? 0 : number_ending(entries, "fresh.context") * width;
  return vocabulary_of(recipe) * width + positions + layers * (attention + (llama ? 3 : 2) * width * mlp);
}

}  // namespace

Inputs check_inputs(const Recipe& recipe) {
  if (recipe.card.check) recipe.card.check(*recipe.options);
  Inputs inputs;
  if (const std::string data = text_value(recipe, "data"); !data.empty()) inputs.rows = count_rows(recipe, data);
  if (const std::string test = text_value(recipe, "test_data"); !test.empty()) count_rows(recipe, test);
  if (const std::string model = text_value(recipe, "model"); !model.empty()) {
    inputs.model_parameters = count_parameters(model);
  }
  if (const std::string rewards = text_value(recipe, "reward_model"); !rewards.empty()) count_parameters(rewards);
  return inputs;
}

void check_output(const fs::path& dir) {
  std::error_code code;
  if (fs::exists(dir, code)) {
    if (!fs::is_directory(dir, code)) {
      throw Error(ErrorKind::usage, fmt::format("{} is a file; a run needs a folder", dir.string()),
                  "name a folder that doesn't exist yet");
    }
    if (fs::exists(dir / "run.json", code)) {
      throw Error(ErrorKind::usage, fmt::format("{} holds a run already", dir.string()),
                  fmt::format("go on with it: hone run --resume {}; or name a new folder", dir.string()));
    }
    if (!fs::is_empty(dir, code) && !code) {
      throw Error(ErrorKind::usage, fmt::format("the folder {} is not empty", dir.string()),
                  "name a folder that is empty or doesn't exist yet");
    }
  }
  fs::path existing = fs::absolute(dir, code);
  while (!fs::exists(existing, code) && existing.has_relative_path()) existing = existing.parent_path();
  if (!fs::is_directory(existing, code) || ::access(existing.c_str(), W_OK | X_OK) != 0) {
    throw Error(
        ErrorKind::io,
        fmt::format("cannot create {}: {} is not a folder that can be written", dir.string(), existing.string()),
        "choose another folder with --out or --runs");
  }
  const uint64_t free = base::free_bytes(existing);
  if (free < kLeastFreeBytes) {
    throw Error(ErrorKind::io,
                fmt::format("{} has {:.1f} MB free; a run needs at least {} MB", existing.string(),
                            static_cast<double>(free) / 1e6, kLeastFreeBytes >> 20),
                "free some space, or choose another folder with --out or --runs");
  }
}

std::string device_of(const Call& call) {
  const std::string word = call.value("--device").value_or("cpu");
  require(word == "cpu" || word == "cuda", ErrorKind::usage, "--device: \"{}\" is neither cpu nor cuda", word);
  return word;
}

int thread_count(const Call& call) {
  if (call.has("--threads")) return static_cast<int>(call.integer("--threads", 1, 1, 1024));
  const char* given = std::getenv("HONE_THREADS");
  if (given == nullptr || *given == '\0') return static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  int threads = 0;
  const std::string_view text = given;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), threads);
  const bool whole = code == std::errc() && end == text.data() + text.size();
  require(whole && threads >= 1 && threads <= 1024, ErrorKind::usage,
          "HONE_THREADS: \"{}\" is not a whole number from 1 to 1024", text);
  return threads;
}

Estimate estimate(const Recipe& recipe, const Inputs& inputs, int threads) {
  Estimate estimate;
  estimate.parameters = inputs.model_parameters > 0 ? inputs.model_parameters : fresh_parameters(recipe);
  if (estimate.parameters == 0) return estimate;
  // float32: weights, a reference copy, two moments, and gradients and packed weights of every worker; with an adapter
  // weights, their packed form and what a checked save takes, since gradients and moments are the adapter's. On top the
  // program itself and the activations of one micro-batch a worker.
  const bool adapter = number_ending(recipe.set->entries(), "lora.rank") > 0;
  const auto copies = static_cast<uint64_t>(adapter ? 4 : 4 + 2 * threads);
  estimate.memory_bytes = static_cast<uint64_t>(estimate.parameters) * 4 * copies + (uint64_t{300} << 20) +
                          static_cast<uint64_t>(threads) * (uint64_t{100} << 20);
  return estimate;
}

}  // namespace hone::cli
