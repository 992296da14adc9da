#include "hone/bench/shapes.h"

#include <gtest/gtest.h>

namespace hone::bench {
namespace {

TEST(Shapes, ByName) {
  EXPECT_EQ(shape_of("d256").layers, 6);
  EXPECT_EQ(shape_of("gpt2-124m").vocab, 50257);
}

TEST(Shapes, UnknownNamesTheNearest) {
  try {
    shape_of("d265");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    EXPECT_NE(std::string(error.what()).find("did you mean \"d256\""), std::string::npos) << error.what();
  }
}

TEST(Shapes, AreDecoders) {
  for (const Shape& s : kShapes) {
    EXPECT_EQ(s.width % s.heads, 0) << s.name;
    EXPECT_LE(s.tokens, s.context) << s.name;
    EXPECT_GE(s.vocab, 64) << s.name;
  }
}

}  // namespace
}  // namespace hone::bench
