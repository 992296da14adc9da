#include "hone/base/json.h"

#include "hone/base/error.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <utility>
#include <vector>

namespace hone::base {
namespace {

// Reads the text and leaves the address of the next unread byte where the handler can see it: nlohmann's events
// carry no offsets.
class Reader {
 public:
  using iterator_category = std::forward_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  Reader(const char* at, const char** next) : at_(at), next_(next) {}
  reference operator*() const { return *at_; }
  Reader& operator++() {
    *next_ = ++at_;
    return *this;
  }
  Reader operator++(int) {
    Reader old = *this;
    ++*this;
    return old;
  }
  bool operator==(const Reader& other) const { return at_ == other.at_; }
  bool operator!=(const Reader& other) const { return at_ != other.at_; }

 private:
  const char* at_;
  const char** next_;
};

// Builds the value bottom-up with an explicit stack. Members of an object are gathered aside and checked for
// duplicates once, by sorting: nlohmann's ordered map looks every new key up linearly, which is quadratic in the
// size of a vocabulary, and copies whole subtrees whenever it grows.
class Builder : public nlohmann::json_sax<Json> {
 public:
  Builder(std::string_view text, std::string_view where) : next(text.data()), text_(text), where_(where) {}

  bool null() override { return add(Json(nullptr)); }
  bool boolean(bool value) override { return add(Json(value)); }
  bool number_integer(int64_t value) override { return add(Json(value)); }
  bool number_unsigned(uint64_t value) override { return add(Json(value)); }
  bool number_float(double value, const std::string&) override { return add(Json(value)); }
  bool string(std::string& value) override { return add(Json(std::move(value))); }
  bool binary(Json::binary_t&) override { return false; }
  bool start_object(std::size_t) override { return open(); }
  bool start_array(std::size_t) override { return open(); }

  bool key(std::string& name) override {
    frames_.back().members.push_back({std::move(name), offset(), Json()});
    return true;
  }

  bool end_array() override {
    Json::array_t items = std::move(frames_.back().items);
    frames_.pop_back();
    return add(Json(std::move(items)));
  }

  bool end_object() override {
    std::vector<Member> members = std::move(frames_.back().members);
    frames_.pop_back();
    refuse_duplicates(members);
    Json object = Json::object();
    auto& map = object.get_ref<Json::object_t&>();
    map.reserve(members.size());
    Json::object_t::Container& pairs = map;
    for (Member& member : members) pairs.emplace_back(std::move(member.key), std::move(member.value));
    return add(std::move(object));
  }

  bool parse_error(std::size_t position, const std::string&, const Json::exception& error) override {
    std::string reason = error.what();
    if (const auto id_end = reason.find("] "); id_end != std::string::npos) reason.erase(0, id_end + 2);
    if (const auto colon = reason.find(": "); reason.starts_with("parse error") && colon != std::string::npos) {
      reason.erase(0, colon + 2);
    }
    // What was read last repeats the input, of any length.
    const auto repeated = std::min(reason.find("; last read"), reason.find(" parsing '"));
    if (repeated != std::string::npos) reason.erase(repeated);
    const std::size_t at = std::min(position == 0 ? 0 : position - 1, text_.size());
    fail(ErrorKind::format, "{}: not valid JSON at byte {}: {}", where_, at, reason);
  }

  Json take() { return std::move(root_); }

  const char* next;  ///< kept current by Reader

 private:
  struct Member {
    std::string key;
    std::size_t offset;
    Json value;
  };
  struct Frame {
    std::vector<Member> members;
    Json::array_t items;
  };

  std::size_t offset() const { return static_cast<std::size_t>(next - text_.data()); }

  bool open() {
    require(frames_.size() < static_cast<std::size_t>(kMaxJsonDepth), ErrorKind::format,
            "{}: JSON nested deeper than {} levels at byte {}", where_, kMaxJsonDepth, offset() - 1);
    frames_.emplace_back();
    return true;
  }

  bool add(Json value) {
    if (frames_.empty()) {
      root_ = std::move(value);
    } else if (Frame& top = frames_.back(); !top.members.empty()) {
      top.members.back().value = std::move(value);  // an open object: the grammar puts a key before every value
    } else {
      top.items.push_back(std::move(value));
    }
    return true;
  }

  void refuse_duplicates(const std::vector<Member>& members) const {
    std::vector<const Member*> order(members.size());
    std::transform(members.begin(), members.end(), order.begin(), [](const Member& m) { return &m; });
    std::sort(order.begin(), order.end(), [](const Member* a, const Member* b) {
      return std::pair(std::string_view(a->key), a->offset) < std::pair(std::string_view(b->key), b->offset);
    });
    const auto twice = std::adjacent_find(order.begin(), order.end(),
                                          [](const Member* a, const Member* b) { return a->key == b->key; });
    if (twice == order.end()) return;
    fail(ErrorKind::format, "{}: key {} appears twice in one object, the second time before byte {}", where_,
         dump(Json((*twice)->key.substr(0, 80))), (*std::next(twice))->offset);
  }

