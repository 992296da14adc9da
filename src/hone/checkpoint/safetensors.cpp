#include "hone/checkpoint/safetensors.h"

#include "hone/base/error.h"
#include "hone/base/json.h"
#include "hone/checkpoint/half.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <utility>

namespace hone::checkpoint {
namespace {

static_assert(std::endian::native == std::endian::little, "tensors are stored little-endian and read as they lie");

constexpr std::size_t kPieceBytes = 256 * 1024;

Header read_header(const InFile& file) {
  std::string head(std::min<uint64_t>(8, file.size()), '\0');
  file.read(0, std::as_writable_bytes(std::span(head)));
  const std::string where = file.path().string();
  const uint64_t length = header_length(head, file.size(), where);
  head.resize(8 + length);
  file.read(8, std::as_writable_bytes(std::span(head).subspan(8)));
  return parse_header(head, file.size(), where);
}

template <class Stored, class Convert>
void convert(const std::byte* from, std::span<float> out, Convert&& to_float) {
  for (std::size_t i = 0; i < out.size(); ++i) {
    Stored value;
    std::memcpy(&value, from + i * sizeof(Stored), sizeof(Stored));
    out[i] = to_float(value);
  }
}

void convert(Dtype dtype, const std::byte* from, std::span<float> out) {
  const auto cast = [](auto value) { return static_cast<float>(value); };
  switch (dtype) {
    case Dtype::f32:
      return convert<float>(from, out, cast);
    case Dtype::f16:
      return convert<uint16_t>(from, out, half_to_float);
    case Dtype::bf16:
      return convert<uint16_t>(from, out, bfloat16_to_float);
    case Dtype::f64:
      return convert<double>(from, out, cast);
    case Dtype::i64:
      return convert<int64_t>(from, out, cast);
    case Dtype::i32:
      return convert<int32_t>(from, out, cast);
    case Dtype::i16:
      return convert<int16_t>(from, out, cast);
    case Dtype::i8:
      return convert<int8_t>(from, out, cast);
    case Dtype::u8:
      return convert<uint8_t>(from, out, cast);
    case Dtype::u16:
      return convert<uint16_t>(from, out, cast);
    case Dtype::u32:
      return convert<uint32_t>(from, out, cast);
    case Dtype::u64:
      return convert<uint64_t>(from, out, cast);
    case Dtype::boolean:
      return convert<uint8_t>(from, out, [](uint8_t byte) { return byte != 0 ? 1.0f : 0.0f; });
  }
}

void refuse_non_finite(std::span<const float> values, const TensorInfo& tensor, const std::filesystem::path& path) {
  const auto bad = std::find_if_not(values.begin(), values.end(), is_finite_bits);
  if (bad == values.end()) return;
  throw Error(ErrorKind::numeric,
              fmt::format("{}: tensor {} ({}) is {} at element {} of {}", path.string(), quote_name(tensor.name),
                          name_of(tensor.dtype), *bad, grouped(static_cast<uint64_t>(bad - values.begin())),
                          grouped(values.size())),
              "the file is damaged, or the run that wrote it had diverged");
}

// A text as JSON; unlike base::dump, bytes that are not UTF-8 are an error: replacing them would rename a tensor.
std::string json_text(const std::string& text) {
  try {
    return Json(text).dump();
  } catch (const Json::type_error&) {
    fail(ErrorKind::internal, "{} is not UTF-8 and can't be written to a safetensors header", quote_name(text));
  }
}

std::string header_text(const std::vector<TensorData>& tensors, const std::map<std::string, std::string>& metadata) {
  std::string text = "{";
  if (!metadata.empty()) {
    text += "\"__metadata__\":{";
    for (const auto& [key, value] : metadata) text += json_text(key) + ":" + json_text(value) + ",";
    text.back() = '}';
    text += ',';
  }
  uint64_t begin = 0;
  for (const TensorData& tensor : tensors) {
    const uint64_t end = begin + byte_count(tensor);
    require(end >= begin, ErrorKind::internal, "the tensors have more bytes than 2^64");
    text += fmt::format(R"({}:{{"dtype":"{}","shape":[{}],"data_offsets":[{},{}]}},)", json_text(tensor.name),
                        name_of(tensor.dtype), fmt::join(tensor.shape, ","), begin, end);
    begin = end;
  }
  if (text.back() == ',') text.pop_back();
  text += '}';
  text.append((8 - text.size() % 8) % 8, ' ');
  return text;
}

void check_names(const std::vector<TensorData>& tensors) {
  std::vector<std::string_view> names;
  for (const TensorData& tensor : tensors) {
    require(tensor.name != "__metadata__", ErrorKind::internal, "no tensor can be named \"__metadata__\"");
    if (tensor.data == nullptr && byte_count(tensor) > 0) {
      fail(ErrorKind::internal, "tensor {} has no data", quote_name(tensor.name));
    }
    names.push_back(tensor.name);
  }
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  if (twice != names.end()) fail(ErrorKind::internal, "tensor {} is to be written twice", quote_name(*twice));
}

}  // namespace

SafetensorsFile::SafetensorsFile(const std::filesystem::path& path) : file_(path), header_(read_header(file_)) {}

void SafetensorsFile::read(const TensorInfo& tensor, std::span<std::byte> out) const {
  require(out.size() == tensor.end - tensor.begin, ErrorKind::internal, "{}: tensor {} has {} bytes, {} were asked for",
          path().string(), quote_name(tensor.name), tensor.end - tensor.begin, out.size());
  file_.read(header_.data_begin + tensor.begin, out);
}

bool SafetensorsFile::same_bytes(const TensorInfo& tensor, const SafetensorsFile& other,
                                 const TensorInfo& of_other) const {
  const uint64_t size = tensor.end - tensor.begin;
  if (size != of_other.end - of_other.begin) return false;
  std::vector<std::byte> a(std::min<uint64_t>(kPieceBytes, size)), b(a.size());
  for (uint64_t done = 0; done < size;) {
    const std::size_t count = std::min<uint64_t>(a.size(), size - done);
    file_.read(header_.data_begin + tensor.begin + done, std::span(a).first(count));
    other.file_.read(other.header_.data_begin + of_other.begin + done, std::span(b).first(count));
    if (!std::equal(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(count), b.begin())) return false;
    done += count;
  }
  return true;
}

void SafetensorsFile::read_floats(const TensorInfo& tensor, std::span<float> out, NonFinite policy) const {
  require(out.size() == static_cast<uint64_t>(tensor.elements()), ErrorKind::internal,
          "{}: tensor {} has {} elements, {} were asked for", path().string(), quote_name(tensor.name),
          tensor.elements(), out.size());
  if (tensor.dtype == Dtype::f32) {
    read(tensor, std::as_writable_bytes(out));
  } else {
    const std::size_t size = static_cast<std::size_t>(size_of(tensor.dtype));
    std::vector<std::byte> piece(std::min(kPieceBytes, out.size() * size));
    for (std::size_t done = 0; done < out.size();) {
      const std::size_t count = std::min(kPieceBytes / size, out.size() - done);
      file_.read(header_.data_begin + tensor.begin + done * size, std::span(piece).first(count * size));
      convert(tensor.dtype, piece.data(), out.subspan(done, count));
      done += count;
    }
  }
  if (policy == NonFinite::refuse) refuse_non_finite(out, tensor, path());
}

void write_safetensors(const std::filesystem::path& path, std::vector<TensorData> tensors,
                       const std::map<std::string, std::string>& metadata, base::Sha256* hash) {
  std::sort(tensors.begin(), tensors.end(), [](const TensorData& a, const TensorData& b) {
    return std::pair(-size_of(a.dtype), std::string_view(a.name)) <
           std::pair(-size_of(b.dtype), std::string_view(b.name));
  });
  check_names(tensors);
  const std::string header = header_text(tensors, metadata);
  std::array<char, 8> length;
  for (std::size_t i = 0; i < length.size(); ++i) length[i] = static_cast<char>(header.size() >> (8 * i));
  // What parse_header would refuse is not written either.
  header_length(std::string_view(length.data(), length.size()), 8 + header.size(), path.string());
  OutFile file(path, hash);
  file.add(std::string_view(length.data(), length.size()));
  file.add(header);
  for (const TensorData& tensor : tensors) {
    file.add(std::string_view(static_cast<const char*>(tensor.data), byte_count(tensor)));
  }
  file.close();
}

}  // namespace hone::checkpoint
