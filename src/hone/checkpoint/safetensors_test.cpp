#include "hone/checkpoint/safetensors.h"

#include "hone/base/json.h"
#include "hone/checkpoint/test_files.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <thread>

namespace hone::checkpoint {
namespace {

constexpr Dtype kAll[] = {Dtype::f32, Dtype::f16, Dtype::bf16,    Dtype::f64, Dtype::i64, Dtype::i32, Dtype::i16,
                          Dtype::i8,  Dtype::u8,  Dtype::boolean, Dtype::u16, Dtype::u32, Dtype::u64};

std::vector<std::byte> read_all(const SafetensorsFile& file, const std::string& name) {
  const TensorInfo* tensor = file.find(name);
  std::vector<std::byte> bytes(tensor->end - tensor->begin);
  file.read(*tensor, bytes);
  return bytes;
}

std::vector<float> floats(const SafetensorsFile& file, const std::string& name, NonFinite policy = NonFinite::refuse) {
  const TensorInfo* tensor = file.find(name);
  std::vector<float> values(static_cast<std::size_t>(tensor->elements()));
  file.read_floats(*tensor, values, policy);
  return values;
}

// Writes one tensor and reads it as floats.
template <class T>
std::vector<float> as_floats(Dtype dtype, const std::vector<T>& values, NonFinite policy = NonFinite::refuse) {
  const TempFolder folder;
  write_safetensors(folder / "f", {{"x", dtype, {static_cast<int64_t>(values.size())}, values.data()}});
  return floats(SafetensorsFile(folder / "f"), "x", policy);
}

TEST(Safetensors, RoundTripOverAllDtypes) {
  const TempFolder folder;
  std::vector<std::byte> data(8 * 24);
  for (std::size_t i = 0; i < data.size(); ++i) data[i] = std::byte(i * 37 + 11);
  std::vector<TensorData> tensors;
  for (const Dtype dtype : kAll) {
    const std::string name = name_of(dtype);
    tensors.push_back({name, dtype, {2, 3, 4}, data.data()});
    tensors.push_back({name + ".scalar", dtype, {}, data.data()});
    tensors.push_back({name + ".empty", dtype, {5, 0}, nullptr});
  }
  tensors.push_back({"모델.층.0 \"quoted\" \n", Dtype::u8, {1}, data.data()});
  const std::map<std::string, std::string> metadata = {{"format", "pt"}, {"한글", "\t\"x\""}};
  base::Sha256 hash;
  write_safetensors(folder / "f", tensors, metadata, &hash);
  EXPECT_EQ(hash.hex(), base::sha256_hex(read_bytes(folder / "f")));

  const SafetensorsFile file(folder / "f");
  EXPECT_EQ(file.header().metadata, metadata);
  EXPECT_EQ(file.header().tensors.size(), tensors.size());
  for (const TensorData& tensor : tensors) {
    const TensorInfo* info = file.find(tensor.name);
    ASSERT_NE(info, nullptr) << tensor.name;
    EXPECT_EQ(info->dtype, tensor.dtype);
    EXPECT_EQ(info->shape, tensor.shape);
    EXPECT_EQ((file.header().data_begin + info->begin) % static_cast<uint64_t>(size_of(info->dtype)), 0u);
    const std::vector<std::byte> bytes = read_all(file, tensor.name);
    ASSERT_EQ(bytes.size(), byte_count(tensor));
    EXPECT_TRUE(bytes.empty() || std::memcmp(bytes.data(), data.data(), bytes.size()) == 0) << tensor.name;
  }
}

TEST(Safetensors, TheBytesOfASmallFile) {
  const TempFolder folder;
  const float values[6] = {0, 1, 2, 3, 4, 5};
  write_safetensors(folder / "f", {{"attn0", Dtype::f32, {1, 1, 2, 3}, values}}, {});
  std::string expected = file_bytes(R"({"attn0":{"dtype":"F32","shape":[1,1,2,3],"data_offsets":[0,24]}}       )");
  EXPECT_EQ(expected.size(), 8u + 72u);
  expected.append(reinterpret_cast<const char*>(values), sizeof values);
  EXPECT_EQ(read_bytes(folder / "f"), expected);
  write_safetensors(folder / "f", {}, {});
  EXPECT_EQ(read_bytes(folder / "f"), file_bytes("{}      "));
  write_safetensors(folder / "f", {});
  EXPECT_EQ(read_bytes(folder / "f"), file_bytes(R"({"__metadata__":{"format":"pt"}})"));
}

TEST(Safetensors, TensorsAreOrderedByDtypeSizeThenName) {
  const TempFolder folder;
  const int64_t zeros[2] = {};
  write_safetensors(folder / "f", {{"z8", Dtype::u8, {1}, zeros},
                                   {"b", Dtype::f32, {1}, zeros},
                                   {"a", Dtype::i32, {1}, zeros},
                                   {"h", Dtype::bf16, {1}, zeros},
                                   {"q", Dtype::f64, {1}, zeros}});
  std::string order;
  const SafetensorsFile file(folder / "f");
  for (const TensorInfo& tensor : file.header().tensors) order += tensor.name + " ";
  EXPECT_EQ(order, "q a b h z8 ");
}

TEST(Safetensors, FloatsFromEveryDtype) {
  EXPECT_EQ(as_floats<float>(Dtype::f32, {1.5f, -0.0f, 1e-45f}), (std::vector<float>{1.5f, -0.0f, 1e-45f}));
  EXPECT_EQ(as_floats<uint16_t>(Dtype::f16, {0x3c00, 0x0001, 0xfbff}), (std::vector<float>{1, 0x1p-24f, -65504}));
  EXPECT_EQ(as_floats<uint16_t>(Dtype::bf16, {0x3f80, 0x0001, 0xff7f}),
            (std::vector<float>{1, 0x1p-133f, -0x1.fep127f}));
  EXPECT_EQ(as_floats<double>(Dtype::f64, {0.1, 1e-300}), (std::vector<float>{0.1f, 0}));
  EXPECT_EQ(as_floats<int64_t>(Dtype::i64, {INT64_MIN, 3}), (std::vector<float>{-0x1p63f, 3}));
  EXPECT_EQ(as_floats<uint64_t>(Dtype::u64, {UINT64_MAX, 3}), (std::vector<float>{0x1p64f, 3}));
  EXPECT_EQ(as_floats<int32_t>(Dtype::i32, {INT32_MIN, -7}), (std::vector<float>{-0x1p31f, -7}));
  EXPECT_EQ(as_floats<uint32_t>(Dtype::u32, {UINT32_MAX}), (std::vector<float>{0x1p32f}));
  EXPECT_EQ(as_floats<int16_t>(Dtype::i16, {-32768, 32767}), (std::vector<float>{-32768, 32767}));
  EXPECT_EQ(as_floats<uint16_t>(Dtype::u16, {65535}), (std::vector<float>{65535}));
  EXPECT_EQ(as_floats<int8_t>(Dtype::i8, {-128, 127}), (std::vector<float>{-128, 127}));
  EXPECT_EQ(as_floats<uint8_t>(Dtype::u8, {255}), (std::vector<float>{255}));
  EXPECT_EQ(as_floats<uint8_t>(Dtype::boolean, {0, 1, 7}), (std::vector<float>{0, 1, 1}));
}

TEST(Safetensors, FloatsOfALargeTensorComeInPieces) {
  std::vector<uint16_t> halves(300'000);
  for (std::size_t i = 0; i < halves.size(); ++i) halves[i] = static_cast<uint16_t>(i % 0x7c00);
  const std::vector<float> values = as_floats<uint16_t>(Dtype::f16, halves);
  EXPECT_EQ(values[299'999], values[299'999 % 0x7c00]);
  EXPECT_EQ(values[0x3c00 + 0x7c00 * 4], 1.0f);
}

TEST(Safetensors, NonFiniteValuesAreNamedOrKept) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  std::vector<float> values(5000, 1);
  values[1234] = nan;
  expect_error(ErrorKind::numeric, {"tensor \"x\" (F32) is nan at element 1,234 of 5,000"},
               [&] { as_floats(Dtype::f32, values); });
  expect_error(ErrorKind::numeric, {"-inf at element 1"}, [&] { as_floats<uint16_t>(Dtype::f16, {0, 0xfc00}); });
  expect_error(ErrorKind::numeric, {"inf at element 0"}, [&] { as_floats<uint16_t>(Dtype::bf16, {0x7f80}); });
  expect_error(ErrorKind::numeric, {"(F64) is inf at element 0"}, [&] { as_floats<double>(Dtype::f64, {1e300}); });
  EXPECT_TRUE(std::isnan(as_floats(Dtype::f32, values, NonFinite::keep)[1234]));
}

TEST(Safetensors, WrongBufferSizesAreInternalErrors) {
  const TempFolder folder;
  const float values[2] = {1, 2};
  write_safetensors(folder / "f", {{"x", Dtype::f32, {2}, values}});
  const SafetensorsFile file(folder / "f");
  std::vector<float> out(3);
  expect_error(ErrorKind::internal, {"\"x\" has 2 elements, 3"}, [&] { file.read_floats(*file.find("x"), out); });
  std::vector<std::byte> bytes(7);
  expect_error(ErrorKind::internal, {"\"x\" has 8 bytes, 7"}, [&] { file.read(*file.find("x"), bytes); });
}

TEST(Safetensors, TheWriterRefusesWhatTheReaderWould) {
  const TempFolder folder;
  const float value = 1;
  const auto write = [&](std::vector<TensorData> tensors) {
    return [&folder, tensors] { write_safetensors(folder / "f", tensors); };
  };
  expect_error(ErrorKind::internal, {"\"x\" is to be written twice"},
               write({{"x", Dtype::f32, {}, &value}, {"x", Dtype::u8, {}, &value}}));
  expect_error(ErrorKind::internal, {"__metadata__"}, write({{"__metadata__", Dtype::f32, {}, &value}}));
  expect_error(ErrorKind::internal, {"has no data"}, write({{"x", Dtype::f32, {1}, nullptr}}));
  expect_error(ErrorKind::internal, {"[-1]"}, write({{"x", Dtype::f32, {-1}, &value}}));
  expect_error(ErrorKind::internal, {"can't have the shape"}, write({{"x", Dtype::f32, {INT64_MAX, 4}, &value}}));
  expect_error(ErrorKind::internal, {"not UTF-8"}, write({{"x\xff", Dtype::f32, {}, &value}}));
  EXPECT_FALSE(std::filesystem::exists(folder / "f"));
}

// A file with three tensors, a scalar and metadata.
std::string small_file() {
  const TempFolder folder;
  const float values[6] = {0, 1, 2, 3, 4, 5};
  write_safetensors(folder / "f", {{"w", Dtype::f32, {2, 3}, values},
                                   {"b", Dtype::f16, {3}, values},
                                   {"n", Dtype::i64, {}, values},
                                   {"m", Dtype::boolean, {3, 1}, values}});
  return read_bytes(folder / "f");
}

// Opens `bytes` and reads all of it; only errors of the expected kinds may come out.
bool opens(const TempFolder& folder, const std::string& bytes) {
  write_bytes(folder / "f", bytes);
  try {
    const SafetensorsFile file(folder / "f");
    uint64_t total = 0;
    for (const TensorInfo& tensor : file.header().tensors) {
      total += read_all(file, tensor.name).size();
      floats(file, tensor.name, NonFinite::keep);
    }
    EXPECT_EQ(file.header().data_begin + total, bytes.size());
    return true;
  } catch (const Error& error) {
    EXPECT_TRUE(error.kind() == ErrorKind::format || error.kind() == ErrorKind::io) << error.what();
    EXPECT_NE(std::string(error.what()).find("/f: "), std::string::npos) << error.what();
    return false;
  }
}

TEST(Safetensors, TruncatedAtEveryByteIsAnError) {
  const TempFolder folder;
  const std::string good = small_file();
  EXPECT_TRUE(opens(folder, good));
  for (std::size_t size = 0; size < good.size(); ++size) EXPECT_FALSE(opens(folder, good.substr(0, size))) << size;
}

TEST(Safetensors, EveryByteFlippedNeverCrashes) {
  const TempFolder folder;
  const std::string good = small_file();
  const uint64_t data_begin = parse_header(good, good.size(), "").data_begin;
  for (std::size_t at = 0; at < good.size(); ++at) {
    for (const int mask : {0x01, 0x20, 0xff}) {
      std::string bad = good;
      bad[at] = static_cast<char>(bad[at] ^ mask);
      const bool opened = opens(folder, bad);
      EXPECT_FALSE(at < 8 && opened) << at;             // the length
      EXPECT_FALSE(at >= data_begin && !opened) << at;  // numbers may be anything
    }
  }
}

TEST(Safetensors, AFileThatShrinksWhileOpenIsAnError) {
  const TempFolder folder;
  write_bytes(folder / "f", small_file());
  const SafetensorsFile file(folder / "f");
  std::filesystem::resize_file(folder / "f", file.header().data_begin + 4);
  expect_error(ErrorKind::io, {"it held", "when it was opened"}, [&] { read_all(file, "w"); });
  expect_error(ErrorKind::io, {"it held"}, [&] { floats(file, "b"); });
}

TEST(Safetensors, FilesMoveAndAreReadByManyThreads) {
  const TempFolder folder;
  write_bytes(folder / "f", small_file());
  SafetensorsFile opened(folder / "f");
  const SafetensorsFile file(std::move(opened));
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i) EXPECT_EQ(floats(file, "w")[5], 5.0f);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace hone::checkpoint
