// A small fresh model of the smoke world, with its problems; for the tests of this folder.
#pragma once

#include "hone/data/countdown_records.h"
#include "hone/models/model.h"
#include "hone/tasks/verifiers.h"
#include "hone/train/test_run.h"

#include <ATen/ATen.h>

#include <vector>

namespace hone::evaluate {

/// Weights large enough that greedy answers differ from prompt to prompt.
inline models::Model small_model(uint64_t seed = 1) {
  auto tokenizer = data::countdown_tokenizer(tasks::countdown_world("cd3-smoke"));
  const models::ModelOptions size{.width = 16, .layers = 1, .heads = 2, .context = 40};
  auto decoder = models::fresh(models::config_of(size, tokenizer.size()), Rng(seed));
  decoder.visit([](const std::string&, at::Tensor& t) {
    if (t.dim() == 2) t.mul_(10);
  });
  return {std::move(decoder), std::move(tokenizer)};
}

inline std::vector<tasks::Problem> smoke_problems(int64_t count) {
  return tasks::draw_problems(tasks::countdown_world("cd3-smoke"), tasks::Split::held_out, count, Rng(3));
}

/// Right when the text is not empty and its last token is an even number: a fresh model passes it now and then.
inline tasks::Verdict even(const tasks::Problem&, std::string_view text) {
  const bool right = !text.empty() && text.back() >= '0' && text.back() <= '9' && (text.back() - '0') % 2 == 0;
  return {right ? 1.0 : 0.0, right ? "" : "odd"};
}

inline Json read_json(const std::filesystem::path& file) {
  return base::parse_json(checkpoint::read_bytes(file), file.string());
}

}  // namespace hone::evaluate
