#include "hone/rewards/oracle.h"

#include "hone/base/error.h"
#include "hone/data/dialogue.h"
#include "hone/base/json.h"

#include <algorithm>
#include <cmath>

namespace hone::rewards {
namespace {

constexpr double kRounding = 1e-9;

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

// A list of `count` finite numbers in [low, high].
std::vector<double> read_numbers(const Json& list, std::size_t count, const std::string& where, double low,
                                 double high) {
  require(list.is_array() && list.size() == count, ErrorKind::data,
          "{} must be a list of {} numbers, one a candidate; found {}", where, count,
          list.is_array() ? fmt::format("{}", list.size()) : std::string(list.type_name()));
  std::vector<double> numbers;
  for (const Json& item : list) {
    require(item.is_number(), ErrorKind::data, "{}[{}] is {}, not a number", where, numbers.size(), item.type_name());
    const double value = item.get<double>();
    require(std::isfinite(value) && value >= low && value <= high, ErrorKind::data, "{}[{}] is {}; allowed: {} to {}",
            where, numbers.size(), value, low, high);
    numbers.push_back(value);
  }
  return numbers;
}

}  // namespace

std::vector<std::vector<double>> wins_of_scores(const std::vector<double>& scores, double temperature) {
  std::vector<std::vector<double>> wins(scores.size(), std::vector<double>(scores.size(), 0.5));
  for (std::size_t i = 0; i < scores.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      wins[i][j] = sigmoid((scores[i] - scores[j]) / temperature);
      wins[j][i] = 1 - wins[i][j];
    }
  }
  return wins;
}

std::vector<double> win_rates(const Judgement& judgement) {
  const std::size_t count = judgement.wins.size();
  std::vector<double> rates(count, 0.5);
  for (std::size_t i = 0; count > 1 && i < count; ++i) {
    double sum = 0;
    for (std::size_t j = 0; j < count; ++j) sum += j == i ? 0 : judgement.wins[i][j];
    rates[i] = sum / static_cast<double>(count - 1);
  }
  return rates;
}

std::vector<Judgement> judge_all(const Oracle& oracle, std::span<const Question> questions) {
  std::vector<Judgement> out(questions.size());
  oracle.judge(questions, [&](std::size_t i, const Judgement& judgement) { out.at(i) = judgement; });
  return out;
}

Oracle program_oracle(std::string identity, std::function<Judgement(const Question&)> program, base::Pool& pool) {
  const auto judge = [identity, program = std::move(program), &pool](std::span<const Question> questions,
                                                                     const Answered& answered) {
    std::vector<Judgement> out(questions.size());
    pool.for_each(static_cast<int64_t>(questions.size()), [&](int64_t i, int) {
      const auto at = static_cast<std::size_t>(i);
      out[at] = program(questions[at]);
      check_judgement(out[at], questions[at].candidates.size(), "oracle " + identity);
    });
    for (std::size_t i = 0; i < out.size(); ++i) answered(i, out[i]);
  };
  return {identity, judge};
}

Json question_json(const Question& question) {
  Json json = Json::object();
  if (question.problem.messages.empty()) {
    json["prompt"] = question.problem.prompt;
  } else {
    json["messages"] = data::messages_json(question.problem.messages);
  }
  json["candidates"] = question.candidates;
  return json;
}

Judgement judgement_from_json(const Json& answer, std::size_t candidates, const std::string& where) {
  constexpr double kLargest = 1e12;
  const auto present = [&](const char* key) { return answer.contains(key) && !answer.at(key).is_null(); };
  Judgement judgement;
  if (present("scores"))
    judgement.scores = read_numbers(answer.at("scores"), candidates, where + ": \"scores\"", -kLargest, kLargest);
  if (!present("wins")) {
    require(present("scores"), ErrorKind::data, "{}: neither \"scores\" nor \"wins\"", where);
    judgement.wins = wins_of_scores(judgement.scores);
    return judgement;
  }
  const Json& rows = answer.at("wins");
  require(rows.is_array() && rows.size() == candidates, ErrorKind::data, "{}: \"wins\" must be {} rows of {} numbers",
          where, candidates, candidates);
  for (const Json& row : rows) {
    const auto place = fmt::format("{}: \"wins\"[{}]", where, judgement.wins.size());
    judgement.wins.push_back(read_numbers(row, candidates, place, 0, 1));
  }
  for (std::size_t i = 0; i < candidates; ++i) {
    judgement.wins[i][i] = 0.5;
    for (std::size_t j = 0; j < i; ++j) {
      // What is symmetric already keeps its bits, so that an answer read back from a file is the answer.
      if (judgement.wins[i][j] + judgement.wins[j][i] == 1) continue;
      const double p = (judgement.wins[i][j] + 1 - judgement.wins[j][i]) / 2;
      judgement.wins[i][j] = p;
      judgement.wins[j][i] = 1 - p;
    }
  }
  return judgement;
}

Json to_json(const Judgement& judgement) {
  Json json = Json::object();
  if (!judgement.scores.empty()) json["scores"] = judgement.scores;
  json["wins"] = judgement.wins;
  return json;
}

void check_judgement(const Judgement& judgement, std::size_t candidates, const std::string& where) {
  require(judgement.scores.empty() || judgement.scores.size() == candidates, ErrorKind::internal,
          "{}: {} scores for {} candidates", where, judgement.scores.size(), candidates);
  require(judgement.wins.size() == candidates, ErrorKind::internal, "{}: {} rows of wins for {} candidates", where,
          judgement.wins.size(), candidates);
  for (const double score : judgement.scores)
    require(std::isfinite(score), ErrorKind::internal, "{}: a score is not finite", where);
  for (std::size_t i = 0; i < candidates; ++i) {
    require(judgement.wins[i].size() == candidates, ErrorKind::internal, "{}: row {} of wins has {} numbers", where, i,
            judgement.wins[i].size());
    for (std::size_t j = 0; j < candidates; ++j) {
      const double p = judgement.wins[i][j];
      require(p >= 0 && p <= 1 && std::abs(p + judgement.wins[j].at(i) - 1) < kRounding, ErrorKind::internal,
              "{}: wins[{}][{}] = {} does not fit its counterpart", where, i, j, p);
    }
  }
}

}  // namespace hone::rewards
