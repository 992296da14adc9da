#include "hone/report/progress.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

namespace hone::report {
namespace {

// A file to write progress to, and a clock that moves only when told.
class ProgressTest : public ::testing::Test {
 protected:
  void SetUp() override {
    out_ = std::tmpfile();
    ASSERT_NE(out_, nullptr);
    terminal_.clock = [this] { return now_; };
    terminal_.glyphs = Glyphs::unicode;
  }
  void TearDown() override { std::fclose(out_); }

  std::string written() {
    std::fflush(out_);
    std::rewind(out_);
    std::string text;
    for (int c; (c = std::fgetc(out_)) != EOF;) text += static_cast<char>(c);
    return text;
  }

  static std::size_t count(const std::string& text, std::string_view part) {
    std::size_t times = 0;
    for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++times;
    return times;
  }

  std::FILE* out_ = nullptr;
  Terminal terminal_;
  double now_ = 1000;
};

TEST_F(ProgressTest, EtaIsUnknownBeforeTheFirstStep) {
  Progress progress(ProgressStyle::quiet, out_, terminal_);
  progress.plan({{"a", 10, 1.0}, {"b", 10, 1.0}});
  EXPECT_LT(progress.eta_seconds(), 0);
  progress.begin("a");
  EXPECT_LT(progress.eta_seconds(), 0);
}

TEST_F(ProgressTest, PhasesNotBegunAreScaledByMeasuredOverGuessed) {
  Progress progress(ProgressStyle::quiet, out_, terminal_);
  progress.plan({{"a", 10, 1.0}, {"b", 5, 4.0}, {"c", 3, 0}});
  progress.begin("a");
  now_ += 2;  // twice the guess
  progress.step(1, {});
  // 9 steps of 2 s, then 5 steps of 4 s · 2; a guess of 0 counts as nothing.
  EXPECT_DOUBLE_EQ(progress.eta_seconds(), 9 * 2 + 5 * 8);
}

TEST_F(ProgressTest, EtaUsesTheMedianStep) {
  Progress progress(ProgressStyle::quiet, out_, terminal_);
  progress.plan({{"a", 100, 1.0}});
  progress.begin("a");
  for (int step = 1; step <= 50; ++step) {
    now_ += step % 10 == 0 ? 30 : 1;  // a checkpoint now and then
    progress.step(step, {});
  }
  EXPECT_DOUBLE_EQ(progress.eta_seconds(), 50);
}

TEST_F(ProgressTest, ReportsOfManyStepsCountPerStep) {
  Progress progress(ProgressStyle::quiet, out_, terminal_);
  progress.plan({{"a", 100, 1.0}});
  progress.begin("a");
  now_ += 20;
  progress.step(10, {});
  EXPECT_DOUBLE_EQ(progress.eta_seconds(), 180);
}

TEST_F(ProgressTest, TimeBetweenStepsCountsUpToOneStep) {
  Progress progress(ProgressStyle::quiet, out_, terminal_);
  progress.plan({{"a", 10, 1.0}});
  progress.begin("a");
  now_ += 4;
  progress.step(1, {});
  now_ += 3;
  EXPECT_DOUBLE_EQ(progress.eta_seconds(), 33);
  now_ += 100;
  EXPECT_DOUBLE_EQ(progress.eta_seconds(), 32);
}

TEST_F(ProgressTest, APhaseThatEndsEarlyLeavesThePlan) {
  Progress progress(ProgressStyle::quiet, out_, terminal_);
  progress.plan({{"a", 1000, 1.0}, {"b", 10, 1.0}});
  progress.begin("a");
  now_ += 1;
  progress.step(1, {});
  progress.end();
  EXPECT_DOUBLE_EQ(progress.eta_seconds(), 10);
}

TEST_F(ProgressTest, AResumedPhaseIsTimedFromWhereItGoesOn) {
  Progress progress(ProgressStyle::quiet, out_, terminal_);
  progress.plan({{"a", 50, 1.0}, {"b", 100, 1.0}});
  progress.begin("b", 90);
  now_ += 3;
  progress.step(91, {});
  EXPECT_DOUBLE_EQ(progress.eta_seconds(), 27);
}

TEST_F(ProgressTest, PartsToComeCountAsThisOne) {
  Progress progress(ProgressStyle::plain, out_, terminal_);
  progress.part(2, 4);
  progress.plan({{"a", 100, 1.0}});
  progress.begin("a");
  now_ += 50;
  progress.step(50, {});
  EXPECT_DOUBLE_EQ(progress.eta_seconds(), 50 + 2 * 100);
  EXPECT_NE(written().find("37 % of the run, 4m10s left\n"), std::string::npos) << written();
}

TEST_F(ProgressTest, WorkBetweenPhasesCountsInProportion) {
  Progress progress(ProgressStyle::quiet, out_, terminal_);
  progress.plan({{"a", 10, 1.0}, {"b", 10, 1.0}, {"c", 20, 1.0}});
  progress.begin("a");
  now_ += 10;
  progress.step(10, {});
  progress.end();
  EXPECT_DOUBLE_EQ(progress.eta_seconds(), 30);
  now_ += 5;  // what came out is measured
  progress.begin("b");
  EXPECT_DOUBLE_EQ(progress.eta_seconds(), 1.5 * 30);
  progress.part(2, 2);
  progress.plan({{"a", 10, 1.0}});  // the next part knows how the last one went
  progress.begin("a");
  now_ += 1;
  progress.step(1, {});
  EXPECT_DOUBLE_EQ(progress.eta_seconds(), 9 * 16.0 / 11);
}

TEST_F(ProgressTest, APhaseKnowsItsStepsBetterThanThePlan) {
  Progress progress(ProgressStyle::plain, out_, terminal_);
  progress.plan({{"a", 10, 1.0}, {"b", 117, 1.0}, {"c", 10, 1.0}});
  progress.begin("a");
  now_ += 10;
  progress.step(10, {});
  progress.begin("b", 100, 140);
  EXPECT_DOUBLE_EQ(progress.eta_seconds(), 40 + 10);
  for (int step = 101; step <= 140; ++step) {
    now_ += 1;
    progress.step(step, {});
  }
  EXPECT_DOUBLE_EQ(progress.eta_seconds(), 10);
  EXPECT_NE(written().find("\nb: 40 steps\n"), std::string::npos) << written();
  EXPECT_NE(written().find("\nb step 110/140 "), std::string::npos) << written();
}

TEST_F(ProgressTest, PlainLinesHaveNoControlCharactersAndGrowRarer) {
  Progress progress(ProgressStyle::plain, out_, terminal_);
  progress.plan({{"train", 600, 1.0}});
  progress.begin("train");
  for (int step = 1; step <= 600; ++step) {
    now_ += 1;
    progress.step(step, {{"loss", "1.5"}});
  }
  progress.end();
  progress.finish();
  const std::string text = written();
  EXPECT_EQ(text.find('\r'), std::string::npos);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  // 10, 30, 70, then every 60 s: 130, 190, … 550.
  EXPECT_EQ(count(text, "\ntrain step "), 11u) << text;
  EXPECT_NE(text.find("train step 30/600  5 % of the run, 9m30s left: loss 1.5\n"), std::string::npos) << text;
  EXPECT_NE(text.find("train done: 600 steps in 10m00s; loss 1.5\n"), std::string::npos) << text;
}

TEST_F(ProgressTest, EarlyEtaIsARange) {
  Progress progress(ProgressStyle::plain, out_, terminal_);
  progress.plan({{"train", 1000, 1.0}});
  progress.begin("train");
  now_ += 10;
  progress.step(10, {});
  EXPECT_NE(written().find("1 % of the run, 11m33s to 24m45s left\n"), std::string::npos) << written();
}

TEST_F(ProgressTest, RedrawKeepsOneBlockOfThreeLines) {
  terminal_.columns = 60;
  Progress progress(ProgressStyle::redraw, out_, terminal_);
  progress.plan({{"base", 10, 1.0}, {"stage1", 20, 1.0}});
  progress.begin("base");
  progress.end();
  progress.begin("stage1");
  for (int step = 1; step <= 20; ++step) {
    now_ += 1;
    progress.step(step, {{"loss", std::to_string(20 - step)}, {"lr", "1e-3"}});
  }
  const std::string text = written();
  const std::string block = text.substr(text.rfind("\x1b[J") + 3);
  EXPECT_EQ(count(block, "\n"), 3u) << block;
  EXPECT_NE(block.find("base ✓  stage1 step 20/20\n"), std::string::npos) << block;
  EXPECT_NE(block.find("loss 0 ██▇▇▆▆▅▅▄▄▃▃▂▂▁▁   lr 1e-3\n"), std::string::npos) << block;
  EXPECT_EQ(block.find("\x1b["), std::string::npos) << "colour is off";
  progress.finish();
  EXPECT_EQ(written().substr(written().size() - 8), "\r\x1b[3A\x1b[J");
}

TEST_F(ProgressTest, RedrawIsAtMostTenTimesASecond) {
  Progress progress(ProgressStyle::redraw, out_, terminal_);
  progress.plan({{"a", 1000, 1.0}});
  progress.begin("a");
  const std::size_t before = count(written(), "\x1b[J");
  for (int step = 1; step <= 1000; ++step) {
    now_ += 0.001;
    progress.step(step, {});
  }
  EXPECT_LE(count(written(), "\x1b[J") - before, 10u);
}

TEST_F(ProgressTest, LinesNeverExceedTheColumns) {
  terminal_.columns = 40;
  terminal_.glyphs = Glyphs::ascii;
  Progress progress(ProgressStyle::redraw, out_, terminal_);
  progress.plan({{"a-phase-with-a-long-name", 1000000, 1.0}, {"another-long-phase-name", 1000000, 1.0}});
  progress.begin("another-long-phase-name");
  now_ += 1;
  progress.step(1, {{"a-long-fact", "1.2345678"}, {"another-long-fact", "2.3456789"}, {"more", "3"}});
  std::string text = written();
  text = text.substr(text.rfind("\x1b[J") + 3);
  for (std::size_t at = 0, end; (end = text.find('\n', at)) != std::string::npos; at = end + 1) {
    EXPECT_LE(end - at, 39u) << text.substr(at, end - at);
  }
}

TEST_F(ProgressTest, SayKeepsItsLineAboveTheBlock) {
  Progress progress(ProgressStyle::redraw, out_, terminal_);
  progress.plan({{"a", 10, 1.0}});
  progress.begin("a");
  progress.say("warning: 3 rows skipped\x1b[31m");
  const std::string text = written();
  EXPECT_NE(text.find("\x1b[Jwarning: 3 rows skipped [31m\na step 0/10"), std::string::npos) << text;
}

TEST_F(ProgressTest, QuietWritesNothing) {
  Progress progress(ProgressStyle::quiet, out_, terminal_);
  progress.plan({{"a", 10, 1.0}});
  progress.begin("a");
  progress.step(1, {});
  progress.say("x");
  progress.end();
  progress.finish();
  EXPECT_EQ(written(), "");
}

TEST_F(ProgressTest, CallsOutOfOrderAreHarmless) {
  Progress progress(ProgressStyle::redraw, out_, terminal_);
  progress.step(3, {});
  progress.end();
  progress.begin("not planned");
  now_ += 1;
  progress.step(3, {{"x", "nan"}});
  progress.step(2, {});
  progress.begin("not planned");
  progress.end();
  progress.end();
  SUCCEED();
}

TEST_F(ProgressTest, AFileIsNotATerminal) {
  EXPECT_FALSE(terminal_of(out_).redraws);
  ::setenv("COLUMNS", "123", 1);
  EXPECT_EQ(terminal_of(out_).columns, 123);
  ::unsetenv("COLUMNS");
}

TEST(ShortDuration, ReadsAsPeopleSayIt) {
  EXPECT_EQ(short_duration(0.4), "0s");
  EXPECT_EQ(short_duration(59.4), "59s");
  EXPECT_EQ(short_duration(59.6), "1m00s");
  EXPECT_EQ(short_duration(372), "6m12s");
  EXPECT_EQ(short_duration(3900), "1h05m");
}

}  // namespace
}  // namespace hone::report
