#include "hone/text/stream_decoder.h"

#include "hone/text/test_errors.h"

namespace hone::text {
namespace {

TEST(StreamDecoder, HoldsIncompleteTextBack) {
  const Tokenizer t = Tokenizer::bytes(standard_specials());
  const Ids ids = t.encode("é");
  StreamDecoder stream(t);
  EXPECT_EQ(stream.push(t.bos()), "");
  EXPECT_EQ(stream.push(ids[0]), "");
  EXPECT_EQ(stream.push(ids[1]), "é");
  EXPECT_EQ(stream.push(ids[0]), "");
  EXPECT_EQ(stream.finish(), "\uFFFD");
}

TEST(StreamDecoder, OutlivesTheTokenizerItWasMadeOf) {
  StreamDecoder stream{Tokenizer()};
  {
    const std::vector<std::string> words = {"a", "b"};
    stream = StreamDecoder(Tokenizer::symbols(standard_specials(), words));
  }
  EXPECT_EQ(stream.push(7), "a");
  EXPECT_EQ(stream.push(8), " b");
  EXPECT_TRUE(says(error_of([&] { stream.push(9); }), "data: id 9 is outside the vocabulary"));
}

}  // namespace
}  // namespace hone::text
