#include "hone/text/pipeline/word_models.h"

#include "hone/text/test_errors.h"

namespace hone::text::pipeline {
namespace {

using Ids = std::vector<int32_t>;

Ids pieces(const WordPiece& model, std::string_view word) {
  Ids out = {99};
  encode(model, word, out);
  EXPECT_EQ(out.front(), 99);
  out.erase(out.begin());
  return out;
}

WordPiece small() {
  WordPiece model;
  model.begins.add("un", 1);
  model.begins.add("una", 2);
  model.continues.add("aff", 3);
  model.continues.add("able", 4);
  model.unk = 0;
  return model;
}

TEST(WordPiece, LongestPieceFirst) {
  EXPECT_EQ(pieces(small(), "unaffable"), Ids{0});  // una + ffable has no pieces, and there is no way back
  EXPECT_EQ(pieces(small(), "unaable"), (Ids{2, 4}));
  EXPECT_EQ(pieces(small(), "unable"), Ids{0});
  EXPECT_EQ(pieces(small(), "un"), Ids{1});
  EXPECT_EQ(pieces(small(), "aff"), Ids{0});
}

TEST(WordPiece, LongWordsAreUnknown) {
  WordPiece model = small();
  model.begins.add("é", 5);
  model.continues.add("é", 6);
  model.most_chars = 3;
  EXPECT_EQ(pieces(model, "ééé"), (Ids{5, 6, 6}));
  EXPECT_EQ(pieces(model, "éééé"), Ids{0});
  model.unk = -1;
  EXPECT_TRUE(says(error_of([&] { pieces(model, "éééé"); }), "data: word \"éééé\" has no pieces"));
}

TEST(WordLevel, WordsAndTheirErrors) {
  Vocab vocab;
  vocab.add(0, "plus", Vocab::Findable::yes);
  vocab.add(1, "<end>", Vocab::Findable::no);
  Ids out;
  encode(WordLevel{}, vocab, "plus", out);
  encode(WordLevel{7, "<unk>"}, vocab, "<end>", out);
  EXPECT_EQ(out, (Ids{0, 7}));
  EXPECT_TRUE(says(error_of([&] { encode(WordLevel{}, vocab, "plsu", out); }),
                   "word \"plsu\" is not in the vocabulary of 1 words; did you mean \"plus\"?"));
}

}  // namespace
}  // namespace hone::text::pipeline
