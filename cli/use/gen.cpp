// hone gen: prompts in, completions out.
#include "cli/console.h"
#include "cli/interrupt.h"
#include "cli/use/engine.h"
#include "cli/use/studio.h"
#include "hone/base/error.h"
#include "hone/base/files.h"
#include "hone/report/progress.h"
#include "hone/tasks/jsonl.h"
#include "hone/text/stop.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <map>
#include <memory>

namespace hone::cli {
namespace {

constexpr std::size_t kMostInput = std::size_t{1} << 31;

// One completion of a prompt.
struct Made {
  std::string text;
  text::Finish finish = text::Finish::stop;
  int64_t tokens = 0;
};

Json to_json(const Made& made) {
  return {{"text", made.text}, {"finish", name_of(made.finish)}, {"tokens", made.tokens}};
}

std::string read_standard_input() {
  std::string text;
  char block[1 << 16];
  for (;;) {
    const ssize_t got = ::read(STDIN_FILENO, block, sizeof block);
    if (got == 0) return text;
    if (got < 0 && errno == EINTR) throw Interrupted();
    require(got > 0, ErrorKind::io, "standard input can't be read");
    text.append(block, static_cast<std::size_t>(got));
    require(text.size() <= kMostInput, ErrorKind::data, "standard input holds more than {}", size_text(kMostInput));
  }
}

std::string prompt_of(const GenPlan& plan) {
  if (plan.operand) return *plan.operand;
  std::string text = read_standard_input();
  if (text.ends_with('\n')) text.pop_back();  // what echo and editors add
  return text;
}

// One model that answers; there are several when a mixture is asked.
struct Voice {
  Voice(const WritePlan& plan, Form form) : model(plan.model.string()), studio(plan, form) {}
  std::string model;
  Studio studio;
  std::unique_ptr<generate::Engine> engine;  ///< for several completions at once
};

// Everything one run of gen works with.
class Generator {
 public:
  Generator(const Call& call, const GenPlan& plan, const std::atomic<bool>& interrupted);

  int one(const std::string& prompt);
  int rows(const std::string& content, const std::string& name);

 private:
  Voice& voice_of(uint64_t key) { return *voices_[drawn_member(plan_.write, key)]; }
  generate::Request request_of(const Studio& studio, const tasks::Problem& problem, uint64_t key) const;
  std::vector<std::vector<Made>> roll(Voice& voice, const std::vector<generate::Request>& requests);
  std::vector<std::vector<Made>> roll(const std::vector<generate::Request>& requests);
  int aloud(Voice& voice, const generate::Request& request, const std::string& prompt);
  void print_json(const Voice& voice, const generate::Request& request, const std::string& prompt,
                  const Json& completions) const;
  void say_rate(int64_t tokens) const;
  bool quiet() const { return call_.has("--quiet"); }

