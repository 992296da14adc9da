#include "hone/text/pipeline/read_sentence_piece.h"

#include "hone/base/error.h"
#include "hone/text/utf8.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <unordered_set>
#include <utility>

namespace hone::text::pipeline {
namespace {

enum class PieceType { normal = 1, unknown = 2, control = 3, user_defined = 4, unused = 5, byte = 6 };

struct SpmPiece {
  std::string text;
  float score = 0;
  PieceType type = PieceType::normal;
};

struct SpmFile {
  std::vector<SpmPiece> pieces;
  uint64_t model_type = 1;
  bool byte_fallback = false, space_suffix = false;
  std::string unk_surface = " \xE2\x81\x87 ";
  int64_t bos = 1, end = 2, pad = -1;
  std::string charsmap, denormalizer;
  bool add_dummy_prefix = true, remove_extra_whitespaces = true, escape_whitespaces = true;
};

// The fields of one protobuf message.
class Message {
 public:
  Message(std::string_view bytes, std::string_view where) : rest_(bytes), where_(where), size_(bytes.size()) {}

  struct Field {
    uint64_t number = 0, varint = 0;
    std::string_view bytes;
    uint32_t fixed = 0;
  };
  bool next(Field& field) {
    if (rest_.empty()) return false;
    const uint64_t tag = varint();
    field = {tag >> 3, 0, {}, 0};
    switch (tag & 7) {
      case 0:
        field.varint = varint();
        break;
      case 1:
        take(8);
        break;
      case 2:
        field.bytes = take(varint());
        break;
      case 5:
        for (const char c : take(4)) field.fixed = (field.fixed >> 8) | (uint32_t{static_cast<unsigned char>(c)} << 24);
        break;
      default:
        refuse("a field of an unknown kind");
    }
    return true;
  }

 private:
  [[noreturn]] void refuse(const char* what) const {
    fail(ErrorKind::format, "{}: not a SentencePiece model: {} at byte {} of a message of {} bytes", where_, what,
         size_ - rest_.size(), size_);
  }
  uint64_t varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (rest_.empty()) refuse("the end of the file");
      const auto byte = static_cast<unsigned char>(rest_[0]);
      rest_.remove_prefix(1);
      value |= uint64_t{byte & 0x7Fu} << shift;
      if (byte < 0x80) return value;
    }
    refuse("a number of over 64 bits");
  }
  std::string_view take(uint64_t bytes) {
    if (bytes > rest_.size()) refuse("the end of the file");
    const std::string_view taken = rest_.substr(0, static_cast<std::size_t>(bytes));
    rest_.remove_prefix(taken.size());
    return taken;
  }

  std::string_view rest_, where_;
  std::size_t size_;
};

SpmPiece read_piece(std::string_view bytes, std::string_view where) {
  SpmPiece piece;
  Message message(bytes, where);
  for (Message::Field field; message.next(field);) {
    if (field.number == 1) piece.text = field.bytes;
    if (field.number == 2) piece.score = std::bit_cast<float>(field.fixed);
    if (field.number == 3) {
      require(field.varint >= 1 && field.varint <= 6, ErrorKind::format, "{}: a piece of type {}; known are 1 to 6",
              where, field.varint);
      piece.type = static_cast<PieceType>(field.varint);
    }
  }
  require(std::isfinite(piece.score), ErrorKind::format, "{}: the score of piece {} is not finite", where,
          quote(piece.text));
  return piece;
}

void read_trainer(SpmFile& file, std::string_view bytes, std::string_view where) {
  Message message(bytes, where);
  for (Message::Field field; message.next(field);) {
    const auto id = static_cast<int64_t>(field.varint);
    switch (field.number) {
      case 3:
        file.model_type = field.varint;
        break;
      case 24:
        file.space_suffix = field.varint != 0;
        break;
      case 35:
        file.byte_fallback = field.varint != 0;
        break;
      case 41:
        file.bos = id;
        break;
      case 42:
        file.end = id;
        break;
      case 43:
        file.pad = id;
        break;
      case 44:
        file.unk_surface = field.bytes;
        break;
      default:
        break;
    }
  }
}

