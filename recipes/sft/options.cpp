// Options and presets of supervised fine-tuning. Torch-free: `hone show sft` reads this.
#include "recipes/sft/options.h"

#include "hone/report/recipe_card.h"
#include "hone/tasks/countdown.h"

#include <memory>

namespace hone::recipes::sft {

void Options::visit(base::OptionVisitor& v) {
  v.field("data", data, {.help = "JSONL file (text, messages, prompt+completion or prompt+answer); empty = Countdown records"});
  v.field("test_data", test_data, {.help = "JSONL file of held-out rows; empty = a share of `data`"});
  v.field("model", model, {.help = "model folder to start from; empty = a fresh byte-level model"});
  v.field("world", world, {.help = "Countdown world when there is no data", .choices = tasks::countdown_world_names()});
  v.field("records", records, {.help = "Countdown records to make when there is no data", .min = 10, .max = 1e7});
  v.field("held_out", held_out, {.help = "share of rows held out for the loss curve", .min = 0.001, .max = 0.5});
  v.field("too_long", too_long, {.help = "rows longer than the context: refuse names the row, truncate cuts it",
                                 .choices = {"refuse", "truncate"}});
  v.group("fresh", fresh);
  v.group("fit", fit);
  v.group("lora", lora);
}

namespace {

std::unique_ptr<base::Options> make(std::string_view preset) {
  auto o = std::make_unique<Options>();
  o->fresh.context = 512;
  o->fit.rows = "packed";
  o->fit.row_tokens = 256;
  o->fit.batch = 32;
  o->fit.steps = 600;
  o->fit.patience = 5;
  if (preset == "smoke") {
    o->fresh = {.width = 64, .layers = 2, .heads = 2, .context = 256};
    o->records = 400;
    o->fit.steps = 40;
    o->fit.check_every = 20;
    o->fit.optim.warmup = 5;
  }
  if (preset == "real") {
    o->fit.optim = {.lr = 1e-5, .weight_decay = 0, .warmup = 20};
    o->fit.row_tokens = 1024;
    o->fit.batch = 16;
    o->fit.steps = 1000;
  }
  return o;
}

}  // namespace

report::RecipeCard card() {
  return {.name = "sft",
          .title = "Supervised fine-tuning, from scratch or from a model folder",
          .paper = "",
          .method = {"Minimise the negative log-likelihood of the assistant's turns (or completions, or whole texts).",
                     "Rows are packed; loss lies only where the mask says; held-out loss stops the run early."},
          .presets = {{"laptop", "a fresh 1M-parameter byte-level model, or yours"},
                      {"smoke", "a tiny model, seconds"},
                      {"real", "gentle steps for a pre-trained model"}},
          .options = make,
          .claims = {}};
}

}  // namespace hone::recipes::sft
