// What the arms of Stream of Search learn from and what they answer: the corpus, the held-out problems, searches of a
// model, and the files they leave.
#pragma once

#include "hone/data/search_records.h"
#include "hone/evaluate/summary_file.h"
#include "hone/generate/engine.h"
#include "hone/models/model.h"
#include "hone/tasks/search/measures.h"
#include "hone/train/session.h"
#include "recipes/stream_of_search/options.h"

#include <string>
#include <utility>
#include <vector>

namespace hone::recipes::stream_of_search {

/// Training problems, each as a search and as an optimal path, in the same order.
struct Corpus {
  std::vector<tasks::Problem> problems;
  std::vector<data::Example> searches, optimal;
  std::vector<tasks::search::Solver> solvers;  ///< that wrote the searches
  std::vector<uint8_t> solved;                 ///< whether the search reaches the goal
  int64_t cut = 0;                             ///< searches longer than the context
};
Corpus make_corpus(train::Env& env, const Options& o, const text::Tokenizer& tokenizer);

/// Σ tokens of examples.
int64_t tokens_in(const std::vector<data::Example>& examples);

/// What every arm is asked: test_problems each of new inputs, new targets and training problems whose search failed,
/// one after the other. The first two don't depend on the seed.
struct Exam {
  std::vector<tasks::Problem> problems;
  std::vector<tasks::search::Solver> unsolved_by;  ///< of the third part
  std::size_t part = 0;                            ///< problems in each
};
/// Errors: usage if too few of the training problems are unsolved.
Exam make_exam(const Options& o, const Corpus& corpus);
inline constexpr const char* kParts[] = {"val", "val_target", "unsolved"};

/// One problem answered: greedily, or the best of several samples.
struct Answer {
  std::string text;    ///< compact words after the prompt; of several samples the first right one, else the first
  double right = 0;    ///< strictly
  int64_t tokens = 0;  ///< generated, of all samples together
};

/// How answers are drawn.
struct Ask {
  int64_t samples = 1;
  generate::Sampling sampling{.choice = generate::Choice::greedy};
};
std::vector<Answer> answer(train::Env& env, const Options& o, const models::Model& model,
                           const std::vector<tasks::Problem>& problems, const Ask& ask, Rng rng);
Json to_json(const std::vector<Answer>& answers);
std::vector<Answer> answers_from_json(const Json& json);

/// Gathers the arms and writes outcomes.json, summary.json, search.json (tables by arm and part) and
/// traces/<arm>.jsonl.
class ExamSummary {
 public:
  ExamSummary(const Options& o, const Exam& exam) : options_(o), exam_(exam) {}

  /// An arm that answers once: its searches are measured and kept.
  void add_searches(const train::Env& env, const std::string& arm, const std::vector<Answer>& answers);
  /// An arm that is known by its best of several samples only.
  void add_best(const std::string& arm, const std::vector<Answer>& answers);
  void write(const train::Env& env, const std::string& base, const std::string& improved);

 private:
  void add_measured(const std::string& arm, std::size_t i, const tasks::search::Measured& one);
  void show(const std::string& arm, const std::vector<Answer>& answers);

  const Options& options_;
  const Exam& exam_;
  evaluate::SummaryFile file_;
  Json tables_ = Json::object();
};

}  // namespace hone::recipes::stream_of_search