void read_normalizer(SpmFile& file, std::string_view bytes, std::string_view where) {
  Message message(bytes, where);
  for (Message::Field field; message.next(field);) {
    switch (field.number) {
      case 2:
        file.charsmap = field.bytes;
        break;
      case 3:
        file.add_dummy_prefix = field.varint != 0;
        break;
      case 4:
        file.remove_extra_whitespaces = field.varint != 0;
        break;
      case 5:
        file.escape_whitespaces = field.varint != 0;
        break;
      default:
        break;
    }
  }
}

SpmFile read_file(std::string_view bytes, std::string_view where) {
  SpmFile file;
  Message message(bytes, where);
  for (Message::Field field; message.next(field);) {
    if (field.number == 1) file.pieces.push_back(read_piece(field.bytes, where));
    if (field.number == 2) read_trainer(file, field.bytes, where);
    if (field.number == 3) read_normalizer(file, field.bytes, where);
    if (field.number == 5) {
      SpmFile other;
      read_normalizer(other, field.bytes, where);
      file.denormalizer = other.charsmap;
    }
  }
  return file;
}

void check(const SpmFile& file, std::string_view where) {
  require(!file.pieces.empty(), ErrorKind::format, "{}: not a SentencePiece model: it has no pieces", where);
  require(file.model_type == 1 || file.model_type == 2, ErrorKind::format,
          "{}: SentencePiece models of type {} are not supported; supported: 1 (Unigram), 2 (BPE)", where,
          file.model_type);
  require(!file.space_suffix, ErrorKind::format, "{}: treat_whitespace_as_suffix is not supported", where);
  require(file.denormalizer.empty(), ErrorKind::format, "{}: a denormalizer is not supported", where);
  std::unordered_set<std::string_view> seen;
  std::size_t unknown = 0;
  for (const SpmPiece& piece : file.pieces) {
    require(!piece.text.empty() && piece.text.size() <= ByteTrie::kMostKeyBytes && is_valid_utf8(piece.text),
            ErrorKind::format, "{}: piece {} is empty, over {} bytes or not UTF-8", where, quote(piece.text),
            ByteTrie::kMostKeyBytes);
    require(seen.insert(piece.text).second, ErrorKind::format, "{}: piece {} is there twice", where, quote(piece.text));
    unknown += piece.type == PieceType::unknown ? 1 : 0;
    require(file.model_type == 1 || piece.type != PieceType::unused, ErrorKind::format,
            "{}: piece {} is unused, which BPE models must not have here", where, quote(piece.text));
  }
  require(unknown == 1, ErrorKind::format, "{}: {} unknown pieces; a model has exactly one", where, unknown);
}

bool is_findable(const SpmPiece& piece) { return piece.type == PieceType::normal; }

ByteIds byte_ids(const Pipeline& p, const SpmFile& file) {
  ByteIds ids = no_byte_ids();
  for (std::size_t byte = 0; file.byte_fallback && byte < ids.size(); ++byte) {
    const int32_t id = p.vocab.lookup(fmt::format("<0x{:02X}>", byte));
    if (id >= 0 && file.pieces[static_cast<std::size_t>(id)].type == PieceType::byte) ids[byte] = id;
  }
  return ids;
}

int32_t unknown_id(const SpmFile& file) {
  const auto is_unknown = [](const SpmPiece& piece) { return piece.type == PieceType::unknown; };
  return static_cast<int32_t>(std::find_if(file.pieces.begin(), file.pieces.end(), is_unknown) - file.pieces.begin());
}

Unigram make_unigram(const Pipeline& p, const SpmFile& file) {
  Unigram made;
  made.single_precision = true;
  made.byte_fallback = file.byte_fallback;
  made.bytes = byte_ids(p, file);
  made.unk = unknown_id(file);
  float lowest = 0, highest = 0;
  bool any = false;
  for (const SpmPiece& piece : file.pieces) {
    if (piece.type != PieceType::normal) continue;
    lowest = any ? std::min(lowest, piece.score) : piece.score;
    highest = any ? std::max(highest, piece.score) : piece.score;
    any = true;
  }
  made.lowest = lowest;
  for (std::size_t id = 0; id < file.pieces.size(); ++id) {
    const SpmPiece& piece = file.pieces[id];
    const bool user = piece.type == PieceType::user_defined;
    // A user-defined piece outweighs any other cut of its text.
    made.scores.push_back(user ? static_cast<double>(static_cast<float>(piece.text.size()) * highest) - 0.1
                               : static_cast<double>(piece.score));
    if (user || is_findable(piece)) made.pieces.add(piece.text, static_cast<int32_t>(id));
  }
  return made;
}

