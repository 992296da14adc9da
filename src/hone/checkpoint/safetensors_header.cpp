#include "hone/checkpoint/json_events.h"
#include "hone/checkpoint/safetensors.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <numeric>
#include <optional>
#include <tuple>
#include <utility>

namespace hone::checkpoint {
namespace {

constexpr uint64_t kMaxHeaderBytes = 100'000'000;
constexpr std::size_t kMaxRank = 64;
// An entry costs some twenty times its shortest text, so that their number is bounded apart from the header's size.
constexpr std::size_t kMaxMetadata = 65'536;

struct DtypeRow {
  Dtype dtype;
  const char* name;
  int64_t bytes;
};

constexpr std::array<DtypeRow, 13> kDtypes = {{{Dtype::f32, "F32", 4},
                                               {Dtype::f16, "F16", 2},
                                               {Dtype::bf16, "BF16", 2},
                                               {Dtype::f64, "F64", 8},
                                               {Dtype::i64, "I64", 8},
                                               {Dtype::i32, "I32", 4},
                                               {Dtype::i16, "I16", 2},
                                               {Dtype::i8, "I8", 1},
                                               {Dtype::u8, "U8", 1},
                                               {Dtype::boolean, "BOOL", 1},
                                               {Dtype::u16, "U16", 2},
                                               {Dtype::u32, "U32", 4},
                                               {Dtype::u64, "U64", 8}}};

const DtypeRow& row_of(Dtype dtype) {
  const auto row = std::find_if(kDtypes.begin(), kDtypes.end(), [&](const DtypeRow& r) { return r.dtype == dtype; });
  require(row != kDtypes.end(), ErrorKind::internal, "no dtype has the number {}", static_cast<int>(dtype));
  return *row;
}

// Messages are put together after the test has failed: a header may have 10^6 tensors, and quoting a name is slow.
[[noreturn]] void fail_tensor(std::string_view where, std::string_view name, std::string_view what,
                              std::string_view remedy = "") {
  throw Error(ErrorKind::format, fmt::format("{}: tensor {} {}", where, quote_name(name), what), std::string(remedy));
}

// The three levels of a header: {"name": {"dtype": …, "shape": […], "data_offsets": […]}, "__metadata__": {…}}.
class HeaderReader : public JsonEvents {
 public:
  Header take() { return std::move(header_); }

  bool null() override {
    // The reference reader takes a null for "no metadata".
    if (at_ != At::root || !in_metadata_) refuse("null");
    return true;
  }

  bool number_unsigned(uint64_t value) override {
    if (at_ == At::shape && value <= uint64_t{std::numeric_limits<int64_t>::max()}) {
      tensor_.shape.push_back(static_cast<int64_t>(value));
      if (tensor_.shape.size() > kMaxRank) {
        fail_tensor(where(), tensor_.name, fmt::format("has more than {} dimensions", kMaxRank));
      }
      return true;
    }
    if (at_ != At::offsets || offsets_ == 2) refuse(fmt::format("{}", value));
    (offsets_++ == 0 ? tensor_.begin : tensor_.end) = value;
    return true;
  }

  bool string(std::string& value) override {
    if (at_ == At::metadata) {
      header_.metadata[key_] = std::move(value);
      return true;
    }
    if (at_ != At::tensor || key_ != "dtype") refuse("a string");
    const auto row = std::find_if(kDtypes.begin(), kDtypes.end(), [&](const DtypeRow& r) { return value == r.name; });
    if (row == kDtypes.end()) {
      fail_tensor(where(), tensor_.name, fmt::format("has the dtype {}, which hone does not read", quote_name(value)),
                  "convert the checkpoint to F32, F16 or BF16");
    }
    tensor_.dtype = row->dtype;
    return true;
  }

  bool start_object(std::size_t) override {
    if (at_ == At::start) {
      at_ = At::root;
    } else if (at_ == At::root) {
      at_ = in_metadata_ ? At::metadata : At::tensor;
    } else {
      refuse("an object");
    }
    return true;
  }

  bool key(std::string& name) override {
    if (at_ == At::root) {
      start_member(name);
    } else if (at_ == At::metadata) {
      if (header_.metadata.contains(name)) {
        fail(ErrorKind::format, "{}: \"__metadata__\" has the key {} twice", where(), quote_name(name));
      }
      require(header_.metadata.size() < kMaxMetadata, ErrorKind::format, "{}: \"__metadata__\" has more than {} keys",
              where(), kMaxMetadata);
      key_ = std::move(name);
    } else {
      start_field(name);
    }
    return true;
  }

