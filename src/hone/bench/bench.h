// hone bench: what this machine does a second, as rows of a table.
#pragma once

#include "hone/base/json.h"
#include "hone/base/pool.h"
#include "hone/bench/measure.h"
#include "hone/bench/shapes.h"

#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace hone::bench {

/// What to measure and how.
struct Plan {
  std::vector<Shape> shapes;           ///< for train, generate and grpo
  std::vector<int64_t> batches = {1};  ///< sequences of generate, each ≥ 1
  std::string family = "gpt2";         ///< "gpt2" or "llama"
  std::string weights = "fp32";        ///< of generate: "fp32", "bf16" or "int8"
  std::string device = "cpu";          ///< of train and generate: "cpu" or "cuda"
  double peak_tflops = 0;              ///< of the device's matrix products in bfloat16; 0 = not known
  int64_t busy = 0;                    ///< of generate: threads that do nothing but take processor time meanwhile
  std::vector<std::filesystem::path> tokenizers;  ///< for tokenize: tokenizer.json files, instead of hone's own two
  std::filesystem::path programs;      ///< folder of hone and hone-engine, for start
  Pace pace;
};

/// Rows of `what`, one of bench_names():
///   train     full steps (forward, backward, clipping, AdamW) on random tokens, loss over every position
///   generate  one sequence a prompt: an eighth of the context is the prompt, the rest is sampled; no stop token
///   grpo      one step: 64 prompts of 16 tokens, 8 samples of 32 tokens each, scored under a reference model, one
///             clipped update with a KL penalty; a rate of steps
///   kernels   single kernels and sgemm on every thread at once, and memory
///   tokenize  hone's own two tokenizers on generated text, both ways; or tokenizer files on 10 MB of text in documents
///             of 10 kB, encoding, one thread
///   start     milliseconds from exec to exit of hone --help, hone ls and hone-engine
/// Row: {"name", "bench", "unit", "mean", "sd", "best", "samples"} and, for models, {"family", "parameters", "shape",
/// "flops_per_unit", "gflops", "roof_rate", "roof"}.
///   gflops  6 operations a parameter and token in training, 2 in generation, the position table left out, and
///           attention over the whole square: 12·L·H·d·T a token in training, 4·L·H·d·(mean context) in generation
///   roof    rate ÷ the rate at which the products alone would run at sgemm's speed in the same shapes, measured just
///           before on all threads at once; in training with nn::attention added, measured alike. Above 1 where
///           hone's products are faster than sgemm. On a device: of train only, the share of plan.peak_tflops
/// On a device a training batch has train::kDeviceTokens tokens.
/// Errors: usage for an unknown `what` and for a device that is not there; io when a program can't be started.
Json bench(const std::string& what, const Plan& plan, base::Pool& pool);

/// Parts of bench(), one file each.
Json train_rows(const Plan& plan, base::Pool& pool);
Json generate_rows(const Plan& plan, base::Pool& pool);
Json grpo_rows(const Plan& plan, base::Pool& pool);
Json kernel_rows(const Plan& plan, base::Pool& pool);
Json tokenize_rows(const Plan& plan);
Json start_rows(const Plan& plan);

}  // namespace hone::bench
