// Small judges and questions; for tests.
#pragma once

#include "hone/rewards/oracle.h"

#include <string>
#include <vector>

namespace hone::rewards {

/// Prompts "p0", "p1", … with candidates "a" and "bb".
inline std::vector<Question> questions(std::size_t count) {
  std::vector<Question> out(count);
  for (std::size_t i = 0; i < count; ++i) {
    out[i].problem.prompt = "p" + std::to_string(i);
    out[i].candidates = {"a", "bb"};
  }
  return out;
}

/// The longer the better, more so for later prompts.
inline Judgement by_length(const Question& question) {
  std::vector<double> scores;
  for (const auto& text : question.candidates)
    scores.push_back(static_cast<double>(text.size() * question.problem.prompt.back()));
  return {scores, wins_of_scores(scores)};
}

/// A shell program that runs `body` for every question, with its id in $id.
inline std::string judge_script(const std::string& body) {
  return "while IFS= read -r line; do\n  id=${line#*\\\"id\\\":\\\"}; id=${id%%\\\"*}\n  " + body + "\ndone\n";
}

}  // namespace hone::rewards