// Merges: every way to put a piece together out of two, ranked by its score; equal scores have equal ranks.
Bpe make_bpe(const Pipeline& p, const SpmFile& file) {
  Bpe made;
  made.byte_fallback = file.byte_fallback;
  made.bytes = byte_ids(p, file);
  made.unk = unknown_id(file);
  made.fuse_unk = true;
  std::vector<float> scores;
  for (const SpmPiece& piece : file.pieces) scores.push_back(piece.score);
  std::sort(scores.begin(), scores.end(), std::greater<>());
  scores.erase(std::unique(scores.begin(), scores.end()), scores.end());
  for (std::size_t id = 0; id < file.pieces.size(); ++id) {
    const SpmPiece& piece = file.pieces[id];
    if (!is_findable(piece)) continue;
    const auto rank = std::lower_bound(scores.begin(), scores.end(), piece.score, std::greater<>()) - scores.begin();
    for (std::size_t at = 1; at < piece.text.size(); ++at) {
      if ((static_cast<unsigned char>(piece.text[at]) & 0xC0) == 0x80) continue;
      const int32_t left = p.vocab.find(std::string_view(piece.text).substr(0, at));
      const int32_t right = left < 0 ? -1 : p.vocab.find(std::string_view(piece.text).substr(at));
      if (right >= 0) made.merges.add(left, right, {static_cast<uint32_t>(rank), static_cast<int32_t>(id)});
    }
  }
  return made;
}

void add_pieces(Pipeline& p, const SpmFile& file, SentencePieceNormalizer& normalizer, std::string_view where) {
  for (std::size_t at = 0; at < file.pieces.size(); ++at) {
    const SpmPiece& piece = file.pieces[at];
    const auto id = static_cast<int32_t>(at);
    p.vocab.add(id, piece.text, is_findable(piece) ? Vocab::Findable::yes : Vocab::Findable::no);
    const bool control = piece.type == PieceType::control;
    p.special.push_back(control ? 1 : 0);
    if (piece.type == PieceType::unknown) p.decoded_as[id] = file.unk_surface;
    AddedToken token;
    token.id = id;
    token.special = control;
    if (control) p.raw_tokens.add(token, piece.text, where);
    if (piece.type == PieceType::user_defined) {
      normalizer.kept.add(piece.text, id);
      if (file.model_type == 2) p.normalized_tokens.add(token, piece.text, where);
    }
  }
}

int32_t role(int64_t id, const SpmFile& file) {
  return id >= 0 && id < static_cast<int64_t>(file.pieces.size()) ? static_cast<int32_t>(id) : -1;
}

}  // namespace

Pipeline read_sentence_piece(std::string_view model, std::string_view where, PieceRoles& roles) {
  const SpmFile file = read_file(model, where);
  check(file, where);
  Pipeline p;
  SentencePieceNormalizer normalizer;
  if (!file.charsmap.empty()) normalizer.charsmap = Charsmap(file.charsmap, where);
  normalizer.add_dummy_prefix = file.add_dummy_prefix;
  normalizer.remove_extra_whitespaces = file.remove_extra_whitespaces;
  normalizer.escape_whitespaces = file.escape_whitespaces;
  add_pieces(p, file, normalizer, where);
  p.normalizers = {std::move(normalizer)};
  if (file.model_type == 1) {
    p.model = make_unigram(p, file);
  } else {
    p.model = make_bpe(p, file);
  }
  p.decoders = {
      SentencePieceDecoder{file.add_dummy_prefix || file.remove_extra_whitespaces, file.remove_extra_whitespaces}};
  roles = {role(file.bos, file), role(file.end, file), role(file.pad, file)};
  return p;
}

}  // namespace hone::text::pipeline
