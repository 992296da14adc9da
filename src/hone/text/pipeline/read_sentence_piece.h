// SentencePiece model files (tokenizer.model, spiece.model) into a Pipeline.
//
// Read here and not by libsentencepiece: that library brings a protobuf of its own whose symbols take the place of
// those that libtorch's dependencies are linked to, and it trusts the file. Ids and texts equal the library's (the
// tests compare them).
#pragma once

#include "hone/text/pipeline/pipeline.h"

#include <string_view>

namespace hone::text::pipeline {

/// Ids of pieces with a role; -1 where the model has none.
struct PieceRoles {
  int32_t bos = -1, end = -1, pad = -1;
};

/// Reads a serialized ModelProto: Unigram and BPE, with byte fallback, control and user-defined pieces.
///
/// Scores are added in single precision, as the library does. Control pieces are special: never the answer to a text.
/// Errors: format, naming `where` and the byte: not a model, a piece that is empty, given twice, not UTF-8 or over 1
/// kB, not exactly one unknown piece, WORD and CHAR models, unused pieces in BPE, white space as suffix, a
/// denormalizer.
Pipeline read_sentence_piece(std::string_view model, std::string_view where, PieceRoles& roles);

}  // namespace hone::text::pipeline
