#include "hone/text/pipeline/pattern.h"

#include "hone/base/error.h"

namespace hone::text::pipeline {

Pattern Pattern::literal(std::string_view text, std::string_view where) {
  require(!text.empty(), ErrorKind::format, "{}: an empty text to look for", where);
  Pattern made;
  made.text_ = text;
  return made;
}

Pattern Pattern::regex(std::string_view expression, std::string_view where) {
  if (const auto which = known_pattern(expression)) return known(*which);
  Pattern made;
  made.text_ = expression;
  made.regex_ = Regex(expression, where);
  return made;
}

Pattern Pattern::known(KnownPattern which) {
  Pattern made;
  made.text_ = pattern_text(which);
  made.known_ = which;
  return made;
}

}  // namespace hone::text::pipeline
