#include "hone/text/pipeline/decoders.h"

#include "hone/text/test_errors.h"

namespace hone::text::pipeline {
namespace {

const std::string kBad = "\xEF\xBF\xBD";

// What each push gives, with a bar behind it, and the rest.
std::string stream(const std::vector<Decoder>& steps, const std::vector<std::string>& tokens) {
  DecodeRun run(steps);
  std::string out;
  for (const std::string& token : tokens) {
    run.push(token, out);
    out += '|';
  }
  run.finish(out);
  return out;
}

std::string decode(const std::vector<Decoder>& steps, const std::vector<std::string>& tokens) {
  DecodeRun run(steps);
  std::string out;
  for (const std::string& token : tokens) run.push(token, out);
  run.finish(out);
  return out;
}

TEST(Decoders, Each) {
  EXPECT_EQ(decode({JoinWithSpaces{}}, {"a", "b"}), "a b");
  EXPECT_EQ(decode({BytesToText{}}, {"Ġa", "Ã", "©", "€"}), " aé€");
  EXPECT_EQ(decode({WordPieceDecoder{}}, {"un", "##aff", "able", ".", "don", "'", "t"}), "unaff able. don ' t");
  EXPECT_EQ(decode({WordPieceDecoder{"##", false}}, {"a", "."}), "a .");
  EXPECT_EQ(decode({MetaspaceDecoder{}}, {"▁a", "▁b▁"}), "a b ");
  EXPECT_EQ(decode({MetaspaceDecoder{"▁", false}}, {"▁a"}), " a");
  EXPECT_EQ(decode({SuffixDecoder{}}, {"a</w>", "b", "c</w>"}), "a bc");
  EXPECT_EQ(decode({CtcDecoder{}}, {"a", "a", "<pad>", "a", "|", "b"}), "aa b");
  EXPECT_EQ(decode({ReplaceDecoder{Pattern::literal("_", "t"), " "}}, {"a_", "_b"}), "a  b");
  EXPECT_EQ(decode({StripDecoder{U'x', 1, 2}}, {"xxaxxx", "x"}), "xax");
  EXPECT_EQ(decode({ByteFallbackDecoder{}}, {"a", "<0xC3>", "<0xA9>", "<0x-1>", "<0xE4>", "b", "<0xFF>"}),
            "aé<0x-1>" + kBad + "b" + kBad);
}

TEST(Decoders, StreamsHoldBackWhatIsNotCertain) {
  EXPECT_EQ(stream({BytesToText{false}}, {"\xE4", "\xBD", "\xA0", "\xFF", "a"}), "||你||" + kBad + "a|");
  EXPECT_EQ(stream({BytesToText{false}}, {"\xE4\xBD"}), "|" + kBad);
  EXPECT_EQ(stream({ByteFallbackDecoder{}}, {"<0xE4>", "a"}), "|" + kBad + "a|");
  const std::vector<Decoder> llama = {ReplaceDecoder{Pattern::literal("▁", "t"), " "}, ByteFallbackDecoder{}, Fuse{},
                                      StripDecoder{U' ', 1, 0}};
  EXPECT_EQ(stream(llama, {"▁", "▁a", "▁"}), "| a| |");
  EXPECT_EQ(stream({Fuse{}, StripDecoder{U' ', 0, 2}}, {"a ", " ", " ", "b  "}), "a|| |  b|");
}

TEST(Decoders, StepsBehindAFusedTextSeeItWhole) {
  EXPECT_EQ(decode({Fuse{}, ReplaceDecoder{Pattern::literal("ab", "t"), "x"}}, {"a", "b"}), "x");
  EXPECT_EQ(decode({Fuse{}, SuffixDecoder{}}, {"a</", "w>b"}), "ab");
}

TEST(Decoders, BlowUpsAreRefused) {
  std::vector<Decoder> steps;
  for (int i = 0; i < 40; ++i) steps.push_back(ReplaceDecoder{Pattern::literal("a", "t"), "aa"});
  EXPECT_TRUE(says(error_of([&] { decode(steps, {"a"}); }), "data: the decoder makes over"));
}

}  // namespace
}  // namespace hone::text::pipeline
