// Supervised fine-tuning: rows of a JSONL file → tokens with loss masks → the one supervised loop → a model folder.
#include "hone/base/error.h"
#include "hone/data/countdown_records.h"
#include "hone/data/rows.h"
#include "hone/evaluate/loss_summary.h"
#include "hone/evaluate/summary.h"
#include "hone/train/base_model.h"
#include "hone/train/policy.h"
#include "recipes/sft/options.h"

namespace hone::recipes::sft {
namespace {

using Examples = std::vector<data::Example>;

struct Split {
  Examples train, held_out;
};

models::Model start_model(train::Env& env, const Options& o) {
  if (!o.model.empty()) return on_device(env, models::open(o.model));
  auto tokenizer = o.data.empty() ? data::countdown_tokenizer(tasks::countdown_world(o.world))
                                  : text::Tokenizer::bytes(text::standard_specials());
  return fresh_model(env, o.fresh, std::move(tokenizer));
}

Examples tokenize_file(const std::string& file, const models::Model& model, const Options& o) {
  const auto cut = o.too_long == "truncate" ? data::TooLong::truncate : data::TooLong::refuse;
  Examples out;
  for (const auto& row : data::read_rows(file))
    out.push_back(data::tokenize(row, {model.tokenizer, model.chat_format()}, model.decoder.config.context, cut));
  return out;
}

// Solutions of Countdown problems, for a first try without a file.
Examples countdown_examples(train::Env& env, const Options& o, const models::Model& model) {
  const auto& world = tasks::countdown_world(o.world);
  Examples out;
  uint64_t i = 0;
  for (const auto& problem : tasks::draw_problems(world, tasks::Split::train, o.records, env.rng.fork("problems")))
    out.push_back(data::countdown_record(world, problem, tasks::Notation::visible, {.two_turn = 0, .right = 1}, model.tokenizer,
                                         env.rng.fork("record", {i++})));
  return out;
}

Split split_examples(train::Env& env, const Options& o, const models::Model& model) {
  Split s;
  s.train = o.data.empty() ? countdown_examples(env, o, model) : tokenize_file(o.data, model, o);
  if (!o.test_data.empty()) {
    s.held_out = tokenize_file(o.test_data, model, o);
    return s;
  }
  require(s.train.size() >= 2, ErrorKind::data, "{}: one row can't be split into training and held-out rows", o.data);
  env.rng.fork("split").shuffle(s.train);
  const auto count = std::max<std::size_t>(1, static_cast<std::size_t>(o.held_out * static_cast<double>(s.train.size())));
  s.held_out.assign(s.train.end() - static_cast<std::ptrdiff_t>(count), s.train.end());
  s.train.resize(s.train.size() - count);
  return s;
}

}  // namespace

void run(train::Env& env, const base::Options& given) {
  const auto& o = dynamic_cast<const Options&>(given);
  if (auto* progress = env.record.progress()) progress->plan({{"sft", o.fit.steps, 0.5}});
  const auto base = start_model(env, o);
  auto model = o.lora.on() ? train::policy_of(env, base, o.lora, "sft") : base;  // the same storage either way
  const auto examples = split_examples(env, o, base);
  train::Session session(env);

  // Per-example losses before and after, so that the gain has an interval.
  evaluate::LossSummary summary;
  const auto measure = [&](const std::string& arm, const models::Model& of) {
    const auto value = session.once("losses." + arm, [&] {
      // An adapter is nothing without its base, and a fresh one exists nowhere else.
      if (arm != "base" || (o.lora.on() && o.model.empty())) evaluate::save_model(env, arm, of);
      return evaluate::to_json(evaluate::example_losses(of, examples.held_out, env.pool));
    });
    summary.add(arm, evaluate::losses_from_json(value));
  };
  measure("base", base);
  train::fit(env, session, "sft", model.decoder, o.fit,
             train::cycle(examples.train, o.fit.batch, env.rng.fork("order")), [&](int64_t, Json& notes) {
               const double loss = train::held_out_loss(env, model.decoder, o.fit, examples.held_out);
               return train::Check{{{"held_out_loss", loss}}, train::early_stop(loss, o.fit.patience, notes)};
             });
  measure("sft", model);
  summary.write(env, "sft");
}

}  // namespace hone::recipes::sft