  bool end_object() override {
    if (at_ == At::tensor) {
      if (!has_dtype_ || !has_shape_ || !has_offsets_) {
        fail_tensor(where(), tensor_.name, "lacks one of \"dtype\", \"shape\" and \"data_offsets\"");
      }
      header_.tensors.push_back(std::move(tensor_));
    }
    at_ = at_ == At::root ? At::start : At::root;
    return true;
  }

  bool start_array(std::size_t) override {
    if (at_ != At::tensor || key_ == "dtype") refuse("a list");
    at_ = key_ == "shape" ? At::shape : At::offsets;
    return true;
  }

  bool end_array() override {
    if (at_ == At::offsets && offsets_ != 2) refuse(fmt::format("{}", offsets_));
    at_ = At::tensor;
    return true;
  }

 private:
  enum class At { start, root, metadata, tensor, shape, offsets };

  void start_member(std::string& name) {
    in_metadata_ = name == "__metadata__";
    if (in_metadata_) {
      require(!has_metadata_, ErrorKind::format, "{}: \"__metadata__\" appears twice", where());
      has_metadata_ = true;
      return;
    }
    tensor_ = TensorInfo();
    tensor_.name = std::move(name);
    has_dtype_ = has_shape_ = has_offsets_ = false;
    offsets_ = 0;
  }

  void start_field(std::string& name) {
    bool* seen = name == "dtype" ? &has_dtype_ : name == "shape" ? &has_shape_ : &has_offsets_;
    if (seen == &has_offsets_ && name != "data_offsets") {
      fail_tensor(where(), tensor_.name, "has the unknown member " + quote_name(name));
    }
    if (*seen) fail_tensor(where(), tensor_.name, fmt::format("has the member {} twice", quote_name(name)));
    *seen = true;
    key_ = std::move(name);
  }

  std::string expected() const override {
    switch (at_) {
      case At::start:
        return "the header must be one JSON object";
      case At::root:
        return fmt::format("{} must be an object", in_metadata_ ? "\"__metadata__\"" : quote_name(tensor_.name));
      case At::metadata:
        return fmt::format("\"__metadata__\" must map texts to texts, at key {}", quote_name(key_));
      case At::shape:
        return fmt::format("tensor {}: \"shape\" must hold whole numbers below 2^63", quote_name(tensor_.name));
      case At::offsets:
        return fmt::format("tensor {}: \"data_offsets\" must be two whole numbers", quote_name(tensor_.name));
      case At::tensor:
        break;
    }
    return fmt::format("tensor {}: {} must be {}", quote_name(tensor_.name), quote_name(key_),
                       key_ == "dtype" ? "a string" : "a list");
  }

  Header header_;
  At at_ = At::start;
  TensorInfo tensor_;  // the one being read
  std::string key_;    // the member being read, of a tensor or of the metadata
  int offsets_ = 0;    // numbers of "data_offsets" seen
  bool in_metadata_ = false, has_metadata_ = false;
  bool has_dtype_ = false, has_shape_ = false, has_offsets_ = false;
};

// Bytes of a shape; nullopt when a product overflows. Zero sizes do not excuse an overflow among the others: strides
// are products of them too.
std::optional<uint64_t> bytes_of(std::span<const int64_t> shape, Dtype dtype) {
  uint64_t bytes = static_cast<uint64_t>(size_of(dtype));
  bool empty = false;
  for (const int64_t size : shape) {
    if (size < 0) return std::nullopt;
    empty = empty || size == 0;
    if (size > 0 && __builtin_mul_overflow(bytes, static_cast<uint64_t>(size), &bytes)) return std::nullopt;
  }
  if (bytes > uint64_t{std::numeric_limits<int64_t>::max()}) return std::nullopt;
  return empty ? 0 : bytes;
}

void check_size(const TensorInfo& tensor, std::string_view where) {
  if (tensor.begin > tensor.end) {
    fail_tensor(where, tensor.name,
                fmt::format("ends at {}, before it begins at {}", grouped(tensor.end), grouped(tensor.begin)));
  }
  const std::optional<uint64_t> bytes = bytes_of(tensor.shape, tensor.dtype);
  if (!bytes) {
    fail_tensor(where, tensor.name, fmt::format("of shape {} has more bytes than 2^63", shape_text(tensor.shape)));
  }
  const uint64_t given = tensor.end - tensor.begin;
  if (*bytes == given) return;
  fail_tensor(where, tensor.name,
              fmt::format("of shape {} and dtype {} needs {} bytes, its data_offsets give it {}",
                          shape_text(tensor.shape), name_of(tensor.dtype), grouped(*bytes), grouped(given)));
}

// Tensors, in order of their data, must cover `data_bytes` exactly, once.
void check_layout(const std::vector<TensorInfo>& tensors, uint64_t data_bytes, std::string_view where) {
  uint64_t covered = 0;
  for (const TensorInfo& tensor : tensors) {
    check_size(tensor, where);
    if (tensor.begin < covered) {
      fail_tensor(where, tensor.name,
                  fmt::format("begins at {}, but the tensors before it reach to {}: they overlap",
                              grouped(tensor.begin), grouped(covered)));
    }
    if (tensor.begin > covered) {
      fail_tensor(where, tensor.name,
                  fmt::format("begins at {}, but the tensors before it reach to {}: the bytes between belong to none",
                              grouped(tensor.begin), grouped(covered)));
    }
    if (tensor.end > data_bytes) {
      fail_tensor(where, tensor.name,
                  fmt::format("ends at {} but the file holds {} data bytes", grouped(tensor.end), grouped(data_bytes)),
                  "truncated download? download it again, or compare its SHA-256 with the source's");
    }
    covered = tensor.end;
  }
  if (covered == data_bytes) return;
  throw Error(ErrorKind::format,
              fmt::format("{}: the tensors end at {} but the file holds {} data bytes", where, grouped(covered),
                          grouped(data_bytes)),
              "something was appended to the file; get it again from its source");
}

std::vector<uint32_t> order_by_name(const std::vector<TensorInfo>& tensors, std::string_view where) {
  std::vector<uint32_t> order(tensors.size());
  std::iota(order.begin(), order.end(), 0u);
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return tensors[a].name < tensors[b].name; });
  const auto twice = std::adjacent_find(order.begin(), order.end(),
                                        [&](uint32_t a, uint32_t b) { return tensors[a].name == tensors[b].name; });
  if (twice != order.end()) fail_tensor(where, tensors[*twice].name, "appears twice");
  return order;
}

}  // namespace