  const Call& call_;
  const GenPlan& plan_;
  const std::atomic<bool>& interrupted_;
  std::vector<std::unique_ptr<Voice>> voices_;  ///< one for every member; without rows only the one that is drawn
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

Generator::Generator(const Call& call, const GenPlan& plan, const std::atomic<bool>& interrupted)
    : call_(call), plan_(plan), interrupted_(interrupted), voices_(plan.write.members.size()) {
  const bool all = plan.input == GenPlan::Input::rows;
  const std::size_t drawn = drawn_member(plan.write, 0);
  for (std::size_t i = 0; i < voices_.size(); ++i)
    if (all || i == drawn) voices_[i] = std::make_unique<Voice>(with_member(plan.write, i), plan.form);
  if (call.has("--quiet")) return;
  const bool mixture = voices_.size() > 1;
  if (mixture && all) say("a mixture of {} models, one drawn for every row\n", voices_.size());
  if (mixture && !all)
    say("a mixture of {} models; drawn: {}\n", voices_.size(), plan.write.members[drawn].model.string());
  say("{}\n", voices_[drawn]->studio.manner.words);
}

generate::Request Generator::request_of(const Studio& studio, const tasks::Problem& problem, uint64_t key) const {
  generate::Request request;
  request.prompt = studio.prompt_ids(problem);
  request.turns = {{{}, {studio.stops, plan_.stops, studio.room_after(request.prompt, plan_.write.max_tokens)}}};
  request.samples = plan_.samples;
  request.key = key;
  return request;
}

void Generator::print_json(const Voice& voice, const generate::Request& request, const std::string& prompt,
                           const Json& completions) const {
  const Json said = {{"schema", 1},
                     {"model", voice.model},
                     {"prompt", prompt},
                     {"prompt_ids", request.prompt},
                     {"completions", completions}};
  put("{}\n", base::dump(said, 2));
}

void Generator::say_rate(int64_t tokens) const {
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start_;
  if (!quiet()) say("{} tokens · {:.1f} tokens/s\n", count_text(tokens), static_cast<double>(tokens) / seconds.count());
}

// made[request][sample]
std::vector<std::vector<Made>> Generator::roll(Voice& voice, const std::vector<generate::Request>& requests) {
  const Studio& studio = voice.studio;
  if (!voice.engine) {
    voice.engine = std::make_unique<generate::Engine>(studio.model.decoder, voice.studio.pool, &studio.model.tokenizer,
                                                      generate::EngineOptions{.weights = plan_.write.weights});
  }
  std::vector<std::vector<Made>> made(requests.size());
  for (const auto& rollout : voice.engine->roll(requests, plan_.write.sampling, Rng(plan_.write.seed))) {
    const generate::Completion& said = rollout.turns[0];
    made[static_cast<std::size_t>(rollout.request)].push_back(
        {text::text_before(studio.model.tokenizer.decode(said.ids), plan_.stops), said.finish,
         static_cast<int64_t>(said.ids.size())});
  }
  return made;
}

// Every request by the member that its key draws.
std::vector<std::vector<Made>> Generator::roll(const std::vector<generate::Request>& requests) {
  std::map<Voice*, std::vector<std::size_t>> of_voice;
  for (std::size_t i = 0; i < requests.size(); ++i) of_voice[&voice_of(requests[i].key)].push_back(i);
  std::vector<std::vector<Made>> made(requests.size());
  for (const auto& [voice, places] : of_voice) {
    std::vector<generate::Request> mine;
    for (const std::size_t i : places) mine.push_back(requests[i]);
    auto texts = roll(*voice, mine);
    for (std::size_t i = 0; i < places.size(); ++i) made[places[i]] = std::move(texts[i]);
  }
  return made;
}

// One completion, written as it is made.
int Generator::aloud(Voice& voice, const generate::Request& request, const std::string& prompt) {
  Studio& studio = voice.studio;
  generate::Writer writer(studio.model.decoder, studio.pool, studio.model.tokenizer, plan_.write.weights);
  const Rng rng = Rng(plan_.write.seed).fork("sample", {request.key, 0});  // as the engine draws its first sample
  const auto listener = [&](const std::string& piece) {
    if (call_.has("--json")) return;
    put("{}", shown(piece));
    finish_output();
  };
  const Spoken spoken =
      speak(studio, writer, {request.prompt, request.turns[0].stop, plan_.write.sampling, rng}, listener, interrupted_);
  if (call_.has("--json")) {
    const Made made{spoken.text, spoken.finish, spoken.tokens};
    print_json(voice, request, prompt, Json::array({to_json(made)}));
  } else if (!spoken.text.ends_with('\n')) {
    put("\n");
  }
  finish_output();
  if (spoken.finish == text::Finish::length && !quiet())
    say("cut after {} tokens{}\n", spoken.tokens,
        spoken.tokens < plan_.write.max_tokens ? ", where the context ends" : " (--max-tokens)");
  say_rate(spoken.tokens);
  return spoken.finish == text::Finish::running ? 130 : 0;
}

int Generator::one(const std::string& prompt) {
  Voice& voice = voice_of(0);
  const generate::Request request = request_of(voice.studio, voice.studio.problem_of(prompt), 0);
  if (plan_.samples == 1) return aloud(voice, request, prompt);
  const std::vector<Made> made = roll({request})[0];
  int64_t tokens = 0, index = 0;
  Json list = Json::array();
  for (const Made& each : made) {
    tokens += each.tokens;
    list.push_back(to_json(each));
    if (!call_.has("--json")) put("--- {} of {}\n{}\n", ++index, made.size(), shown(each.text));
  }
  if (call_.has("--json")) print_json(voice, request, prompt, list);
  finish_output();
  say_rate(tokens);
  return 0;
}

// The row as it came, with what was made of it.
Json with_completions(Json row, const std::vector<Made>& made) {
  if (made.size() == 1) {
    row["completion"] = made[0].text;
    row["finish"] = name_of(made[0].finish);
    return row;
  }
  row["completions"] = Json::array();
  row["finish"] = Json::array();
  for (const Made& each : made) {
    row["completions"].push_back(each.text);
    row["finish"].push_back(name_of(each.finish));
  }
  return row;
}

tasks::Problem problem_of_row(const Json& row, const std::string& place, const Studio& studio) {
  const Json* prompt = tasks::find_field(row, "prompt");
  tasks::Problem problem;
  if (prompt != nullptr && !prompt->is_array()) {
    problem = studio.problem_of(base::get_string(row, "prompt", place));
  } else {
    require(prompt != nullptr || tasks::find_field(row, "messages") != nullptr, ErrorKind::data,
            "{}: \"prompt\" (or \"messages\") is missing", place);
    problem.messages = tasks::read_messages(row, prompt != nullptr ? "prompt" : "messages", place);
  }
  problem.id = place;
  return problem;
}

int Generator::rows(const std::string& content, const std::string& name) {
  std::vector<Json> rows;
  std::vector<generate::Request> requests;
  tasks::for_each_row(content, name, [&](const Json& row, const std::string& place) {
    const Studio& studio = voice_of(requests.size()).studio;
    requests.push_back(request_of(studio, problem_of_row(row, place, studio), requests.size()));
    rows.push_back(row);
  });
  report::Progress progress(quiet() ? report::ProgressStyle::quiet : report::ProgressStyle::automatic, stderr);
  progress.plan({{"rows", static_cast<int64_t>(rows.size()), 0.1}});
  progress.begin("rows");
  // Enough rollouts at a time to keep every worker busy, few enough to hear of them.
  const std::size_t step = std::max<std::size_t>(4, 64 / static_cast<std::size_t>(plan_.samples));
  int64_t tokens = 0;
  for (std::size_t first = 0; first < rows.size(); first += step) {
    const std::size_t last = std::min(rows.size(), first + step);
    const auto begin = requests.begin() + static_cast<std::ptrdiff_t>(first);
    const auto made = roll({begin, requests.begin() + static_cast<std::ptrdiff_t>(last)});
    for (std::size_t i = first; i < last; ++i) {
      for (const Made& each : made[i - first]) tokens += each.tokens;
      put("{}\n", base::dump(with_completions(std::move(rows[i]), made[i - first])));
    }
    finish_output();
    progress.step(static_cast<int64_t>(last), {{"tokens", count_text(tokens)}});
    if (interrupted_) {
      progress.finish();
      say("stopped after {} of {} rows\n", last, rows.size());
      return 130;
    }
  }
  progress.finish();
  say_rate(tokens);
  return 0;
}

}  // namespace

int run_gen(const Call& call) {
  const GenPlan plan = gen_plan(call);
  const std::atomic<bool>& interrupted = note_interrupts();
  try {
    // Read before the model is opened: a prompt that never comes costs nothing.
    const bool rows = plan.input == GenPlan::Input::rows;
    const std::string input = !rows          ? prompt_of(plan)
                              : plan.operand ? base::read_file(*plan.operand)
                                             : read_standard_input();
    Generator generator(call, plan, interrupted);
    return rows ? generator.rows(input, plan.operand.value_or("stdin")) : generator.one(input);
  } catch (const Interrupted&) {
    return 130;
  }
}

}  // namespace hone::cli
