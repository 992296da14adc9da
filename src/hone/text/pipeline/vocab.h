// Tokens by id and ids by token.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hone::text::pipeline {

/// A well-mixed hash of bytes.
uint64_t hash_bytes(std::string_view bytes);

/// A vocabulary. Ids may have holes. A value.
class Vocab {
 public:
  /// Whether find() gives a token: what a text must never become is only known to lookup().
  enum class Findable { no, yes };

  /// Gives `id` (≥ 0, not taken) its text. Of two ids with one text a findable one is found, and the later one of
  /// equals.
  void add(int32_t id, std::string text, Findable findable);
  bool has(int32_t id) const { return id >= 0 && id < size() && present_[static_cast<std::size_t>(id)] != 0; }
  /// The text of an id that is there.
  const std::string& text(int32_t id) const { return texts_[static_cast<std::size_t>(id)]; }
  /// The id of a findable text, or -1.
  int32_t find(std::string_view text) const;
  /// The id of any text, or -1.
  int32_t lookup(std::string_view text) const;
  /// One more than the largest id.
  int32_t size() const { return static_cast<int32_t>(texts_.size()); }
  const std::vector<std::string>& texts() const { return texts_; }

 private:
  std::size_t slot_of(std::string_view text) const;
  void grow();

  std::vector<std::string> texts_;
  std::vector<uint8_t> present_, findable_;
  std::vector<int32_t> slots_;  ///< open addressing; -1 for a free slot
  std::size_t count_ = 0;
};

}  // namespace hone::text::pipeline
