#include "hone/text/pipeline/pipeline.h"

#include "hone/text/utf8.h"

#include <optional>

namespace hone::text::pipeline {
namespace {

// Ids of words that this call has seen: texts repeat their words, and looking one up is cheaper than merging it.
class WordCache {
 public:
  explicit WordCache(std::size_t text_bytes) {
    std::size_t slots = 64;
    while (slots < kMostSlots && slots < text_bytes / 8) slots *= 2;
    slots_.resize(slots);
  }

  // Appends the ids of `word`, which make(out) appends where it has not been seen.
  template <class Make>
  void get(std::string_view word, std::vector<int32_t>& out, Make make) {
    if (word.size() > kMostWordBytes) return make(out);
    const uint64_t hash = hash_bytes(word);
    Slot& slot = slots_[hash & (slots_.size() - 1)];
    if (slot.bytes == word.size() && slot.hash == hash && key(slot) == word) {
      out.insert(out.end(), ids_.begin() + slot.ids, ids_.begin() + slot.ids + slot.count);
      return;
    }
    const std::size_t before = out.size();
    make(out);
    const std::size_t count = out.size() - before;
    if (keys_.size() > kMostStored || ids_.size() > kMostStored) forget();
    slot = {hash, static_cast<uint32_t>(keys_.size()), static_cast<uint32_t>(ids_.size()),
            static_cast<uint16_t>(word.size()), static_cast<uint16_t>(count)};
    keys_ += word;
    ids_.insert(ids_.end(), out.begin() + static_cast<std::ptrdiff_t>(before), out.end());
  }

 private:
  struct Slot {
    uint64_t hash = 0;
    uint32_t text = 0, ids = 0;
    uint16_t bytes = 0, count = 0;  // no word has 0 bytes: a free slot
  };
  static constexpr std::size_t kMostSlots = 1 << 15, kMostWordBytes = 64, kMostStored = 1 << 20;

  std::string_view key(const Slot& slot) const { return std::string_view(keys_).substr(slot.text, slot.bytes); }
  void forget() {
    for (Slot& slot : slots_) slot = {};
    keys_.clear();
    ids_.clear();
  }

  std::vector<Slot> slots_;
  std::string keys_;
  std::vector<int32_t> ids_;
};

// One call of encode().
class Encoder {
 public:
  Encoder(const Pipeline& pipeline, std::size_t text_bytes, std::vector<int32_t>& out)
      : p_(pipeline), cache_(text_bytes), out_(out) {}

  void word(std::string_view text) {
    cache_.get(text, out_, [&](std::vector<int32_t>& out) {
      if (const auto* bpe = std::get_if<Bpe>(&p_.model)) return pipeline::encode(*bpe, p_.vocab, text, bpe_, out);
      if (const auto* gram = std::get_if<Unigram>(&p_.model))
        return pipeline::encode(*gram, p_.vocab, text, gram_, out);
      if (const auto* piece = std::get_if<WordPiece>(&p_.model)) return pipeline::encode(*piece, text, out);
      pipeline::encode(std::get<WordLevel>(p_.model), p_.vocab, text, out);
    });
  }

  // A part of the input between added tokens that are looked for before normalizing.
  void part(Piece raw, AddedMatcher::Specials specials) {
    if (p_.normalizers.empty() && p_.normalized_tokens.empty()) return piece(raw);
    const Normalized n = normalized(p_.normalizers, raw.text);
    const char* begin = n.text.data();
    p_.normalized_tokens.split(n.text, specials, [&](std::string_view text, int32_t id) {
      if (id >= 0) return out_.push_back(id);
      piece({text, raw.at_start && n.at_start && text.data() == begin});
    });
  }

 private:
  void piece(Piece whole) {
    pre_tokenize(p_.pre_tokenizers, whole, [&](Piece one) { word(one.text); });
  }

  const Pipeline& p_;
  WordCache cache_;
  BpeScratch bpe_;
  UnigramScratch gram_;
  std::vector<int32_t>& out_;
};

}  // namespace

std::vector<int32_t> encode(const Pipeline& pipeline, std::string_view text, AddedMatcher::Specials specials) {
  std::string repaired;
  if (!is_valid_utf8(text)) {
    repaired = repair_utf8(text);
    text = repaired;
  }
  std::vector<int32_t> ids;
  ids.reserve(text.size() / 4);
  Encoder encoder(pipeline, text.size(), ids);
  const char* begin = text.data();
  pipeline.raw_tokens.split(text, specials, [&](std::string_view part, int32_t id) {
    if (id >= 0) return ids.push_back(id);
    encoder.part({part, part.data() == begin}, specials);
  });
  return ids;
}

const std::string& decoded_token(const Pipeline& pipeline, int32_t id) {
  const auto found = pipeline.decoded_as.find(id);
  return found == pipeline.decoded_as.end() ? pipeline.vocab.text(id) : found->second;
}

}  // namespace hone::text::pipeline
