// What a person sees while a run works: phases, a bar, an ETA that is true.
#pragma once

#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hone::report {

/// One phase of a run as planned: how many steps, and a guess of the seconds of one step on a 2-core laptop. Only the
/// ratios of the guesses matter after the first phase has been timed. A guess of 0 says that the phase takes no time
/// worth counting.
struct PhasePlan {
  std::string name;
  int64_t steps = 0;
  double seconds_per_step = 0;
};

/// How progress is written.
enum class ProgressStyle {
  automatic,  ///< redraw on a terminal; plain lines otherwise
  redraw,     ///< one block of at most 3 lines, redrawn at most 10 times a second
  plain,      ///< a line every 10 s, doubling to 60 s; no carriage return, no colour
  quiet       ///< nothing
};

enum class Colour { off, on };
enum class Glyphs { ascii, unicode };

/// What is known of the place that progress is written to.
struct Terminal {
  bool redraws = false;         ///< a terminal that understands cursor movement
  Colour colour = Colour::off;  ///< used by ProgressStyle::redraw only
  Glyphs glyphs = Glyphs::ascii;
  int columns = 80;
  double first_line_seconds = 10;  ///< plain: time to the first line of a phase; the pause doubles up to 60 s
  std::function<double()> clock;   ///< seconds, never going back; empty = the system's steady clock
};

/// Reads NO_COLOR, CLICOLOR_FORCE, TERM, CI, COLUMNS, the locale and the window size of `out`. Under CI only phase
/// changes are written, because their logs are kept.
Terminal terminal_of(std::FILE* out);

/// "41s", "6m12s", "1h05m".
std::string short_duration(double seconds);

/// A progress line on stderr. Thread-compatible: call from one thread.
///
/// The ETA: a phase's remaining steps times the median time of its steps so far; phases not begun yet count with their
/// guess, scaled by measured/guessed time of those begun; parts not begun yet (part()) count as this one; all of it
/// times the seconds that passed so far for each second of steps. Shown as a range until 5 % of the run is done, and
/// not at all before the first step.
class Progress {
 public:
  /// Progress(style, out, terminal_of(out)).
  Progress(ProgressStyle style, std::FILE* out);
  Progress(ProgressStyle style, std::FILE* out, Terminal terminal);
  ~Progress();

  /// What is planned next is the part `number` (from 1) of `of` alike: the seeds of a run. Those before are done.
  void part(int64_t number, int64_t of);
  /// The whole plan of this part, up front, so that the bar doesn't jump and the ETA spans all phases.
  void plan(std::vector<PhasePlan> phases);
  /// Enters a phase (done phases before it count as finished). `done` steps of it were done by an earlier process, and
  /// it has `steps` where the plan could only guess; below 0, what was planned holds. A phase that was not planned is
  /// added.
  void begin(std::string_view phase, int64_t done = 0, int64_t steps = -1);
  /// `step` steps of the current phase are done; `facts` are the numbers worth showing, e.g. {"loss","1.83"}, the
  /// first one with a small curve.
  void step(int64_t step, const std::vector<std::pair<std::string, std::string>>& facts);
  /// The current phase is over, maybe before its planned steps (then the rest is taken out of the plan).
  void end();
  /// A line that stays (above the redrawn block).
  void say(std::string_view line);
  /// Erases the redrawn block; call before printing results.
  void finish();

  /// Seconds left as shown, or a negative number while unknown.
  double eta_seconds() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace hone::report
