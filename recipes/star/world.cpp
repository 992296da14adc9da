#include "recipes/star/world.h"

#include "hone/tasks/addition.h"
#include "hone/tasks/source.h"

#include <algorithm>

namespace hone::recipes::star {
namespace {

constexpr uint64_t kHeldOutSeed = 20240917;

World addition_world(const Options& o, Rng rng) {
  World world;
  for (int64_t digits = 1; digits <= o.sums.digits; ++digits) {
    const Rng stream = Rng(kHeldOutSeed).fork("held-out sums", {static_cast<uint64_t>(digits)});
    world.groups.push_back({fmt::format("len{}", digits),
                            fmt::format("sums of {} digit{}", digits, digits > 1 ? "s" : ""),
                            draw_additions(tasks::AdditionSplit::held_out, digits, o.test, stream),
                            digits >= 3 || digits == o.sums.digits, digits >= 4 || digits == o.sums.digits});
  }
  world.verifier = tasks::verify_addition;
  // Every length as often as the others.
  world.draw = [o, rng](uint64_t round) {
    std::vector<tasks::Problem> problems;
    for (int64_t digits = 1; digits <= o.sums.digits; ++digits) {
      const int64_t count = o.problems * digits / o.sums.digits - o.problems * (digits - 1) / o.sums.digits;
      const auto some = draw_additions(tasks::AdditionSplit::train, digits, count,
                                       rng.fork("sums", {round, static_cast<uint64_t>(digits)}));
      problems.insert(problems.end(), some.begin(), some.end());
    }
    return problems;
  };
  world.hinted = [](const tasks::Problem& problem) {
    auto hinted = problem;
    hinted.prompt = tasks::addition_hint(problem);
    return hinted;
  };
  world.direct = tasks::addition_answer;
  world.valid = tasks::valid_scratchpad;
  return world;
}

World file_world(const Options& o, Rng rng) {
  tasks::TaskOptions options;
  options.data = o.data;
  options.test_data = o.test_data;
  options.verifier = o.verifier;
  options.train_problems = INT64_MAX;
  options.test_problems = o.test;
  auto tasks = tasks::load_tasks(options, rng.fork("tasks"));
  World world;
  world.groups.push_back({"held_out", "held-out problems", tasks.held_out});
  world.verifier = tasks.verifier;
  world.draw = [train = tasks.train, count = static_cast<std::size_t>(o.problems), rng](uint64_t round) {
    auto problems = train;
    rng.fork("problems", {round}).shuffle(problems);
    problems.resize(std::min(problems.size(), count));
    return problems;
  };
  world.hinted = [hint = o.hint](const tasks::Problem& problem) {
    auto hinted = problem;
    auto& text = hinted.messages.empty() ? hinted.prompt : hinted.messages.back().content;
    text = filled_hint(hint, text, problem.answer);
    return hinted;
  };
  world.direct = [](const tasks::Problem& problem) { return problem.answer; };
  return world;
}

enum class Hint { without, with };

data::Example scratchpad_record(const tasks::Problem& problem, Hint hint, const text::Tokenizer& tokenizer) {
  data::Example record;
  data::append(record, {tokenizer.bos()}, 0);
  data::append(record, tokenizer.encode(hint == Hint::with ? tasks::addition_hint(problem) : problem.prompt), 0);
  data::append(record, tokenizer.encode(tasks::addition_scratchpad(problem)), 1);
  data::append(record, {tokenizer.end()}, 1);
  return record;
}

}  // namespace

World make_world(const Options& options, Rng rng) {
  return options.data.empty() ? addition_world(options, rng) : file_world(options, rng);
}

std::string filled_hint(const std::string& hint, const std::string& prompt, const std::string& answer) {
  std::string text;
  for (std::size_t at = 0; at < hint.size();) {
    const std::string_view rest = std::string_view(hint).substr(at);
    const bool is_prompt = rest.starts_with("{prompt}"), is_answer = rest.starts_with("{answer}");
    if (is_prompt || is_answer)
      text += is_prompt ? prompt : answer;
    else
      text += hint[at];
    at += is_prompt || is_answer ? 8 : 1;
  }
  return text;
}

std::vector<data::Example> seed_records(const Options& o, const text::Tokenizer& tokenizer, Rng rng) {
  std::vector<data::Example> records;
  for (int64_t i = 0; i < o.sums.seed_records; ++i) {
    const Rng stream = rng.fork("record", {static_cast<uint64_t>(i)});
    const int64_t digits = 1 + i % o.sums.seed_digits;
    const auto problem = draw_additions(tasks::AdditionSplit::train, digits, 1, stream.fork("sum"))[0];
    const auto hint = stream.fork("hint").uniform() < o.sums.hints ? Hint::with : Hint::without;
    records.push_back(scratchpad_record(problem, hint, tokenizer));
  }
  for (int64_t digits = o.sums.seed_digits + 1; digits <= o.sums.digits; ++digits) {
    const Rng stream = rng.fork("few-shot", {static_cast<uint64_t>(digits)});
    for (const auto& problem : draw_additions(tasks::AdditionSplit::train, digits, o.sums.few_shot, stream))
      for (const Hint hint : {Hint::without, Hint::with})
        records.push_back(scratchpad_record(problem, hint, tokenizer));
  }
  return records;
}

}  // namespace hone::recipes::star
