// Headers as an attacker or a broken disk would write them: always a format error, never a crash.
#include "hone/checkpoint/safetensors.h"
#include "hone/checkpoint/test_files.h"

namespace hone::checkpoint {
namespace {

constexpr const char* kGood = R"({"test":{"dtype":"I32","shape":[2,2],"data_offsets":[0,16]}})";

Header parse(const std::string& bytes) { return parse_header(bytes, bytes.size(), "m.safetensors"); }

void expect_refused(const std::string& bytes, std::initializer_list<std::string_view> parts) {
  const auto error = error_of([&] { parse(bytes); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind(), ErrorKind::format) << error->what();
  EXPECT_EQ(std::string_view(error->what()).find("m.safetensors: "), 0u) << error->what();
  for (const auto part : parts) EXPECT_NE(std::string(error->what()).find(part), std::string::npos) << error->what();
}

// One tensor "a" with the given members.
std::string entry(std::string_view members) { return "{\"a\":{" + std::string(members) + "}}"; }

TEST(SafetensorsHeader, AGoodHeader) {
  const Header header = parse(file_bytes(kGood, 16));
  ASSERT_EQ(header.tensors.size(), 1u);
  const TensorInfo& tensor = header.tensors[0];
  EXPECT_EQ(tensor.name, "test");
  EXPECT_EQ(tensor.dtype, Dtype::i32);
  EXPECT_EQ(tensor.shape, (std::vector<int64_t>{2, 2}));
  EXPECT_EQ(tensor.elements(), 4);
  EXPECT_EQ(tensor.begin, 0u);
  EXPECT_EQ(tensor.end, 16u);
  EXPECT_EQ(header.data_begin, 8u + 60u);
  EXPECT_EQ(header.find("test"), &tensor);
  EXPECT_EQ(header.find("tesa"), nullptr);
  EXPECT_EQ(header.find(""), nullptr);
}

TEST(SafetensorsHeader, EmptyFilesScalarsAndEmptyTensorsAreLegal) {
  EXPECT_TRUE(parse(file_bytes("{}")).tensors.empty());
  EXPECT_EQ(parse(file_bytes(entry(R"("dtype":"I32","shape":[],"data_offsets":[0,4])"), 4)).tensors[0].elements(), 1);
  EXPECT_EQ(parse(file_bytes(entry(R"("dtype":"I32","shape":[2,0],"data_offsets":[0, 0])"))).tensors[0].elements(), 0);
}

TEST(SafetensorsHeader, WhitespaceAroundTheObjectIsLegal) {
  EXPECT_TRUE(parse(file_bytes("{}\r \t\n")).tensors.empty());
  EXPECT_TRUE(parse(file_bytes("\t\n{}\r ")).tensors.empty());
}

TEST(SafetensorsHeader, TensorsMayBeListedInAnyOrder) {
  const Header header = parse(file_bytes(
      R"({"b":{"dtype":"U8","shape":[2],"data_offsets":[3,5]},"e":{"dtype":"U8","shape":[0],"data_offsets":[3,3]},)"
      R"("__metadata__":{"format":"pt","x":""},"a":{"data_offsets":[0,3],"shape":[3],"dtype":"U8"}})",
      5));
  ASSERT_EQ(header.tensors.size(), 3u);
  EXPECT_EQ(header.tensors[0].name, "a");
  EXPECT_EQ(header.tensors[1].name, "e");
  EXPECT_EQ(header.tensors[2].name, "b");
  EXPECT_EQ(header.find("b"), &header.tensors[2]);
  EXPECT_EQ(header.metadata.at("format"), "pt");
  EXPECT_EQ(header.metadata.at("x"), "");
}

// The sixteen cases that the format's reference implementation guards against, in its order of checks.
TEST(SafetensorsHeader, Hostile01EmptyFile) { expect_refused("", {"holds 0 bytes"}); }
TEST(SafetensorsHeader, Hostile02ShorterThanALength) { expect_refused("1234567", {"holds 7 bytes"}); }
TEST(SafetensorsHeader, Hostile03LengthBeyondTheLimit) {
  expect_refused(file_bytes(uint64_t{0xffffff} << 40 | 60, kGood, 16), {"18,446,742,974,197,923,900", "100,000,000"});
}
TEST(SafetensorsHeader, Hostile04LengthOfAllOnes) { expect_refused(file_bytes(UINT64_MAX, kGood), {"100,000,000"}); }
TEST(SafetensorsHeader, Hostile05LengthWithoutAHeader) { expect_refused(file_bytes(60, ""), {"60", "holds 0"}); }
TEST(SafetensorsHeader, Hostile06LengthBeyondTheFile) {
  expect_refused(file_bytes(1000, kGood, 16), {"1,000 bytes", "holds 76"});
}
TEST(SafetensorsHeader, Hostile07NotUtf8) { expect_refused(file_bytes("\xff"), {"not valid JSON at byte 8"}); }
TEST(SafetensorsHeader, Hostile08NotJson) { expect_refused(file_bytes("{"), {"not valid JSON at byte 9"}); }
TEST(SafetensorsHeader, Hostile09OverlappingTensors) {
  std::string header = "{";
  for (int i = 0; i < 10; ++i) {
    header += fmt::format(R"("weight_{}":{{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}},)", i);
  }
  header.back() = '}';
  expect_refused(file_bytes(header, 16), {"\"weight_1\" begins at 0", "reach to 16", "overlap"});
}
TEST(SafetensorsHeader, Hostile10AGap) {
  expect_refused(file_bytes(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},)"
                            R"("b":{"dtype":"U8","shape":[2],"data_offsets":[3,5]}})",
                            5),
                 {"tensor \"b\" begins at 3", "reach to 2", "belong to none"});
  expect_refused(file_bytes(entry(R"("dtype":"U8","shape":[2],"data_offsets":[4,6])"), 6),
                 {"\"a\" begins at 4", "reach to 0"});
}
TEST(SafetensorsHeader, Hostile11ATensorThatEndsBeforeItBegins) {
  expect_refused(file_bytes(entry(R"("dtype":"U8","shape":[2],"data_offsets":[2,0])"), 2), {"ends at 0, before"});
}
TEST(SafetensorsHeader, Hostile12ShapeAndOffsetsDisagree) {
  expect_refused(file_bytes(entry(R"("dtype":"I32","shape":[2,2],"data_offsets":[0, 4])"), 4),
                 {"shape [2, 2] and dtype I32 needs 16 bytes", "give it 4"});
}
TEST(SafetensorsHeader, Hostile13ShapeOverflows) {
  expect_refused(file_bytes(entry(R"("dtype":"I32","shape":[2,18446744073709551614],"data_offsets":[0,16])"), 16),
                 {"below 2^63", "18446744073709551614"});
  expect_refused(file_bytes(entry(R"("dtype":"I32","shape":[4294967296,4294967296,4],"data_offsets":[0,0])")),
                 {"\"a\"", "more bytes than 2^63"});
}
TEST(SafetensorsHeader, Hostile14BytesOverflow) {
  expect_refused(file_bytes(entry(R"("dtype":"I32","shape":[2,9223372036854775807],"data_offsets":[0,16])"), 16),
                 {"\"a\"", "more bytes than 2^63"});
  // A zero does not excuse sizes whose strides overflow.
  expect_refused(file_bytes(entry(R"("dtype":"I32","shape":[0,4294967296,4294967296],"data_offsets":[0,0])")),
                 {"more bytes than 2^63"});
}
TEST(SafetensorsHeader, Hostile15TruncatedData) {
  expect_refused(file_bytes(kGood, 14), {"tensor \"test\" ends at 16 but the file holds 14 data bytes"});
}
TEST(SafetensorsHeader, Hostile16TrailingBytes) {
  expect_refused(file_bytes(kGood, 16) + "extra_bogus_data_for_polyglot_file", {"end at 16", "holds 50 data bytes"});
  expect_refused(file_bytes("{}", 1), {"end at 0", "holds 1 data bytes"});
}

TEST(SafetensorsHeader, ATruncatedFileSuggestsWhatToDo) {
  const auto error = error_of([] { parse(file_bytes(kGood, 14)); });
  EXPECT_NE(error->remedy().find("truncated download?"), std::string::npos);
}

TEST(SafetensorsHeader, NamesAndMembersTwiceAreRefused) {
  const std::string empty = R"({"dtype":"U8","shape":[0],"data_offsets":[0,0]})";
  expect_refused(file_bytes("{\"a\":" + empty + ",\"b\":" + empty + ",\"a\":" + empty + "}"), {"\"a\" appears twice"});
  expect_refused(file_bytes(R"({"__metadata__":{},"__metadata__":{}})"), {"\"__metadata__\" appears twice"});
  expect_refused(file_bytes(R"({"__metadata__":{"k":"1","k":"2"}})"), {"\"k\" twice"});
  expect_refused(file_bytes(entry(R"("dtype":"U8","shape":[0],"shape":[0],"data_offsets":[0,0])")),
                 {"\"shape\" twice"});
}

TEST(SafetensorsHeader, WrongTypesAreNamed) {
  expect_refused(file_bytes("3"), {"must be one JSON object, found 3"});
  expect_refused(file_bytes("[]"), {"must be one JSON object, found a list"});
  expect_refused(file_bytes("null"), {"found null"});
  expect_refused(file_bytes(R"({"a":3})"), {"\"a\" must be an object, found 3"});
  expect_refused(file_bytes(R"({"a":null})"), {"\"a\" must be an object, found null"});
  expect_refused(file_bytes(R"({"__metadata__":{"format":1}})"), {"texts to texts", "\"format\"", "found 1"});
  expect_refused(file_bytes(R"({"__metadata__":"pt"})"), {"\"__metadata__\" must be an object, found a string"});
  expect_refused(file_bytes(entry(R"("dtype":4)")), {"\"dtype\" must be a string, found 4"});
  expect_refused(file_bytes(entry(R"("dtype":["F32"])")), {"found a list"});
  expect_refused(file_bytes(entry(R"("shape":"2")")), {"\"shape\" must be a list, found a string"});
  expect_refused(file_bytes(entry(R"("shape":{})")), {"\"shape\" must be a list, found an object"});
  for (const char* number : {"-1", "2.0", "1e3", "\"2\"", "null", "true", "[2]", "{}", "-0", "1e400"}) {
    expect_refused(file_bytes(entry(fmt::format(R"("shape":[{}],"dtype":"U8","data_offsets":[0,0])", number))), {});
    expect_refused(file_bytes(entry(fmt::format(R"("shape":[0],"dtype":"U8","data_offsets":[0,{}])", number))), {});
  }
}

TEST(SafetensorsHeader, MembersMustBeComplete) {
  expect_refused(file_bytes(R"({"a":{}})"), {"lacks one of"});
  expect_refused(file_bytes(entry(R"("dtype":"U8","shape":[0])")), {"lacks one of"});
  expect_refused(file_bytes(entry(R"("dtype":"U8","shape":[0],"data_offsets":[0,0],"stride":[1])")),
                 {"unknown member \"stride\""});
  expect_refused(file_bytes(entry(R"("dtype":"U8","shape":[0],"data_offsets":[0])")), {"two whole numbers, found 1"});
  expect_refused(file_bytes(entry(R"("dtype":"U8","shape":[0],"data_offsets":[])")), {"two whole numbers, found 0"});
  expect_refused(file_bytes(entry(R"("dtype":"U8","shape":[0],"data_offsets":[0,0,0])")), {"two whole numbers"});
}

TEST(SafetensorsHeader, UnreadableDtypesAreNamed) {
  for (const char* dtype : {"F8_E4M3", "F4", "C64", "f32", "", "F32 "}) {
    expect_refused(file_bytes(entry(fmt::format(R"("dtype":"{}","shape":[0],"data_offsets":[0,0])", dtype))),
                   {"tensor \"a\" has the dtype", dtype});
  }
}

TEST(SafetensorsHeader, DepthAndRankAreBounded) {
  expect_refused(file_bytes("{\"a\":" + std::string(1'000'000, '[')), {"\"a\" must be an object, found a list"});
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "{\"a\":";
  expect_refused(file_bytes(deep), {"unknown member \"a\""});
  std::string ones = "1";
  for (int i = 1; i < 64; ++i) ones += ",1";
  const auto with_shape = [](const std::string& shape) {
    return file_bytes(entry("\"dtype\":\"U8\",\"shape\":[" + shape + "],\"data_offsets\":[0,1]"), 1);
  };
  EXPECT_EQ(parse(with_shape(ones)).tensors[0].shape.size(), 64u);
  expect_refused(with_shape(ones + ",1"), {"more than 64 dimensions"});
}

TEST(SafetensorsHeader, OddTextIsHandled) {
  expect_refused(file_bytes("\xef\xbb\xbf{}"), {"byte order mark"});
  expect_refused(file_bytes(R"({"\ud800":{}})"), {"not valid JSON"});
  expect_refused(file_bytes("{} {}"), {"not valid JSON at byte 11"});
  expect_refused(file_bytes(std::string_view("{}\0", 3)), {"not valid JSON"});
  expect_refused(file_bytes(""), {"not valid JSON at byte 8"});
  // A NUL in a name is legal JSON; the error shows it escaped.
  expect_refused(file_bytes(R"({"a\u0000\u001b[2J":3})"), {"\"a\\u0000\\u001b[2J\""});
}

TEST(SafetensorsHeader, AHeadCutShortIsAnError) {
  const std::string bytes = file_bytes(kGood, 16);
  for (std::size_t cut = 0; cut < 8 + 60; ++cut) {
    expect_error(ErrorKind::format, {"m:"}, [&] { parse_header(bytes.substr(0, cut), bytes.size(), "m"); });
  }
  EXPECT_NO_THROW(parse_header(bytes.substr(0, 8 + 60), bytes.size(), "m"));
}

TEST(SafetensorsHeader, ALargeHeaderTakesLinearTime) {
  std::string header = "{";
  for (int i = 0; i < 100'000; ++i) {
    header += fmt::format(R"("t{}":{{"dtype":"U8","shape":[1],"data_offsets":[{},{}]}},)", i, i, i + 1);
  }
  header.back() = '}';
  const Header parsed = parse(file_bytes(header, 100'000));
  EXPECT_EQ(parsed.tensors.size(), 100'000u);
  EXPECT_EQ(parsed.find("t99999")->begin, 99'999u);
}

}  // namespace
}  // namespace hone::checkpoint