const char* name_of(Dtype dtype) { return row_of(dtype).name; }

int64_t size_of(Dtype dtype) { return row_of(dtype).bytes; }

int64_t TensorInfo::elements() const {
  return std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<>());
}

const TensorInfo* Header::find(std::string_view name) const {
  const auto found = std::lower_bound(by_name.begin(), by_name.end(), name,
                                      [&](uint32_t index, std::string_view n) { return tensors[index].name < n; });
  return found == by_name.end() || tensors[*found].name != name ? nullptr : &tensors[*found];
}

uint64_t header_length(std::string_view head, uint64_t file_size, std::string_view where) {
  require(file_size >= 8 && head.size() >= 8, ErrorKind::format,
          "{}: holds {} bytes; a safetensors file begins with 8 bytes that give its header's length", where, file_size);
  uint64_t length = 0;
  for (int i = 7; i >= 0; --i) length = length << 8 | static_cast<unsigned char>(head[static_cast<std::size_t>(i)]);
  if (length > kMaxHeaderBytes) {
    throw Error(ErrorKind::format,
                fmt::format("{}: its first 8 bytes ask for a header of {} bytes; the format allows {}", where,
                            grouped(length), grouped(kMaxHeaderBytes)),
                "is it a safetensors file? (a pickle or a Git LFS pointer is not)");
  }
  if (length > file_size - 8) {
    throw Error(ErrorKind::format,
                fmt::format("{}: the header needs {} bytes after the first 8, the file holds {}", where,
                            grouped(length), grouped(file_size - 8)),
                "truncated download? download it again, or compare its SHA-256 with the source's");
  }
  return length;
}

Header parse_header(std::string_view head, uint64_t file_size, std::string_view where) {
  const uint64_t length = header_length(head, file_size, where);
  require(head.size() - 8 >= length, ErrorKind::format, "{}: only {} of {} header bytes could be read", where,
          head.size() - 8, length);
  const std::string_view text = head.substr(8, length);
  // nlohmann skips a byte order mark; the format has none.
  require(!text.starts_with("\xef\xbb\xbf"), ErrorKind::format, "{}: the header begins with a byte order mark", where);
  HeaderReader reader;
  reader.read(text, where, 8);
  Header header = reader.take();
  header.data_begin = 8 + length;
  // Ties are empty tensors, which may share an offset with each other and with the tensor that follows.
  std::sort(header.tensors.begin(), header.tensors.end(), [](const TensorInfo& a, const TensorInfo& b) {
    return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
  });
  header.by_name = order_by_name(header.tensors, where);
  check_layout(header.tensors, file_size - header.data_begin, where);
  return header;
}

uint64_t byte_count(const TensorData& tensor) {
  const std::optional<uint64_t> bytes = bytes_of(tensor.shape, tensor.dtype);
  if (bytes) return *bytes;
  fail(ErrorKind::internal, "tensor {} can't have the shape {}", quote_name(tensor.name), shape_text(tensor.shape));
}

}  // namespace hone::checkpoint