  std::string_view text_, where_;
  std::vector<Frame> frames_;
  Json root_;
};

const Json* member(const Json& object, std::string_view key, std::string_view where) {
  require(object.is_object(), ErrorKind::format, "{}: expected an object with key \"{}\", found {}", where, key,
          object.type_name());
  const auto it = object.find(std::string(key));
  return it == object.end() ? nullptr : &*it;
}

// nullptr when the key is absent or null.
const Json* value_of(const Json& object, std::string_view key, std::string_view where) {
  const Json* value = member(object, key, where);
  return value == nullptr || value->is_null() ? nullptr : value;
}

// A value as an error shows it: containers by kind, scalars shortened.
std::string shown(const Json& value) {
  if (value.is_array()) return "an array";
  if (value.is_object()) return "an object";
  if (value.is_string() && value.get_ref<const std::string&>().size() > 60) {
    return dump(Json(value.get_ref<const std::string&>().substr(0, 60))) + "…";
  }
  return dump(value);
}

[[noreturn]] void fail_type(const Json& value, std::string_view key, std::string_view expected,
                            std::string_view where) {
  fail(ErrorKind::format, "{}: \"{}\" is {}; expected {}", where, key, shown(value), expected);
}

[[noreturn]] void fail_missing(std::string_view key, std::string_view expected, std::string_view where) {
  fail(ErrorKind::format, "{}: key \"{}\" is missing; expected {}", where, key, expected);
}

int64_t checked_int(const Json& value, std::string_view key, int64_t min, int64_t max, std::string_view where) {
  const std::string expected = fmt::format("an integer from {} to {}", min, max);
  if (!value.is_number_integer()) fail_type(value, key, expected, where);
  // Unsigned values come first: get<int64_t> would wrap those from 2^63 on.
  if (value.is_number_unsigned() && value.get<uint64_t>() > uint64_t{std::numeric_limits<int64_t>::max()}) {
    fail_type(value, key, expected, where);
  }
  const int64_t number = value.get<int64_t>();
  if (number < min || number > max) fail_type(value, key, expected, where);
  return number;
}

const std::string& checked_string(const Json& value, std::string_view key, std::string_view where) {
  if (!value.is_string()) fail_type(value, key, "a string", where);
  return value.get_ref<const std::string&>();
}

}  // namespace

Json parse_json(std::string_view text, std::string_view where) {
  if (text.data() == nullptr) text = "";
  // The parser would take a NUL for the end of the text.
  const auto nul = text.find('\0');
  require(nul == std::string_view::npos, ErrorKind::format, "{}: not valid JSON at byte {}: a NUL byte", where, nul);
  Builder builder(text, where);
  const bool done = Json::sax_parse(Reader(text.data(), &builder.next),
                                    Reader(text.data() + text.size(), &builder.next), &builder);
  require(done, ErrorKind::internal, "{}: the JSON parser stopped without a reason", where);
  return builder.take();
}

int64_t get_int(const Json& object, std::string_view key, int64_t min, int64_t max, std::string_view where) {
  const Json* value = member(object, key, where);
  if (value == nullptr) fail_missing(key, fmt::format("an integer from {} to {}", min, max), where);
  return checked_int(*value, key, min, max, where);
}

int64_t get_int_or(const Json& object, std::string_view key, int64_t fallback, int64_t min, int64_t max,
                   std::string_view where) {
  const Json* value = value_of(object, key, where);
  return value == nullptr ? fallback : checked_int(*value, key, min, max, where);
}

double get_number_or(const Json& object, std::string_view key, double fallback, std::string_view where) {
  const Json* value = value_of(object, key, where);
  if (value == nullptr) return fallback;
  if (!value->is_number()) fail_type(*value, key, "a number", where);
  const double number = value->get<double>();
  if (!std::isfinite(number)) fail_type(*value, key, "a finite number", where);
  return number;
}

std::string get_string(const Json& object, std::string_view key, std::string_view where) {
  const Json* value = member(object, key, where);
  if (value == nullptr) fail_missing(key, "a string", where);
  return checked_string(*value, key, where);
}

std::string get_string_or(const Json& object, std::string_view key, std::string_view fallback,
                          std::string_view where) {
  const Json* value = value_of(object, key, where);
  return value == nullptr ? std::string(fallback) : checked_string(*value, key, where);
}

bool get_bool_or(const Json& object, std::string_view key, bool fallback, std::string_view where) {
  const Json* value = value_of(object, key, where);
  if (value == nullptr) return fallback;
  if (!value->is_boolean()) fail_type(*value, key, "true or false", where);
  return value->get<bool>();
}

Json finite_or_null(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

std::string dump(const Json& value, int indent) {
  return value.dump(indent, ' ', false, Json::error_handler_t::replace);
}

}  // namespace hone::base
