#include "hone/report/progress.h"

#include "hone/base/toml_text.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>

namespace hone::report {
namespace {

constexpr double kRedrawSeconds = 0.1;
constexpr double kLongestPause = 60;
constexpr std::size_t kTimedSteps = 201;  // median over the latest: follows a phase whose steps grow slower
constexpr std::size_t kCurveLength = 16;

double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

// Width in columns: code points, since nothing written here is wider than one.
std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

std::string cut(std::string_view text, std::size_t columns) {
  std::size_t at = 0, used = 0;
  for (; at < text.size(); ++at) {
    if ((text[at] & 0xC0) != 0x80 && used++ == columns) break;
  }
  return std::string(text.substr(0, at));
}

std::string repeated(std::string_view glyph, std::size_t times) {
  std::string text;
  for (std::size_t i = 0; i < times; ++i) text += glyph;
  return text;
}

std::string curve_of(const std::vector<double>& values) {
  static constexpr const char* kBars[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  std::string text;
  for (const double value : values) {
    const double share = *high > *low ? (value - *low) / (*high - *low) : 0.5;
    text += kBars[std::clamp(static_cast<int>(share * 8), 0, 7)];
  }
  return text;
}

struct Phase {
  PhasePlan plan;
  int64_t done = 0;
  bool over = false;
  std::vector<double> step_seconds;  // of the latest reports, a ring
  std::size_t reports = 0;
  int64_t timed_steps = 0;  // without those of an earlier process

  void time(double seconds, int64_t steps) {
    const double one = seconds / static_cast<double>(steps);
    if (step_seconds.size() < kTimedSteps)
      step_seconds.push_back(one);
    else
      step_seconds[reports % kTimedSteps] = one;
    ++reports;
    timed_steps += steps;
  }
  double median() const {
    std::vector<double> sorted = step_seconds;
    const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2);
    std::nth_element(sorted.begin(), middle, sorted.end());
    return *middle;
  }
  int64_t left() const { return over ? 0 : std::max<int64_t>(0, plan.steps - done); }
};

}  // namespace

Terminal terminal_of(std::FILE* out) {
  Terminal terminal;
  const bool dumb = environment("TERM").empty() || environment("TERM") == "dumb";
  const bool tty = ::isatty(::fileno(out)) == 1;
  const std::string ci = environment("CI");
  const bool in_ci = !ci.empty() && ci != "0" && ci != "false";
  terminal.redraws = tty && !dumb && !in_ci;
  if (in_ci) terminal.first_line_seconds = std::numeric_limits<double>::infinity();

  const std::string forced = environment("CLICOLOR_FORCE");
  const bool want_colour = terminal.redraws || (!forced.empty() && forced != "0");
  if (environment("NO_COLOR").empty() && want_colour) terminal.colour = Colour::on;

  std::string locale = environment("LC_ALL");
  if (locale.empty()) locale = environment("LC_CTYPE");
  if (locale.empty()) locale = environment("LANG");
  for (char& c : locale) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (locale.find("utf-8") != std::string::npos || locale.find("utf8") != std::string::npos) {
    terminal.glyphs = Glyphs::unicode;
  }

  winsize window{};
  const int columns = std::atoi(environment("COLUMNS").c_str());
  if (columns > 0)
    terminal.columns = columns;
  else if (tty && ::ioctl(::fileno(out), TIOCGWINSZ, &window) == 0 && window.ws_col > 0)
    terminal.columns = window.ws_col;
  return terminal;
}

std::string short_duration(double seconds) {
  const auto whole = static_cast<int64_t>(std::llround(std::max(0.0, seconds)));
  if (whole < 60) return fmt::format("{}s", whole);
  if (whole < 3600) return fmt::format("{}m{:02}s", whole / 60, whole % 60);
  return fmt::format("{}h{:02}m", whole / 3600, whole % 3600 / 60);
}

struct Progress::State {
  ProgressStyle style;
  std::FILE* out;
  Terminal terminal;
  std::vector<Phase> phases;
  std::ptrdiff_t current = -1;
  double phase_began = 0, last_step = 0, last_draw = -1e300, next_line = 0, pause = 10;
  int64_t run = 1, runs = 1;     // this one and how many like it
  double since = -1, timed = 0;  // when the work began, and the seconds of it that were steps
  double shown_share = 0;
  int drawn_lines = 0;
  std::vector<std::pair<std::string, std::string>> facts;
  std::vector<double> curve;

