#include "hone/report/tensorboard.h"

#include "hone/base/files.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <optional>
#include <vector>

namespace hone::report {
namespace {

struct Point {
  std::string tag;
  int64_t step = 0;
  float value = 0;
};

// A reader of its own, so that writer and reader can't share a mistake: fields of one protobuf message.
struct Reader {
  std::string_view bytes;
  uint64_t varint() {
    uint64_t value = 0;
    for (int shift = 0;; shift += 7) {
      const auto byte = static_cast<unsigned char>(bytes.at(0));
      bytes.remove_prefix(1);
      value |= uint64_t{byte & 0x7fu} << shift;
      if (byte < 0x80) return value;
    }
  }
  template <class T>
  T fixed() {
    T value;
    std::memcpy(&value, bytes.substr(0, sizeof value).data(), sizeof value);
    bytes.remove_prefix(sizeof value);
    return value;
  }
  std::string_view block() {
    const uint64_t size = varint();
    const std::string_view inside = bytes.substr(0, size);
    bytes.remove_prefix(size);
    return inside;
  }
};

void read_value(std::string_view bytes, Point& point) {
  for (Reader r{bytes}; !r.bytes.empty();) {
    switch (r.varint()) {
      case 1 << 3 | 2:
        point.tag = r.block();
        break;
      case 2 << 3 | 5:
        point.value = r.fixed<float>();
        break;
      default:
        FAIL() << "unknown field of Value";
    }
  }
}

void read_event(std::string_view bytes, std::string& version, std::vector<Point>& points) {
  Point point;
  bool has_value = false;
  for (Reader r{bytes}; !r.bytes.empty();) {
    switch (r.varint()) {
      case 1 << 3 | 1:
        EXPECT_GT(r.fixed<double>(), 1.6e9);
        break;
      case 2 << 3 | 0:
        point.step = static_cast<int64_t>(r.varint());
        break;
      case 3 << 3 | 2:
        version = r.block();
        break;
      case 5 << 3 | 2: {
        Reader summary{r.block()};
        EXPECT_EQ(summary.varint(), 1u << 3 | 2);
        read_value(summary.block(), point);
        EXPECT_TRUE(summary.bytes.empty());
        has_value = true;
        break;
      }
      default:
        FAIL() << "unknown field of Event";
    }
  }
  if (has_value) points.push_back(point);
}

std::vector<Point> read_events(const std::string& file, std::string& version) {
  std::vector<Point> points;
  for (Reader r{file}; r.bytes.size() >= 12;) {
    const std::string_view length_bytes = r.bytes.substr(0, 8);
    const auto length = r.fixed<uint64_t>();
    EXPECT_EQ(r.fixed<uint32_t>(), masked_crc32c(length_bytes));
    if (r.bytes.size() < length + 4) break;  // a torn tail
    const std::string_view data = r.bytes.substr(0, length);
    r.bytes.remove_prefix(length);
    EXPECT_EQ(r.fixed<uint32_t>(), masked_crc32c(data));
    read_event(data, version, points);
  }
  return points;
}

class TensorBoardTest : public ::testing::Test {
 protected:
  void SetUp() override {
    dir_ = std::filesystem::temp_directory_path() /
           ("hone-tensorboard-" + std::to_string(reinterpret_cast<uintptr_t>(this)));
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }
  std::filesystem::path dir_;
};

TEST(Crc32c, PublishedVectors) {
  // RFC 3720, B.4.
  EXPECT_EQ(crc32c("123456789"), 0xE3069283u);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8A9136AAu);
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62A8AB43u);
}

TEST_F(TensorBoardTest, ReadsBack) {
  TensorBoardWriter writer(dir_);
  writer.scalar("stage1/loss", 1, 0.5);
  writer.scalar("stage1/loss", 300, -2.25);
  writer.scalar("손실", int64_t{1} << 40, std::numeric_limits<double>::infinity());
  writer.scalar("x", 2, std::nan(""));
  writer.flush();
  std::string version;
  const std::vector<Point> points = read_events(base::read_file(writer.path()), version);
  EXPECT_EQ(version, "brain.Event:2");
  ASSERT_EQ(points.size(), 4u);
  EXPECT_EQ(points[0].tag, "stage1/loss");
  EXPECT_EQ(points[1].step, 300);
  EXPECT_EQ(points[1].value, -2.25f);
  EXPECT_EQ(points[2].tag, "손실");
  EXPECT_EQ(points[2].step, int64_t{1} << 40);
  EXPECT_TRUE(std::isinf(points[2].value));
  EXPECT_TRUE(std::isnan(points[3].value));
}

TEST_F(TensorBoardTest, ATornTailLosesOnlyTheLastPoint) {
  TensorBoardWriter writer(dir_);
  writer.scalar("a", 1, 1);
  writer.scalar("a", 2, 2);
  writer.flush();
  std::string file = base::read_file(writer.path());
  file.resize(file.size() - 3);
  std::string version;
  EXPECT_EQ(read_events(file, version).size(), 1u);
}

TEST_F(TensorBoardTest, EveryWriterBeginsItsOwnFile) {
  const TensorBoardWriter first(dir_), second(dir_);
  EXPECT_NE(first.path(), second.path());
  EXPECT_EQ(first.path().filename().string().find("events.out.tfevents."), 0u);
}

}  // namespace
}  // namespace hone::report
