// One JSONL text as rows, as preferences and as problems of every verifier; what can be read is used.
#include "hone/base/error.h"
#include "hone/data/pair_rows.h"
#include "hone/data/rows.h"
#include "hone/tasks/verifiers.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace {

// Only hone::Error may leave `call`.
template <class Call>
void allow_errors(Call&& call) {
  try {
    call();
  } catch (const hone::Error&) {
  }
}

void use_rows(std::string_view content, const hone::text::Tokenizer& tokenizer) {
  for (const hone::data::Row& row : hone::data::parse_rows(content, "fuzz.jsonl")) {
    const hone::data::Example example = hone::data::tokenize(row, tokenizer, 64, hone::data::TooLong::truncate);
    if (example.ids.size() != example.loss_mask.size() || example.ids.size() > 64) __builtin_trap();
    tokenizer.decode_all(example.ids);
  }
}

void use_pairs(std::string_view content, const hone::text::Tokenizer& tokenizer) {
  const auto rows = hone::data::parse_pair_rows(content, "fuzz.jsonl");
  const auto set = hone::data::tokenize_pairs(rows, tokenizer, 64, hone::data::TooLong::truncate);
  if (set.pairs.size() != set.prompts.size() || set.pairs.size() + static_cast<std::size_t>(set.equal) != rows.size())
    __builtin_trap();
  for (const auto& pair : set.pairs)
    if (pair.chosen.ids == pair.rejected.ids || pair.chosen.ids.empty()) __builtin_trap();
}

void use_problems(std::string_view content, const std::string& verifier, const hone::text::Tokenizer& tokenizer) {
  const hone::tasks::Verifier verify = hone::tasks::make_verifier(verifier);
  for (const hone::tasks::Problem& problem : hone::tasks::parse_problems(content, "fuzz.jsonl", verifier)) {
    hone::data::prompt_ids(problem, tokenizer);
    for (const std::string& completion : {problem.prompt, problem.answer, std::string("1 + 2 = 3 ; 3 * 4 = 12")}) {
      const hone::tasks::Verdict verdict = verify(problem, completion);
      if ((verdict.reward > 0) != verdict.reason.empty()) __builtin_trap();
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  static const auto kTokenizer = hone::text::Tokenizer::bytes(hone::text::standard_specials());
  const std::string_view content(reinterpret_cast<const char*>(data), size);
  allow_errors([&] { use_rows(content, kTokenizer); });
  allow_errors([&] { use_pairs(content, kTokenizer); });
  for (const std::string& verifier : hone::tasks::verifier_names()) {
    allow_errors([&] { use_problems(content, verifier, kTokenizer); });
  }
  return 0;
}