  double now() const { return terminal.clock(); }
  Phase* phase() { return current < 0 ? nullptr : &phases[static_cast<std::size_t>(current)]; }

  // Measured over guessed time of the steps timed so far; 1 while there is nothing to compare.
  double pace() const {
    double measured = 0, guessed = 0;
    for (const Phase& phase : phases) {
      if (phase.step_seconds.empty() || phase.plan.seconds_per_step <= 0) continue;
      const auto steps = static_cast<double>(phase.timed_steps);
      measured += phase.median() * steps;
      guessed += phase.plan.seconds_per_step * steps;
    }
    return guessed > 0 ? measured / guessed : 1;
  }

  // Seconds that pass for each second of steps: there is work between phases too, such as measuring what came out.
  double overhead() const { return timed > 0 ? std::max(1.0, (last_step - since) / timed) : 1; }

  // Seconds of the steps of all phases of all runs, as (done, left), by measured steps or scaled guesses.
  std::pair<double, double> work() const {
    const double scale = pace();
    double done = 0, left = 0;
    for (const Phase& phase : phases) {
      const double one = phase.step_seconds.empty() ? phase.plan.seconds_per_step * scale : phase.median();
      done += one * static_cast<double>(phase.done);
      left += one * static_cast<double>(phase.left());
    }
    const double all = done + left;
    return {done + static_cast<double>(run - 1) * all, left + static_cast<double>(runs - run) * all};
  }

  double eta() const {
    const bool timed =
        std::any_of(phases.begin(), phases.end(), [](const Phase& phase) { return !phase.step_seconds.empty(); });
    if (!timed) return -1;
    double left = work().second;
    if (current >= 0) {
      // Time passes between steps too, but at most one step's worth of it counts.
      const Phase& phase = phases[static_cast<std::size_t>(current)];
      const double one = phase.step_seconds.empty() ? 0 : phase.median();
      if (phase.left() > 0) left -= std::clamp(now() - last_step, 0.0, one);
    }
    return std::max(0.0, left * overhead());
  }

  double share() const {
    const auto [done, left] = work();
    return done + left > 0 ? done / (done + left) : 0;
  }

  std::string eta_text() const {
    const double left = eta();
    if (left < 0) return "";
    if (share() >= 0.05) return short_duration(left) + " left";
    return fmt::format("{} to {} left", short_duration(left * 0.7), short_duration(left * 1.5));
  }

  std::string steps_text(const Phase& phase) const {
    if (phase.plan.steps > 0) return fmt::format("step {}/{}", phase.done, phase.plan.steps);
    return fmt::format("step {}", phase.done);
  }

  // "base ✓  sft ✓  stage1 step 240/300  stage2", or "stage1 (3 of 4)  step 240/300" where that doesn't fit.
  std::string phases_line() const {
    const bool unicode = terminal.glyphs == Glyphs::unicode;
    std::string all, now_line;
    for (std::size_t i = 0; i < phases.size(); ++i) {
      const Phase& phase = phases[i];
      const bool here = static_cast<std::ptrdiff_t>(i) == current && !phase.over;
      all += all.empty() ? "" : "  ";
      all += here ? fmt::format("{} {}", phase.plan.name, steps_text(phase)) : phase.plan.name;
      if (phase.over) all += unicode ? " ✓" : " ok";
      if (here || now_line.empty()) {
        now_line = fmt::format("{} ({} of {})  {}", phase.plan.name, i + 1, phases.size(), steps_text(phase));
      }
    }
    const auto columns = static_cast<std::size_t>(terminal.columns);
    return cut(width_of(all) <= columns ? all : now_line, columns);
  }

