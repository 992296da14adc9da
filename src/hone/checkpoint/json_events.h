// JSON read as events instead of a tree. A safetensors header may be 100 MB of a stranger's text: a tree of it takes
// some thirty times as much memory, events take what is kept. (Small files go through base::parse_json.)
#pragma once

#include "hone/base/error.h"
#include "hone/base/json.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace hone::checkpoint {

/// A reader that refuses every event; a format derives from it and overrides those that it expects. Any event may
/// throw. The parser keeps its own stack of one bit a level, so depth costs no recursion.
class JsonEvents : public nlohmann::json_sax<Json> {
 public:
  /// Feeds one JSON value. `offset` is where `text` lies in its file, for errors.
  /// Errors: format, naming `where`.
  void read(std::string_view text, std::string_view where, uint64_t offset = 0) {
    where_ = where;
    offset_ = offset;
    if (text.empty()) text = std::string_view("", 0);
    // nlohmann takes a zero byte for the end of the text, whatever follows; JSON has none outside of escapes.
    const auto zero = text.find('\0');
    require(zero == std::string_view::npos, ErrorKind::format, "{}: not valid JSON at byte {}", where, offset + zero);
    const bool done = Json::sax_parse(text.data(), text.data() + text.size(), this);
    require(done, ErrorKind::internal, "{}: the JSON parser stopped without a reason", where);
  }

  bool null() override { refuse("null"); }
  bool boolean(bool) override { refuse("true or false"); }
  bool number_integer(int64_t value) override { refuse(fmt::format("{}", value)); }
  bool number_unsigned(uint64_t value) override { refuse(fmt::format("{}", value)); }
  bool number_float(double value, const std::string&) override { refuse(fmt::format("{}", value)); }
  bool string(std::string&) override { refuse("a string"); }
  bool binary(Json::binary_t&) override { refuse("binary data"); }
  bool start_object(std::size_t) override { refuse("an object"); }
  bool key(std::string&) override { refuse("a key"); }
  bool end_object() override { refuse("the end of an object"); }
  bool start_array(std::size_t) override { refuse("a list"); }
  bool end_array() override { refuse("the end of a list"); }
  bool parse_error(std::size_t position, const std::string&, const Json::exception&) override {
    fail(ErrorKind::format, "{}: not valid JSON at byte {}", where_, offset_ + (position == 0 ? 0 : position - 1));
  }

 protected:
  /// What is allowed at this point, e.g. `tensor "a": expected whole numbers in "shape"`.
  virtual std::string expected() const = 0;
  std::string_view where() const { return where_; }
  [[noreturn]] void refuse(std::string_view found) const {
    fail(ErrorKind::format, "{}: {}, found {}", where_, expected(), found);
  }

 private:
  std::string_view where_;
  uint64_t offset_ = 0;
};

}  // namespace hone::checkpoint
