#include "hone/report/run_record.h"

#include "hone/base/error.h"

#include <gtest/gtest.h>

#include <cmath>

namespace hone::report {
namespace {

class RunRecordTest : public ::testing::Test {
 protected:
  void SetUp() override {
    dir_ =
        std::filesystem::temp_directory_path() / ("hone-record-" + std::to_string(reinterpret_cast<uintptr_t>(this)));
    std::filesystem::create_directories(dir_);
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }

  std::vector<Json> lines(const char* name) {
    const std::string text = base::read_file(dir_ / name);
    std::vector<Json> all;
    for (std::size_t at = 0, end; (end = text.find('\n', at)) != std::string::npos; at = end + 1) {
      all.push_back(base::parse_json(text.substr(at, end - at), name));
    }
    return all;
  }

  std::filesystem::path dir_;
};

TEST_F(RunRecordTest, ClockAndMachineStayUnderTime) {
  RunRecord record(dir_, nullptr, nullptr);
  record.metrics("stage1", 3, {{"loss", 0.5}}, {{"tokens_per_s", 1000}});
  Json line = lines("metrics.jsonl").at(0);
  EXPECT_EQ(line["time"]["tokens_per_s"], 1000.0);
  EXPECT_TRUE(line["time"].contains("at") && line["time"].contains("elapsed"));
  line.erase("time");
  EXPECT_EQ(base::dump(line), R"({"phase":"stage1","step":3,"loss":0.5})");
}

TEST_F(RunRecordTest, NonFiniteValuesAreNamed) {
  RunRecord record(dir_, nullptr, nullptr);
  record.metrics("a", 1, {{"loss", std::nan("")}, {"kl", 1}, {"norm", INFINITY}});
  const Json line = lines("metrics.jsonl").at(0);
  EXPECT_TRUE(line["loss"].is_null());
  EXPECT_EQ(base::dump(line["nonfinite"]), R"(["loss","norm"])");
}

TEST_F(RunRecordTest, ReservedNamesAreRefused) {
  RunRecord record(dir_, nullptr, nullptr);
  EXPECT_THROW(record.metrics("a", 1, {{"step", 1}}), Error);
}

TEST_F(RunRecordTest, SamplesAndEvents) {
  RunRecord record(dir_, nullptr, nullptr);
  record.sample("stage1", 7, {{"text", "3 + 4\n= 7"}});
  record.event("phase", {{"name", "stage1"}});
  EXPECT_EQ(base::dump(lines("samples.jsonl").at(0)), R"({"phase":"stage1","step":7,"text":"3 + 4\n= 7"})");
  EXPECT_EQ(lines("events.jsonl").at(0)["event"], "phase");
}

TEST_F(RunRecordTest, ResumeCutsBackToTheMark) {
  Mark mark;
  {
    RunRecord record(dir_, nullptr, nullptr);
    record.metrics("a", 1, {{"loss", 1}});
    record.sample("a", 1, {{"text", "kept"}});
    mark = mark_from_json(to_json(record.mark()), "mark");
    record.metrics("a", 2, {{"loss", 2}});
    record.sample("a", 2, {{"text", "lost"}});
    record.event("late", Json::object());
  }
  RunRecord record(dir_, nullptr, &mark);
  record.metrics("a", 2, {{"loss", 3}});
  const std::vector<Json> metrics = lines("metrics.jsonl");
  ASSERT_EQ(metrics.size(), 2u);
  EXPECT_EQ(metrics[1]["loss"], 3.0);
  EXPECT_EQ(lines("samples.jsonl").size(), 1u);
  EXPECT_EQ(lines("events.jsonl").size(), 0u);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir_ / "tb"), {}), 2);
}

TEST_F(RunRecordTest, WithoutAMarkItStartsEmpty) {
  { RunRecord(dir_, nullptr, nullptr).metrics("a", 1, {{"loss", 1}}); }
  const RunRecord record(dir_, nullptr, nullptr);
  EXPECT_TRUE(lines("metrics.jsonl").empty());
}

TEST_F(RunRecordTest, AMarkBeyondTheLogIsAnError) {
  { RunRecord(dir_, nullptr, nullptr).metrics("a", 1, {{"loss", 1}}); }
  const Mark mark{100000, 0, 0};
  EXPECT_THROW(RunRecord(dir_, nullptr, &mark), Error);
}

TEST(Mark, RefusesNegativeBytes) {
  EXPECT_THROW(mark_from_json({{"metrics_bytes", -1}, {"samples_bytes", 0}, {"events_bytes", 0}}, "m"), Error);
}

TEST(UtcText, IsoWithoutFractions) {
  EXPECT_EQ(utc_text(std::chrono::system_clock::time_point(std::chrono::seconds(1785844800))), "2026-08-04T12:00:00Z");
}

}  // namespace
}  // namespace hone::report
