#include "hone/text/bench_text.h"

#include "hone/base/sha256.h"
#include "hone/text/utf8.h"

#include <gtest/gtest.h>

namespace hone::text {
namespace {

// The digest is that of bench_text(100000) in bench/rivals/encode_text.py.
TEST(BenchText, IsTheRivalsText) {
  const std::string text = bench_text(100'000);
  EXPECT_TRUE(is_valid_utf8(text));
  EXPECT_GE(text.size(), 100'000u);
  EXPECT_EQ(base::sha256_hex(text), "24078c141ab170af1d3a7ec1c7443dedcf89e637fb7f24018700dca0789e9972");
}

}  // namespace
}  // namespace hone::text
