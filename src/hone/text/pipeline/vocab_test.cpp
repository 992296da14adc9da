#include "hone/text/pipeline/vocab.h"

#include "hone/text/test_errors.h"

namespace hone::text::pipeline {
namespace {

TEST(Vocab, FindsWhatMayBeFound) {
  Vocab vocab;
  EXPECT_EQ(vocab.find("a"), -1);
  vocab.add(3, "a", Vocab::Findable::yes);
  vocab.add(1, "<s>", Vocab::Findable::no);
  EXPECT_EQ(vocab.size(), 4);
  EXPECT_EQ(vocab.find("a"), 3);
  EXPECT_EQ(vocab.find("<s>"), -1);
  EXPECT_EQ(vocab.lookup("<s>"), 1);
  EXPECT_TRUE(vocab.has(1) && !vocab.has(2) && !vocab.has(-1) && !vocab.has(4));
  vocab.add(0, "a", Vocab::Findable::no);
  EXPECT_EQ(vocab.find("a"), 3);
  EXPECT_TRUE(says(error_of([&] { vocab.add(3, "b", Vocab::Findable::yes); }), "internal"));
}

TEST(Vocab, Grows) {
  Vocab vocab;
  for (int32_t i = 0; i < 3000; ++i) vocab.add(i, std::to_string(i), Vocab::Findable::yes);
  for (int32_t i = 0; i < 3000; ++i) EXPECT_EQ(vocab.find(std::to_string(i)), i);
  EXPECT_EQ(vocab.find("3000"), -1);
}

}  // namespace
}  // namespace hone::text::pipeline
