#include "cli/launch.h"

#include "hone/base/error.h"

#include <gtest/gtest.h>

namespace hone::cli {
namespace {

TEST(Launch, TheEngineLiesBesideTheProgramOrIsMissedByName) {
  try {
    const std::filesystem::path engine = engine_path();
    EXPECT_EQ(engine.filename(), "hone-engine");
    EXPECT_EQ(engine.parent_path(), std::filesystem::read_symlink("/proc/self/exe").parent_path());
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::io);
    EXPECT_NE(std::string(error.what()).find("hone-engine"), std::string::npos);
    EXPECT_EQ(error.remedy(), "build it: make build");
  }
}

}  // namespace
}  // namespace hone::cli
