// A toy world of helpfulness: five of forty things are asked for, and a response names some, one word each with commas
// between them. What a response is worth is known exactly (the gold reward), so that a reward model learnt from choices
// between responses can be held against it.
//   prompt      please salt tea rice soap wine :
//   response    salt , tea , rice , soap , wine
#pragma once

#include "hone/base/options.h"
#include "hone/base/rng.h"
#include "hone/tasks/problem.h"
#include "hone/text/stop.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hone::tasks {

inline constexpr int64_t kHelpfulItems = 40;    ///< that there are
inline constexpr int64_t kHelpfulRequests = 5;  ///< that a prompt asks for

/// The request for the items of these numbers, in this order: id "helpful:3,17,0,39,8", `numbers` the items, `answer`
/// the best response. Errors: usage unless they are kHelpfulRequests different numbers in [0, kHelpfulItems).
Problem make_helpful(std::span<const int64_t> items);

/// `count` requests drawn independently, in random order. `held_out` ones ask for sets of items that no other asks for:
/// a hash of the set decides, one in ten. Errors: usage for a negative count.
enum class HelpfulSplit { train, held_out };
std::vector<Problem> draw_helpful(HelpfulSplit split, int64_t count, Rng rng);

/// What a response holds.
struct HelpfulParts {
  int64_t requested = 0;    ///< different items that were asked for
  int64_t unrequested = 0;  ///< different items that were not
  int64_t repeated = 0;     ///< items that had stood before
  int64_t words = 0;        ///< items, commas and whatever else; the end token is none
  int64_t ended = 0;        ///< 1 if it ended by itself right after an item
};

/// Total: any text is a response. `finish` says whether it ended by itself.
HelpfulParts helpful_parts(const Problem& problem, std::string_view response, text::Finish finish);

/// The gold reward: requested − 0.5 unrequested − 0.3 repeated − 0.02 (words beyond 12) + 0.5 ended; 5.5 at best.
double helpful_reward(const HelpfulParts& parts);

/// How carelessly demonstrations are written. Annotators differ in care, and stop the more readily the more of the
/// request they have met: so a response says something of who wrote it, and its end of how good it is, as with people.
struct AnnotatorOptions {
  double care = 0.6, spread = 0.3, repeat = 0.05, unfinished = 0.1;

  void visit(base::OptionVisitor& v) {
    v.field("care", care,
            {.help = "chance that the next item is the next requested one, not an unrequested one",
             .min = 0,
             .max = 1,
             .source = "card: about 60 % of the items"});
    v.field("spread", spread,
            {.help = "each annotator has a chance of their own, up to so much above or below", .min = 0, .max = 1});
    v.field("repeat", repeat, {.help = "chance that an item is one that stood before", .min = 0, .max = 1});
    v.field("unfinished", unfinished, {.help = "chance that it ends in a comma", .min = 0, .max = 1});
  }
};

/// What an annotator writes for a request: one to eight items, requested ones in the order they were asked for. After
/// an item they stop with a chance of 5, 5, 10, 25, 50 or 90 % when 0 to 5 requested ones are written.
std::string annotated(const Problem& problem, const AnnotatorOptions& options, Rng rng);

/// P(a is chosen over b) = σ(a − b): the coin that labels a pair of rewards.              [Bradley & Terry 1952]
double chosen_probability(double a, double b);

/// The words of all of this, for a symbol vocabulary.
std::vector<std::string> helpful_words();

}  // namespace hone::tasks
