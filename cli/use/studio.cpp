#include "cli/use/studio.h"

#include "hone/base/error.h"
#include "hone/data/dialogue.h"
#include "hone/rewards/attempts.h"
#include "hone/tensor/compat.h"
#include "hone/text/stream_decoder.h"

#include <unistd.h>

#include <algorithm>

namespace hone::cli {
namespace {

// Without a template: hone's own format for turns, where the vocabulary has its tokens.
bool has_own_turns(const text::Tokenizer& tokenizer) {
  return tokenizer.find("<user>") && tokenizer.find("<assistant>") && tokenizer.has_end();
}

Manner manner_of(const models::Model& model, Form wanted, const std::string& where) {
  if (wanted == Form::raw) return {Form::raw, "the prompt as it stands"};
  if (model.chat) return {Form::chat, "the folder's chat template"};
  if (wanted == Form::automatic) return {Form::raw, "no chat template: the prompt as it stands"};
  if (has_own_turns(model.tokenizer)) return {Form::chat, "no chat template: hone's own <user> … <end> <assistant>"};
  throw Error(ErrorKind::usage, fmt::format("{} has no chat template, and its vocabulary none of hone's turns", where),
              "use --raw, or put a chat_template.jinja into the folder");
}

std::vector<int32_t> stops_of(const models::Model& model, const data::Encoder& encoder, Form form) {
  return form == Form::chat ? data::stop_ids(encoder) : models::end_ids(model);
}

}  // namespace

Studio::Studio(const WritePlan& plan, Form wanted)
    : model(models::open(plan.model)),
      pool(plan.threads, tensor::set_single_threaded),
      manner(manner_of(model, wanted, plan.model.string())),
      encoder(rewards::encoder_of(model)),
      stops(stops_of(model, encoder, manner.form)) {
  if (manner.form == Form::raw) encoder.prompts = data::Prompts::as_text;
}

tasks::Problem Studio::problem_of(std::string text) const {
  tasks::Problem problem;
  problem.id = "the prompt";
  if (manner.form == Form::chat) {
    problem.messages = {{"user", std::move(text)}};
  } else {
    problem.prompt = std::move(text);
  }
  return problem;
}

text::Ids Studio::prompt_ids(const tasks::Problem& problem) const {
  text::Ids ids = data::prompt_ids(problem, encoder);
  require(!ids.empty(), ErrorKind::data, "{}: there is no text to go on with", problem.id);
  const auto tokens = static_cast<int64_t>(ids.size());
  require(tokens < context(), ErrorKind::data, "{}: {} tokens; the context of this model is {}", problem.id, tokens,
          context());
  return ids;
}

int64_t Studio::room_after(const text::Ids& ids, int64_t wanted) const {
  return std::min(wanted, context() - static_cast<int64_t>(ids.size()));
}

Spoken speak(const Studio& studio, generate::Writer& writer, const generate::WriteJob& job, const Listener& listener,
             const std::atomic<bool>& interrupted) {
  text::StreamDecoder decoder(studio.model.tokenizer);
  text::TextBefore before(job.stop.strings);
  Spoken spoken;
  const auto give = [&](std::string piece) {
    if (piece.empty()) return;
    spoken.text += piece;
    listener(piece);
  };
  const auto on_token = [&](int32_t id) {
    give(before.push(decoder.push(id)));
    return interrupted ? generate::Flow::stop : generate::Flow::go_on;
  };
  const generate::Completion completion = writer.write(job, on_token);
  give(before.push(decoder.finish()));
  give(before.finish());
  spoken.finish = completion.finish;
  spoken.tokens = static_cast<int64_t>(completion.ids.size());
  return spoken;
}

std::string shown(const std::string& text) {
  static const bool kTerminal = ::isatty(STDOUT_FILENO) == 1;
  if (!kTerminal) return text;
  std::string safe;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool control = (byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7f;
    safe += control ? "\xEF\xBF\xBD" : std::string(1, c);
  }
  return safe;
}

const char* name_of(text::Finish finish) {
  switch (finish) {
    case text::Finish::stop:
      return "stop";
    case text::Finish::length:
      return "length";
    case text::Finish::running:
      break;
  }
  return "interrupted";
}

}  // namespace hone::cli
