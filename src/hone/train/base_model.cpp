#include "hone/train/base_model.h"

#include "hone/base/error.h"

namespace hone::train {
namespace {

models::Model fresh_model(Env& env, const BaseOptions& o, const tasks::TaskOptions& task) {
  if (!task.data.empty())
    throw Error(ErrorKind::usage, "problems from " + task.data + " need a model that can read them",
                "give --model DIR, e.g. one that `hone run sft` has made");
  auto tokenizer = data::countdown_tokenizer(tasks::countdown_world(task.world));
  const auto config = models::config_of(o.fresh, tokenizer.size());
  return {models::fresh(config, env.rng.fork("fresh model")), std::move(tokenizer)};
}

// Step `step` of training: problems drawn with replacement, a new record of each.
ExampleSource countdown_source(Env& env, const BaseOptions& o, const tasks::TaskOptions& task,
                               const std::vector<tasks::Problem>& problems, const text::Tokenizer& tokenizer) {
  const data::RecordMix puzzles{o.two_turn, o.right, o.first_right, o.false_sum, o.copy}, sums{.two_turn = 0, .right = 0};
  return [=, &env, &problems, &tokenizer](int64_t step) {
    const auto& mix = static_cast<double>(step) < o.arithmetic * static_cast<double>(o.fit.steps) ? sums : puzzles;
    const auto& world = tasks::countdown_world(task.world);
    std::vector<data::Example> out(static_cast<std::size_t>(o.fit.batch));
    env.pool.for_each(o.fit.batch, [&](int64_t i, int) {
      Rng rng = env.rng.fork("record", {static_cast<uint64_t>(step), static_cast<uint64_t>(i)});
      const auto& problem = problems[rng.below(problems.size())];
      out[static_cast<std::size_t>(i)] =
          data::countdown_record(world, problem, task.countdown_notation(), mix, tokenizer, rng.fork("text"));
    });
    return out;
  };
}

}  // namespace

models::Model on_device(const Env& env, models::Model model) {
  models::to_device(model.decoder, env.device);
  return model;
}

models::Model base_model(Env& env, Session& session, const BaseOptions& o, const tasks::TaskOptions& task,
                         const tasks::TaskSet& tasks,
                         const std::function<double(const models::Model&)>& accuracy) {
  if (!o.model.empty()) return on_device(env, models::open(o.model));
  auto model = on_device(env, fresh_model(env, o, task));
  const auto source = countdown_source(env, o, task, tasks.train, model.tokenizer);
  fit(env, session, "base", model.decoder, o.fit, source, [&](int64_t, Json&) {
    const double reached = accuracy(model);
    return Check{{{"accuracy", reached}}, reached >= o.accuracy ? Next::stop : Next::go_on};
  });
  return model;
}

}  // namespace hone::train