  std::string bar_line() {
    const bool unicode = terminal.glyphs == Glyphs::unicode;
    shown_share = std::max(shown_share, share());
    const std::string tail = fmt::format("  {:3.0f} %  {}", std::floor(100 * shown_share), eta_text());
    const std::size_t columns = static_cast<std::size_t>(terminal.columns);
    if (columns < width_of(tail) + 8) return cut(tail.substr(2), columns);
    const std::size_t cells = std::min<std::size_t>(columns - width_of(tail), 60);
    const auto full = static_cast<std::size_t>(shown_share * static_cast<double>(cells));
    const std::string done = repeated(unicode ? "━" : "#", full), left = repeated(unicode ? "─" : "-", cells - full);
    if (terminal.colour == Colour::off) return done + left + tail;
    return "\x1b[36m" + done + "\x1b[0m\x1b[2m" + left + "\x1b[0m" + tail;
  }

  std::string facts_line() const {
    std::string line;
    for (std::size_t i = 0; i < facts.size(); ++i) {
      line += fmt::format("{}{} {}", i ? "   " : "", facts[i].first, facts[i].second);
      if (i == 0 && curve.size() > 1 && terminal.glyphs == Glyphs::unicode) line += " " + curve_of(curve);
    }
    return cut(base::printable(line), static_cast<std::size_t>(terminal.columns));
  }

  std::string erased() {
    std::string text;
    if (drawn_lines > 0) text = fmt::format("\r\x1b[{}A\x1b[J", drawn_lines);
    drawn_lines = 0;
    return text;
  }

  // One fwrite, so that a line of another writer can't come between.
  void put(const std::string& text) {
    std::fwrite(text.data(), 1, text.size(), out);
    std::fflush(out);
  }

  void draw() {
    if (style != ProgressStyle::redraw || phases.empty()) return;
    std::string text = erased();
    text += phases_line() + "\n" + bar_line() + "\n";
    drawn_lines = 2;
    if (!facts.empty()) {
      text += facts_line() + "\n";
      drawn_lines = 3;
    }
    last_draw = now();
    put(text);
  }

  void line(const std::string& text) {
    if (style == ProgressStyle::plain) put(base::printable(text) + "\n");
  }

