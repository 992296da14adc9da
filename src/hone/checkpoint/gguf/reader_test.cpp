// Reading against writing, and hostile files.
#include "hone/checkpoint/gguf/format.h"
#include "hone/checkpoint/test_files.h"

#include <cstring>

namespace hone::checkpoint::gguf {
namespace {

Metadata all_kinds() {
  Value i8s{ValueType::array, ValueType::i8, std::vector<int64_t>{-128, 127}};
  Value u64{ValueType::u64, ValueType::u32, std::vector<uint64_t>{UINT64_MAX}};
  Value i16{ValueType::i16, ValueType::u32, std::vector<int64_t>{-300}};
  Value f64{ValueType::f64, ValueType::u32, std::vector<double>{0.1}};
  return {{"general.architecture", of_text("llama")},
          {"a", of_u32(7)},
          {"b", of_f32(1.5f)},
          {"c", of_bool(true)},
          {"d", of_texts({"x", "", "é"})},
          {"e", of_i32s({-1, 2})},
          {"f", i8s},
          {"g", u64},
          {"h", i16},
          {"i", f64}};
}

std::string written(const Metadata& metadata, const std::vector<Tensor>& tensors) {
  const TempFolder folder;
  write(folder / "x.gguf", metadata, tensors, [&](std::size_t index, const auto& add) {
    add(std::string(static_cast<std::size_t>(byte_count(tensors[index])), static_cast<char>('a' + index)));
  });
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1) << "a temporary file is left";
  return read_bytes(folder / "x.gguf");
}

Header parse(const std::string& bytes) {
  return parse_header({bytes.size(),
                       [&](uint64_t at, std::span<std::byte> out) {
                         ASSERT_LE(at + out.size(), bytes.size());
                         std::memcpy(out.data(), bytes.data() + at, out.size());
                       }},
                      "t.gguf");
}

std::vector<Tensor> two_tensors() {
  return {
      {"token_embd.weight", TensorType::f32, {3, 5}}, {"q", TensorType::q8_0, {2, 64}}, {"n", TensorType::f16, {7}}};
}

TEST(Gguf, WhatIsWrittenIsRead) {
  const std::string bytes = written(all_kinds(), two_tensors());
  const Header header = parse(bytes);
  EXPECT_EQ(header.metadata, all_kinds());
  ASSERT_EQ(header.tensors.size(), 3u);
  EXPECT_EQ(header.tensors[0].shape, (std::vector<int64_t>{3, 5}));
  // 3·5·4 = 60 bytes, padded to 64; 2·64/32·34 = 136 bytes, padded to 160.
  EXPECT_EQ(header.tensors[1].begin, 64u);
  EXPECT_EQ(header.tensors[1].bytes, 136u);
  EXPECT_EQ(header.tensors[2].begin, 224u);
  EXPECT_EQ(header.data_begin % 32, 0u);
  EXPECT_EQ(bytes.substr(header.data_begin, 2), "aa");
  EXPECT_EQ(bytes.substr(header.data_begin + 64, 2), "bb");
  EXPECT_EQ(bytes.size(), header.data_begin + 224 + 32);
}

TEST(Gguf, EveryCutAndEveryFlippedByteEndsInAnErrorOrAHeader) {
  const std::string bytes = written(all_kinds(), two_tensors());
  const std::size_t header = static_cast<std::size_t>(parse(bytes).data_begin);
  for (std::size_t size = 0; size < header; ++size) EXPECT_THROW(parse(bytes.substr(0, size)), Error) << size;
  for (std::size_t at = 0; at < header; ++at) {
    for (const char flip : {'\x01', '\x80', '\xFF'}) {
      std::string changed = bytes;
      changed[at] = static_cast<char>(changed[at] ^ flip);
      try {
        parse(changed);
      } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::format);
      }
    }
  }
}

TEST(Gguf, ErrorsSayWhatIsWrong) {
  const std::string good = written({{"a", of_u32(1)}}, {{"t", TensorType::f32, {4}}});
  const auto fails = [&](std::size_t at, std::string_view replacement, std::string_view part) {
    std::string bytes = good;
    bytes.replace(at, replacement.size(), replacement);
    expect_error(ErrorKind::format, {"t.gguf: byte ", part}, [&] { parse(bytes); });
  };
  fails(0, "GGML", "not a GGUF file");
  fails(4, std::string("\x02\0\0\0", 4), "version 2; only 3 is supported");
  fails(4, std::string("\0\0\0\x03", 4), "a big-endian file?");
  fails(8, std::string(8, '\xFF'), "tensors don't fit the file");
  fails(16, std::string(8, '\xFF'), "keys don't fit the file");
  fails(24, std::string(8, '\x7F'), "a key of");
  fails(33, std::string("\x63", 1), "value type 99");
  fails(33, std::string("\x09\0\0\0\x09", 5), "an array of arrays");
  // Key "a" with its u32 ends at byte 41, the name "t" at 50, its dimensions at 54.
  fails(50, std::string("\x05", 1), "has 5 dimensions");
  fails(54, std::string(8, '\xFF'), "a size of");
  fails(54, std::string("\0\0\0\0\0\0\0\x50", 8), "too many elements");
  fails(62, std::string("\x63", 1), "type 99, which is not known");
  fails(62, std::string("\x08", 1), "not a multiple of 32");
  fails(66, std::string("\x20", 1), "expected 0");
}

TEST(Gguf, NamesTwiceAreRefused) {
  expect_error(ErrorKind::format, {"key \"a\" is there twice"}, [] {
    parse(written({{"a", of_u32(1)}, {"a", of_u32(2)}}, {}));
  });
  const TempFolder folder;
  const auto nothing = [](std::size_t, const auto&) {};
  expect_error(ErrorKind::internal, {"written twice"}, [&] {
    write(folder / "x", {}, {{"t", TensorType::f32, {1}}, {"t", TensorType::f32, {1}}}, nothing);
  });
  expect_error(ErrorKind::internal, {"has 4 bytes, 0 were given"}, [&] {
    write(folder / "x", {}, {{"t", TensorType::f32, {1}}}, nothing);
  });
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(Gguf, AlignmentMustBeAPowerOfTwo) {
  expect_error(ErrorKind::format, {"an alignment of 24"}, [] {
    parse(written({{"general.alignment", of_u32(24)}}, {}));
  });
  expect_error(ErrorKind::format, {"is not a u32"}, [] { parse(written({{"general.alignment", of_text("x")}}, {})); });
}

}  // namespace
}  // namespace hone::checkpoint::gguf
