// A search as a tree to follow: what was tried, in which order, where it ended, and the way to the goal.
#pragma once

#include "hone/base/json.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hone::report {

/// One state of a search. Parents come before their children.
struct SearchNode {
  int64_t parent = -1;   ///< index; -1 for a root
  std::string text;      ///< "3 5": the state
  std::string by;        ///< "9-4=5": how it was made; empty for a root
  std::string end;       ///< "open", "goal" or "dead_end"
  bool faulty = false;   ///< a mistake was made here
  bool on_path = false;  ///< on the way to the goal
};

struct SearchDrawing {
  std::vector<SearchNode> nodes;  ///< in the order in which they were tried
  std::string goal;               ///< "24": what was looked for
  int64_t left_out = 0;           ///< nodes that are not among `nodes`
};

/// The drawing in `json`: {"target", "nodes": [{"parent", "text", "by", "end", "faulty", "on_path"}], "left_out"}.
/// Total: what is not as it should be is left out, of more than 160 nodes the rest.
SearchDrawing search_drawing(const Json& json);

/// The tree from left to right: a row a leaf, a column an operation, states numbered in the order in which they were
/// tried. Dead ends, mistakes and the goal have words and signs besides their colours. Levels beyond the tenth share
/// its column.
std::string search_svg(const SearchDrawing& drawing, std::string_view title);

}  // namespace hone::report
