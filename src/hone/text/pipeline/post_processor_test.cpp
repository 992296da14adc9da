#include "hone/text/pipeline/post_processor.h"

#include <gtest/gtest.h>

namespace hone::text::pipeline {
namespace {

using Ids = std::vector<int32_t>;
using What = TemplatePart::What;

TEST(PostProcessor, PutsTokensAround) {
  PostProcessor post;
  post.single = {{What::special, {101}, 0}, {What::first, {}, 0}, {What::special, {102, 103}, 2}};
  post.pair = {{What::first, {}, 0}, {What::special, {102}, 0}, {What::second, {}, 1}};
  const Encoding one = process(post, {1, 2});
  EXPECT_EQ(one.ids, (Ids{101, 1, 2, 102, 103}));
  EXPECT_EQ(one.type_ids, (Ids{0, 0, 0, 2, 2}));
  const Encoding two = process(post, {1, 2}, {3});
  EXPECT_EQ(two.ids, (Ids{1, 2, 102, 3}));
  EXPECT_EQ(two.type_ids, (Ids{0, 0, 0, 1}));
}

TEST(PostProcessor, NothingToAdd) {
  EXPECT_EQ(process({}, {1}).ids, Ids{1});
  const Encoding two = process({}, {1}, {2, 3});
  EXPECT_EQ(two.ids, (Ids{1, 2, 3}));
  EXPECT_EQ(two.type_ids, (Ids{0, 1, 1}));
}

}  // namespace
}  // namespace hone::text::pipeline
