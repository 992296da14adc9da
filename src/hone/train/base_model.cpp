#include "hone/train/base_model.h"

#include "hone/base/error.h"

namespace hone::train {
namespace {

// Step `step` of training: problems drawn with replacement, a new record of each.
ExampleSource countdown_source(Env& env, const BaseOptions& o, const tasks::TaskOptions& task,
                               const std::vector<tasks::Problem>& problems, const text::Tokenizer& tokenizer) {
  const data::RecordMix puzzles{o.two_turn, o.right, o.first_right, o.false_sum, o.copy}, sums{.two_turn = 0, .right = 0};
  return made(env, o.fit.batch, [=, &problems, &tokenizer](int64_t step, Rng rng) {
    const auto& mix = static_cast<double>(step) < o.arithmetic * static_cast<double>(o.fit.steps) ? sums : puzzles;
    const auto& problem = problems[rng.below(problems.size())];
    return data::countdown_record(tasks::countdown_world(task.world), problem, task.countdown_notation(), mix, tokenizer,
                                  rng.fork("text"));
  });
}

}  // namespace

models::Model on_device(const Env& env, models::Model model) {
  models::to_device(model.decoder, env.device);
  return model;
}

models::Model fresh_model(const Env& env, const models::ModelOptions& size, text::Tokenizer tokenizer) {
  const auto config = models::config_of(size, tokenizer.size());
  return on_device(env, {models::fresh(config, env.rng.fork("fresh model")), std::move(tokenizer)});
}

std::optional<models::Model> given_model(const Env& env, const std::string& folder, const std::string& data) {
  if (!folder.empty()) return on_device(env, models::open(folder));
  if (!data.empty())
    throw Error(ErrorKind::usage, "problems from " + data + " need a model that can read them",
                "give --model DIR, e.g. one that `hone run sft` has made");
  return std::nullopt;
}

models::Model base_model(Env& env, Session& session, const BaseOptions& o, const tasks::TaskOptions& task,
                         const tasks::TaskSet& tasks,
                         const std::function<double(const models::Model&)>& accuracy) {
  if (auto given = given_model(env, o.model, task.data)) return std::move(*given);
  auto model = fresh_model(env, o.fresh, data::countdown_tokenizer(tasks::countdown_world(task.world)));
  const auto source = countdown_source(env, o, task, tasks.train, model.tokenizer);
  fit(env, session, "base", model.decoder, o.fit, source, [&](int64_t, Json&) {
    const double reached = accuracy(model);
    return Check{{{"accuracy", reached}}, reached >= o.accuracy ? Next::stop : Next::go_on};
  });
  return model;
}

}  // namespace hone::train
