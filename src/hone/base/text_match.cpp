#include "hone/base/text_match.h"

#include <algorithm>
#include <array>

namespace hone::base {
namespace {

constexpr std::size_t kMaxBytes = 64;
constexpr std::size_t kMaxListed = 12;

}  // namespace

int edit_distance(std::string_view a, std::string_view b) {
  a = a.substr(0, kMaxBytes);
  b = b.substr(0, kMaxBytes);
  // Three rows of the table: distance[j] is that of the first i bytes of a and the first j bytes of b.
  std::array<std::array<int, kMaxBytes + 1>, 3> rows{};
  auto *before = &rows[0], *above = &rows[1], *row = &rows[2];
  for (std::size_t j = 0; j <= b.size(); ++j) (*above)[j] = static_cast<int>(j);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    (*row)[0] = static_cast<int>(i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const int changed = (*above)[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      int best = std::min({(*above)[j] + 1, (*row)[j - 1] + 1, changed});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        best = std::min(best, (*before)[j - 2] + 1);
      }
      (*row)[j] = best;
    }
    std::swap(before, above);
    std::swap(above, row);
  }
  return (*above)[b.size()];
}

std::string nearest(std::string_view word, std::span<const std::string> candidates) {
  const int allowed = std::max(2, static_cast<int>(std::min(word.size(), kMaxBytes)) / 3);
  int best = allowed + 1;
  std::string_view found;
  for (const std::string& candidate : candidates) {
    const int distance = edit_distance(word, candidate);
    // Of short words two edits leave nothing.
    const int longer = static_cast<int>(std::min(std::max(word.size(), candidate.size()), kMaxBytes));
    if (distance < best && 2 * distance <= longer) best = distance, found = candidate;
  }
  return std::string(found);
}

std::string suggestion(std::string_view word, std::span<const std::string> candidates) {
  if (candidates.empty()) return "";
  if (const std::string near = nearest(word, candidates); !near.empty()) return "; did you mean \"" + near + "\"?";
  std::string text = "; known: ";
  for (std::size_t i = 0; i < std::min(candidates.size(), kMaxListed); ++i) {
    if (i > 0) text += ", ";
    text += candidates[i];
  }
  if (candidates.size() > kMaxListed) text += ", …";
  return text;
}

}  // namespace hone::base
