#include "hone/text/pipeline/unigram.h"

#include "hone/base/error.h"
#include "hone/text/pipeline/unicode.h"
#include "hone/text/utf8.h"

#include <algorithm>

namespace hone::text::pipeline {
namespace {

constexpr double kUnknownPenalty = 10.0;

void search(const Unigram& model, std::string_view text, std::vector<UnigramScratch::Node>& nodes) {
  nodes.assign(text.size() + 1, {});
  const double exact = model.lowest - kUnknownPenalty;
  const double unknown = model.single_precision ? static_cast<double>(static_cast<float>(exact)) : exact;
  for (std::size_t at = 0; at < text.size();) {
    const auto point = static_cast<std::size_t>(step(text.substr(at)).bytes);
    const double so_far = nodes[at].score;
    const auto offer = [&](std::size_t bytes, int32_t id, double score) {
      UnigramScratch::Node& node = nodes[at + bytes];
      const double sum =
          model.single_precision ? static_cast<double>(static_cast<float>(so_far + score)) : so_far + score;
      if (node.id < 0 || sum > node.score) node = {sum, at, id};
    };
    bool single = false;
    model.pieces.for_each_prefix(text.substr(at), [&](std::size_t bytes, int32_t id) {
      offer(bytes, id, model.scores[static_cast<std::size_t>(id)]);
      single = single || bytes == point;
    });
    if (!single) {
      require(model.unk >= 0, ErrorKind::data, "{} has no piece and the vocabulary no unk token",
              quote(text.substr(at, point)));
      offer(point, model.unk, unknown);
    }
    at += point;
  }
}

void push_unknown(const Unigram& model, const Vocab& vocab, std::string_view part, std::vector<int32_t>& out) {
  if (const int32_t id = vocab.find(part); id >= 0) {
    out.push_back(id);
    return;
  }
  const auto known = [&](char c) { return model.bytes[static_cast<unsigned char>(c)] >= 0; };
  if (model.byte_fallback && std::all_of(part.begin(), part.end(), known)) {
    for (const char c : part) out.push_back(model.bytes[static_cast<unsigned char>(c)]);
  } else {
    out.push_back(model.unk);
  }
}

}  // namespace

void encode(const Unigram& model, const Vocab& vocab, std::string_view text, UnigramScratch& scratch,
            std::vector<int32_t>& out) {
  search(model, text, scratch.nodes);
  auto& spans = scratch.spans;
  spans.clear();
  for (std::size_t end = text.size(); end > 0;) {
    const UnigramScratch::Node& node = scratch.nodes[end];
    const bool joins = node.id == model.unk && !spans.empty() && spans.back().id == model.unk;
    if (joins) {
      spans.back().begin = node.from;
    } else {
      spans.push_back({node.from, end, node.id});
    }
    end = node.from;
  }
  for (auto span = spans.rbegin(); span != spans.rend(); ++span) {
    if (span->id == model.unk) {
      push_unknown(model, vocab, text.substr(span->begin, span->end - span->begin), out);
    } else {
      out.push_back(span->id);
    }
  }
}

}  // namespace hone::text::pipeline
