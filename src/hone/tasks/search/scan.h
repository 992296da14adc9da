// Reads the parts of a trace's line from left to right; for trace.cpp and compact.cpp.
#pragma once

#include "hone/tasks/search/trace.h"

namespace hone::tasks::search {

inline constexpr std::size_t kMostDigits = 18;   ///< fits in 64 bits
inline constexpr std::size_t kMostMembers = 64;  ///< of a list: far above any search that can be walked
inline constexpr std::size_t kDeepest = 16;      ///< operations on the way to a node

/// "-12": an optional sign and 1 to kMostDigits digits, the whole of `text`; false otherwise.
bool read_number(std::string_view text, int64_t& value);

/// A rest of a line. Every reader takes what it read off the front, or says false.
class Scanner {
 public:
  explicit Scanner(std::string_view line) : rest_(line) {}

  bool done() const { return rest_.empty(); }
  bool skip(std::string_view mark);
  bool number(int64_t& value);
  bool list(Numbers& numbers);                                 ///< [4, 9, 3]
  bool node(NodeId& id);                                       ///< 0,2,1
  bool operation(Operation& operation);                        ///< 9-4=5
  bool quoted_operations(std::vector<Operation>& operations);  ///< ['9-4=5', '3+5=8']

 private:
  std::string_view rest_;
};

}  // namespace hone::tasks::search