  void plain_step(const Phase& phase) {
    if (now() < next_line) return;
    pause = std::min(kLongestPause, pause * 2);
    next_line = now() + pause;
    const std::string eta = eta_text();
    shown_share = std::max(shown_share, share());
    std::string text = fmt::format("{} {}  {:.0f} % of the run{}{}", phase.plan.name, steps_text(phase),
                                   std::floor(100 * shown_share), eta.empty() ? "" : ", ", eta);
    for (std::size_t i = 0; i < facts.size(); ++i) {
      text += fmt::format("{}{} {}", i ? ", " : ": ", facts[i].first, facts[i].second);
    }
    line(text);
  }
};

Progress::Progress(ProgressStyle style, std::FILE* out) : Progress(style, out, terminal_of(out)) {}

Progress::Progress(ProgressStyle style, std::FILE* out, Terminal terminal) : state_(std::make_unique<State>()) {
  if (style == ProgressStyle::automatic) style = terminal.redraws ? ProgressStyle::redraw : ProgressStyle::plain;
  if (!terminal.clock) terminal.clock = steady_seconds;
  terminal.columns = std::max(20, terminal.columns) - 1;  // some terminals wrap after the last column
  state_->style = style;
  state_->out = out;
  state_->terminal = std::move(terminal);
}

Progress::~Progress() { finish(); }

void Progress::part(int64_t number, int64_t of) { state_->run = number, state_->runs = of; }

void Progress::plan(std::vector<PhasePlan> phases) {
  if (state_->since < 0) state_->since = state_->now();
  state_->phases.clear();
  for (PhasePlan& phase : phases) {
    phase.name = base::printable(phase.name);
    state_->phases.push_back({std::move(phase), 0, false, {}, 0, 0});
  }
  state_->current = -1;
  state_->shown_share = 0;
  state_->draw();
}

void Progress::begin(std::string_view name, int64_t done, int64_t steps) {
  State& s = *state_;
  if (s.since < 0) s.since = s.now();
  if (s.phase()) s.phase()->over = true;
  const auto found = std::find_if(s.phases.begin(), s.phases.end(),
                                  [&](const Phase& phase) { return phase.plan.name == base::printable(name); });
  if (found == s.phases.end()) {
    s.current += 1;
    s.phases.insert(s.phases.begin() + s.current, Phase{{base::printable(name), 0, 0}, 0, false, {}, 0, 0});
  } else {
    s.current = found - s.phases.begin();
    for (auto before = s.phases.begin(); before != found; ++before) {
      if (before->over) continue;
      before->over = true;
      before->done = before->plan.steps;  // an earlier process did them
    }
    found->over = false;
  }
  Phase& phase = *s.phase();
  phase.done = done;
  if (steps >= 0) phase.plan.steps = steps;
  s.phase_began = s.last_step = s.now();
  s.pause = s.terminal.first_line_seconds;
  s.next_line = s.now() + s.pause;
  s.facts.clear();
  s.curve.clear();
  s.line(phase.plan.steps > 0 ? fmt::format("{}: {} steps", phase.plan.name, phase.plan.steps - done)
                              : phase.plan.name);
  s.draw();
}

void Progress::step(int64_t step, const std::vector<std::pair<std::string, std::string>>& facts) {
  State& s = *state_;
  Phase* phase = s.phase();
  if (!phase || phase->over) return;
  if (step > phase->done) {
    phase->time(s.now() - s.last_step, step - phase->done);
    s.timed += s.now() - s.last_step;
    phase->done = step;
    s.last_step = s.now();
  }
  s.facts = facts;
  char* rest = nullptr;
  const double first = facts.empty() ? NAN : std::strtod(facts[0].second.c_str(), &rest);
  if (std::isfinite(first) && rest != facts[0].second.c_str()) {
    s.curve.push_back(first);
    if (s.curve.size() > kCurveLength) s.curve.erase(s.curve.begin());
  }
  if (s.style == ProgressStyle::plain) s.plain_step(*phase);
  if (s.style == ProgressStyle::redraw && s.now() - s.last_draw >= kRedrawSeconds) s.draw();
}

void Progress::end() {
  State& s = *state_;
  Phase* phase = s.phase();
  if (!phase || phase->over) return;
  phase->over = true;
  std::string text = fmt::format("{} done: {} in {}", phase->plan.name,
                                 phase->done == 1 ? "1 step" : fmt::format("{} steps", phase->done),
                                 short_duration(s.now() - s.phase_began));
  for (std::size_t i = 0; i < s.facts.size(); ++i) {
    text += fmt::format("{}{} {}", i ? ", " : "; ", s.facts[i].first, s.facts[i].second);
  }
  s.line(text);
  s.draw();
}

void Progress::say(std::string_view line) {
  State& s = *state_;
  if (s.style == ProgressStyle::quiet) return;
  const std::string erased = s.style == ProgressStyle::redraw ? s.erased() : "";
  s.put(erased + base::printable(line) + "\n");
  s.draw();
}

void Progress::finish() {
  State& s = *state_;
  if (s.style == ProgressStyle::redraw && s.drawn_lines > 0) s.put(s.erased());
}

double Progress::eta_seconds() const { return state_->eta(); }

}  // namespace hone::report
