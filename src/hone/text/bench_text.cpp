#include "hone/text/bench_text.h"

#include <cstdint>
#include <sstream>
#include <string_view>
#include <vector>

namespace hone::text {
namespace {

constexpr std::string_view kWords =
    "the of and to in is that it was for on are as with they be at one have this from or had by hot but some what "
    "there we can out other were all your when up use word how said an each she which do their time if will way "
    "about many then them would write like so these her long make thing see him two has look more day could go "
    "come did my sound no most number who over know water than call first people may down side been now find "
    "tokenizer throughput measurement internationalisation don't we've it's return self.value += 1 (x, y) "
    "안녕하세요 세계 한국어 你好世界 今天天气 привет мир naïve café 😀 👩‍👩‍👧 10 2024 3.14159 100000 == != -> "
    "{} "
    "[]";

}  // namespace

std::string bench_text(std::size_t least_bytes) {
  std::istringstream in{std::string(kWords)};
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  std::string text;
  text.reserve(least_bytes + 64);
  uint64_t state = 1, in_line = 0;
  while (text.size() < least_bytes) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    text += words[(state >> 33) % words.size()];
    const bool ends = ++in_line == 12 + (state >> 60);
    if (ends) in_line = 0;
    text += ends ? ".\n" : " ";
  }
  return text;
}

}  // namespace hone::text
