// Preference oracles: who says which of several completions of a prompt is better. The preference need not come from
// any scalar: P(a ≻ b) may be cyclic.    K candidates.
#pragma once

#include "hone/base/child.h"
#include "hone/base/json.h"
#include "hone/base/pool.h"
#include "hone/tasks/problem.h"

#include <functional>
#include <span>
#include <string>
#include <vector>

namespace hone::rewards {

/// Several completions of one problem, to be judged side by side.
struct Question {
  tasks::Problem problem;
  std::vector<std::string> candidates;  ///< K ≥ 1
};

/// What an oracle said of the candidates of one question.
struct Judgement {
  std::vector<double> scores;             ///< [K], any scale; empty when the oracle only compares
  std::vector<std::vector<double>> wins;  ///< [K][K]: P(i ≻ j), 0..1; wins[i][j] + wins[j][i] = 1, ½ on the diagonal
  bool operator==(const Judgement&) const = default;
};

/// P(i ≻ j) = σ((sᵢ − sⱼ)/temperature).    scores finite, temperature > 0.
std::vector<std::vector<double>> wins_of_scores(const std::vector<double>& scores, double temperature = 1);

/// r̂ᵢ = mean over j ≠ i of P(i ≻ j): the expected win rate in the pool. DNO, arXiv:2404.03715. ½ for a lone candidate.
std::vector<double> win_rates(const Judgement& judgement);

/// Called once for every question, in any order, as soon as its answer is there.
using Answered = std::function<void(std::size_t question, const Judgement& judgement)>;

struct Oracle {
  /// Names the oracle and everything its answers depend on: answers of equal identities are interchangeable.
  std::string identity;
  /// Errors: what the oracle did wrong; answers given before it have been passed on.
  std::function<void(std::span<const Question> questions, const Answered& answered)> judge;
};

/// All answers in the order of the questions.
std::vector<Judgement> judge_all(const Oracle& oracle, std::span<const Question> questions);

/// A function of one question, which must be total and bounded in time as a Verifier is; runs on the pool.
/// Errors: internal if it returns a judgement that check_judgement refuses.
Oracle program_oracle(std::string identity, std::function<Judgement(const Question&)> program, base::Pool& pool);

struct CommandOptions {
  std::string command;       ///< for /bin/sh -c
  double seconds = 60;       ///< longest silence while an answer is due
  int64_t in_flight = 8;     ///< most questions sent ahead of their answers
  base::ChildLimits limits;  ///< memory and length of a line
};

/// A program that reads questions and writes answers as JSON lines, matched by id and so in any order:
///   in   {"id":"17","prompt":"…","candidates":["…",…]}        ("messages" in place of "prompt" for conversations)
///   out  {"id":"17","scores":[4,2,…]}   or   {"id":"17","wins":[[0.5,0.8,…],…]}   or both
/// `wins[i][j]` is P(i ≻ j); what a judge says of (i, j) and (j, i) is averaged, so that its bias for the first place
/// cancels. Scores alone mean P = σ(sᵢ − sⱼ). The program is started at the first question and kept; whatever it does
/// wrong ends it.
///   identity  the command line and the content of every file that it names
///   errors    usage for an empty command; data, naming the command, the question and what to do: an unknown, repeated
///             or missing id, a wrong number of scores, anything not finite or out of range, no JSON, a line above the
///             limit, an answer nobody asked for, the program's end, a silence
Oracle command_oracle(const CommandOptions& options);

/// The question as the lines of command_oracle carry it, without the id.
Json question_json(const Question& question);

/// A judgement out of an answer, complete and symmetric. Errors: data, naming `where`.
Judgement judgement_from_json(const Json& answer, std::size_t candidates, const std::string& where);
Json to_json(const Judgement& judgement);

/// Errors: internal, naming `where`, unless the judgement fits K candidates, is finite and symmetric.
void check_judgement(const Judgement& judgement, std::size_t candidates, const std::string& where);

}  // namespace hone::rewards
