#include "cli/engine_verbs.h"

#include "cli/recipe_args.h"
#include "hone/base/error.h"
#include "hone/base/files.h"
#include "hone/base/text_match.h"
#include "hone/checkpoint/adapter_config.h"
#include "hone/checkpoint/model_dir.h"
#include "hone/models/hf_config.h"

#include <algorithm>
#include <charconv>

namespace hone::cli {
namespace {

constexpr Option kSeed = {"--seed", "N", "seed of the run (default 1)"};
constexpr Option kThreads = {"--threads", "N", "threads; results do not depend on it"};
constexpr Option kDevice = {"--device", "NAME", "cpu (default) or cuda, where models run in bfloat16"};
constexpr Option kOut = {"--out", "DIR", "run folder, absent or empty (default runs/…)"};
constexpr Option kCheckpoint = {"--checkpoint", "SECONDS", "time between checkpoints (default 30)"};
constexpr Option kResume = {"--resume", "", "go on with the run named first, or the latest"};

std::span<const Option> run_options() {
  static const std::vector<Option> options = [] {
    std::vector<Option> all(recipe_options().begin(), recipe_options().end());
    all.insert(all.end(), {kSeed,
                           {"--seeds", "K", "K runs, judged together: from seed 1, or from --seed"},
                           kThreads,
                           kDevice,
                           kOut,
                           kResume,
                           kCheckpoint,
                           {"--dry-run", "", "say what would be done, and stop"}});
    return all;
  }();
  return options;
}

constexpr Option kDemoOptions[] = {kSeed, kThreads, kDevice, kOut, kResume, kCheckpoint};
constexpr Option kBenchOptions[] = {
    kThreads,
    {"--shape", "NAME", "d128, d256, d384, d768, gpt2-124m, …; may repeat"},
    {"--family", "NAME", "gpt2 (default) or llama"},
    {"--batch", "N", "sequences of generate; may repeat"},
    {"--weights", "NAME", "of generate: fp32 (default), bf16, int8"},
    {"--device", "NAME", "of train and generate: cpu (default) or cuda"},
    {"--peak", "TFLOPS", "of the device in bf16; train reports its share of it"},
    {"--busy", "N", "of generate: threads that take a core each meanwhile"},
    {"--tokenizer", "FILE", "of tokenize: a tokenizer.json to measure; may repeat"},
    {"--repeat", "K", "repetitions (default 5)"},
    {"--seconds", "S", "least length of a repetition (default 0.3)"},
    {"--all", "", "every shape"},
    {"--csv", "", "comma-separated rows on stdout"},
    {"--paced", "", "repeat when stdin says so: a line of seconds"},
};

constexpr Option kInspectOptions[] = {{"--ids", "LIST", "token ids of one sequence: 5,9,2"},
                                      {"--adapter", "DIR", "with this LoRA adapter (PEFT's folder) beside it"}};

int64_t positive(const std::string& text, std::string_view option) {
  int64_t number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  require(code == std::errc() && end == text.data() + text.size() && number >= 1 && number <= 65536, ErrorKind::usage,
          "{}: \"{}\" is not a whole number from 1 to 65536", option, text);
  return number;
}

double seconds_of(const Call& call, double fallback) {
  const auto text = call.value("--seconds");
  if (!text) return fallback;
  double seconds = 0;
  const auto [end, code] = std::from_chars(text->data(), text->data() + text->size(), seconds);
  require(code == std::errc() && end == text->data() + text->size() && seconds >= 0 && seconds <= 3600,
          ErrorKind::usage, "--seconds: \"{}\" is not a number from 0 to 3600", *text);
  return seconds;
}

// The value of an option that takes one of a few words; the first is the default.
std::string choice(const Call& call, const char* option, const std::vector<std::string>& words) {
  const std::string word = call.value(option).value_or(words[0]);
  require(std::find(words.begin(), words.end(), word) != words.end(), ErrorKind::usage, "{}: no \"{}\"{}", option, word,
          base::suggestion(word, words));
  return word;
}

// A GRPO step and rollouts of the larger shapes take too long to be measured without being asked for.
bool is_standard(const bench::Shape& shape, const std::string& what, const Call& call) {
  if (what == "grpo") return shape.name == "d128";
  if (what == "generate") return shape.name == "d128" || (call.has("--all") && shape.name == "d256");
  return shape.picked == bench::Picked::always || (call.has("--all") && shape.picked == bench::Picked::all);
}

}  // namespace

Command engine_verb(std::string_view name, int (*run)(const Call& call)) {
  if (name == "run") {
    return {"run",
            "train, search or improve by a recipe",
            "[recipe|file.toml|run] [options]",
            0,
            1,
            "Runs a recipe and keeps everything about it in a folder of runs/: options, record, checkpoints, model, "
            "report. Ctrl-C stops after a checkpoint; --resume goes on to the same end.",
            "hone run sft --data chat.jsonl\n"
            "hone run score --preset laptop --seeds 3\n"
            "hone run --resume",
            run_options(),
            run};
  }
  if (name == "demo") {
    return {"demo",
            "a small model learns to correct itself",
            "[options]",
            0,
            1,
            "Trains a small model on number puzzles from scratch, then by reinforcement learning to find and mend its "
            "own mistakes, and measures both on problems it has not seen. The same as: hone run score --preset demo",
            "hone demo\n"
            "hone demo --seed 2\n"
            "hone demo --resume",
            kDemoOptions,
            run};
  }
  if (name == "inspect") {
    return {"inspect",
            "what a model computes: its logits",
            "logits MODEL --ids LIST [--adapter DIR]",
            2,
            2,
            "Prints the logits of a model folder at every position of a sequence, to be compared with those of other "
            "programs: all of them with --json, else the five largest.",
            "hone inspect logits my-model --ids 5,9,2\n"
            "hone inspect logits my-model --ids 5,9,2 --json > logits.json\n"
            "hone inspect logits my-base --adapter runs/latest/adapters/sft --ids 5,9,2",
            kInspectOptions,
            run};
  }
  require(name == "bench", ErrorKind::internal, "no engine verb {}", name);
  return {"bench",
          "how fast this machine trains, generates, starts",
          "[train|generate|grpo|kernels|tokenize|start] [options]",
          0,
          1,
          "Measures decoders with random weights: mean, deviation and best of several repetitions, GFLOP/s, and the "
          "share of what matrix products of the same shapes reach in the same run.",
          "hone bench\n"
          "hone bench train --shape d256 --family llama\n"
          "hone bench generate --batch 16 --csv",
          kBenchOptions,
          run};
}

Call run_of_demo(const Call& demo) {
  Call run = demo;
  if (run.has("--resume")) return run;
  require(run.operands.empty(), ErrorKind::usage, "hone demo does not know what to do with \"{}\"",
          run.operands.empty() ? "" : run.operands[0]);
  run.operands = {"score"};
  run.options["--preset"] = {"demo"};
  return run;
}

InspectPlan inspect_plan(const Call& call) {
  require(call.operands[0] == "logits", ErrorKind::usage, "nothing to inspect called \"{}\"; allowed: logits",
          call.operands[0]);
  InspectPlan plan{.model = call.operands[1]};
  const checkpoint::ModelDir model(plan.model);
  const auto config = models::config_from_json(model.config(), (plan.model / "config.json").string());
  if (const auto adapter = call.value("--adapter")) {
    plan.adapter = *adapter;
    const auto file = plan.adapter / "adapter_config.json";
    checkpoint::parse_adapter_config(base::read_file(file, 16 << 20), file.string());
  }
  const auto text = call.value("--ids");
  require(text.has_value(), ErrorKind::usage, "--ids is missing: the token ids to compute with, as in --ids 5,9,2");
  for (std::size_t begin = 0; begin <= text->size();) {
    const std::size_t end = std::min(text->find(',', begin), text->size());
    const char *first = text->data() + begin, *last = text->data() + end;
    int64_t id = -1;
    const auto [stop, code] = std::from_chars(first, last, id);
    require(code == std::errc() && stop == last && id >= 0 && id < config.vocab, ErrorKind::usage,
            "--ids: \"{}\" is not a token id from 0 to {}", text->substr(begin, end - begin), config.vocab - 1);
    plan.ids.push_back(id);
    begin = end + 1;
  }
  require(static_cast<int64_t>(plan.ids.size()) <= config.context, ErrorKind::usage,
          "--ids has {} tokens; the context of this model is {}", plan.ids.size(), config.context);
  return plan;
}

std::vector<std::string> benches_of(const Call& call) {
  const std::vector<std::string> known = bench::bench_names();
  if (call.operands.empty()) return known;
  const std::string& name = call.operands[0];
  require(std::find(known.begin(), known.end(), name) != known.end(), ErrorKind::usage,
          "nothing to bench called \"{}\"{}", name, base::suggestion(name, known));
  return {name};
}

bench::Plan bench_plan(const Call& call, const std::string& what) {
  bench::Plan plan;
  for (const std::string& name : call.values("--shape")) plan.shapes.push_back(bench::shape_of(name));
  for (const bench::Shape& shape : bench::kShapes) {
    if (!call.has("--shape") && is_standard(shape, what, call)) plan.shapes.push_back(shape);
  }
  plan.family = choice(call, "--family", {"gpt2", "llama"});
  plan.weights = choice(call, "--weights", {"fp32", "bf16", "int8"});
  plan.device = choice(call, "--device", {"cpu", "cuda"});
  require(plan.device == "cpu" || what == "train" || what == "generate", ErrorKind::usage,
          "--device {}: only train and generate can be measured there", plan.device);
  if (const auto peak = call.value("--peak")) plan.peak_tflops = static_cast<double>(positive(*peak, "--peak"));
  if (const auto busy = call.value("--busy")) plan.busy = positive(*busy, "--busy");
  for (const std::string& file : call.values("--tokenizer")) {
    require(std::filesystem::is_regular_file(file), ErrorKind::usage, "--tokenizer: {} is not a file", file);
    plan.tokenizers.emplace_back(file);
  }
  plan.batches.clear();
  for (const std::string& batch : call.values("--batch")) plan.batches.push_back(positive(batch, "--batch"));
  if (plan.batches.empty()) plan.batches = {1, 16, 128};
  if (!call.has("--batch") && call.has("--all")) plan.batches.push_back(512);
  plan.pace.repeats = call.integer("--repeat", 5, 1, 1000);
  plan.pace.seconds = seconds_of(call, plan.pace.seconds);
  require(!call.has("--json") || !call.has("--csv"), ErrorKind::usage, "--json and --csv exclude each other");
  return plan;
}

}  // namespace hone::cli
