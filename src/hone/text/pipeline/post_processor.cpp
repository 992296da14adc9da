#include "hone/text/pipeline/post_processor.h"

namespace hone::text::pipeline {
namespace {

void append(Encoding& to, const std::vector<int32_t>& ids, int32_t type_id) {
  to.ids.insert(to.ids.end(), ids.begin(), ids.end());
  to.type_ids.insert(to.type_ids.end(), ids.size(), type_id);
}

Encoding fill(const Template& parts, const std::vector<int32_t>& first, const std::vector<int32_t>& second) {
  Encoding out;
  for (const TemplatePart& part : parts) {
    switch (part.what) {
      case TemplatePart::What::special:
        append(out, part.ids, part.type_id);
        break;
      case TemplatePart::What::first:
        append(out, first, part.type_id);
        break;
      case TemplatePart::What::second:
        append(out, second, part.type_id);
        break;
    }
  }
  return out;
}

}  // namespace

Encoding process(const PostProcessor& post, const std::vector<int32_t>& first) {
  if (!post.single.empty()) return fill(post.single, first, {});
  Encoding out;
  append(out, first, 0);
  return out;
}

Encoding process(const PostProcessor& post, const std::vector<int32_t>& first, const std::vector<int32_t>& second) {
  if (!post.pair.empty()) return fill(post.pair, first, second);
  Encoding out;
  append(out, first, 0);
  append(out, second, 1);
  return out;
}

}  // namespace hone::text::pipeline
