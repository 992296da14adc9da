#include "hone/bench/bench.h"
#include "hone/text/bench_text.h"
#include "hone/text/tokenizer.h"

#include "hone/base/rng.h"

#include <algorithm>
#include <string_view>

namespace hone::bench {
namespace {

constexpr int64_t kWords = 20000;  // about 100 kB of text

std::vector<std::string> vocabulary() {
  std::vector<std::string> words;
  Rng rng(5);
  for (int64_t i = 0; i < 500; ++i) {
    std::string word = "w" + std::to_string(i);  // no two alike
    for (uint64_t n = rng.below(6); n > 0; --n) word += static_cast<char>('a' + rng.below(26));
    words.push_back(word);
  }
  return words;
}

std::string text_of(const std::vector<std::string>& words) {
  std::string text;
  Rng rng(6);
  for (int64_t i = 0; i < kWords; ++i) text += (i == 0 ? "" : " ") + words[rng.below(words.size())];
  return text;
}

// Megabytes of text a second, both ways.
void add_rows(Json& rows, const std::string& name, const text::Tokenizer& tokenizer, const Plan& plan) {
  const std::string text = text_of(vocabulary());
  const double megabytes = static_cast<double>(text.size()) / 1e6;
  const text::Ids ids = tokenizer.encode(text);
  const auto row = [&](const char* way) {
    return Json{{"name", name + " " + way},
                {"bench", "tokenize"},
                {"unit", "MB/s"},
                {"vocab", tokenizer.size()},
                {"tokens_per_byte", static_cast<double>(ids.size()) / static_cast<double>(text.size())}};
  };
  rows.push_back(measured(row("encode"), plan.pace, [&] { return tokenizer.encode(text).empty() ? 0.0 : megabytes; }));
  rows.push_back(measured(row("decode"), plan.pace, [&] { return tokenizer.decode(ids).empty() ? 0.0 : megabytes; }));
}

constexpr std::size_t kFileBytes = 10'000'000, kDocumentBytes = 10'000;

// Lines put together until they have 10 kB, as in bench/rivals/encode_text.py.
std::vector<std::string_view> documents_of(std::string_view text) {
  std::vector<std::string_view> documents;
  for (std::size_t begin = 0; begin < text.size();) {
    const auto line = text.find('\n', std::min(text.size(), begin + kDocumentBytes));
    const auto end = line == std::string_view::npos ? text.size() : line + 1;
    documents.push_back(text.substr(begin, end - begin));
    begin = end;
  }
  return documents;
}

Json file_row(const std::filesystem::path& file, const Plan& plan) {
  const auto tokenizer = text::Tokenizer::load(file);
  const std::string text = text::bench_text(kFileBytes);
  const auto documents = documents_of(text);
  std::size_t next = 0;
  Json row = {{"name", "encode " + file.stem().string()},
              {"bench", "tokenize"},
              {"unit", "MB/s"},
              {"vocab", tokenizer.size()},
              {"shape", {{"tokenizer", file.string()}}}};
  return measured(std::move(row), plan.pace, [&] {
    const std::string_view document = documents[next++ % documents.size()];
    return tokenizer.encode(document).empty() ? 0.0 : static_cast<double>(document.size()) / 1e6;
  });
}

}  // namespace

Json tokenize_rows(const Plan& plan) {
  Json rows = Json::array();
  for (const auto& file : plan.tokenizers) rows.push_back(file_row(file, plan));
  if (!rows.empty()) return rows;
  add_rows(rows, "bytes", text::Tokenizer::bytes(text::standard_specials()), plan);
  add_rows(rows, "symbols", text::Tokenizer::symbols(text::standard_specials(), vocabulary()), plan);
  return rows;
}

}  // namespace hone::bench
