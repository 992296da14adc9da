#include "hone/kernels/common.h"

#include "hone/base/error.h"

#include <gtest/gtest.h>

#include <string>

namespace hone::kernels {
namespace {

TEST(NamedMode, KnowsTwoWordsAndTheNearestToAnother) {
  EXPECT_EQ(named_mode(""), Mode::fused);
  EXPECT_EQ(named_mode("fused"), Mode::fused);
  EXPECT_EQ(named_mode("reference"), Mode::reference);
  for (const char* name : {"referense", "Reference", "fused ", "naive"}) {
    try {
      named_mode(name);
      FAIL() << name;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::usage);
      EXPECT_NE(std::string(error.what()).find(name), std::string::npos) << error.what();
    }
  }
  try {
    named_mode("referense");
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("did you mean \"reference\""), std::string::npos) << error.what();
  }
}

TEST(Floats, LieOnACacheLine) {
  for (const int64_t size : {0, 1, 16, 1001}) {
    const Floats floats(size);
    EXPECT_EQ(floats.size(), size);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(floats.data()) % 64, 0u);
  }
}

}  // namespace
}  // namespace hone::kernels
