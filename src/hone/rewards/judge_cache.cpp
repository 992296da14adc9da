#include "hone/rewards/judge_cache.h"

#include "hone/base/error.h"
#include "hone/base/files.h"
#include "hone/base/json.h"

#include <map>
#include <unordered_map>

namespace hone::rewards {
namespace {

struct Memory {
  explicit Memory(base::LineLog opened) : log(std::move(opened)) {}
  std::unordered_map<std::string, Judgement> answers;
  base::LineLog log;
};

// A short name of an oracle for the lines of the file.
std::string short_name(const std::string& identity) { return base::sha256_hex(identity).substr(0, 16); }

struct Line {
  std::string key, oracle;
  Judgement judgement;
};

Line parse_line(std::string_view text, const std::string& place) {
  try {
    const Json json = base::parse_json(text, place);
    require(json.is_object() && json.contains("wins") && json.at("wins").is_array(), ErrorKind::format,
            "{}: not an answer of an oracle", place);
    return {base::get_string(json, "key", place), base::get_string(json, "oracle", place),
            judgement_from_json(json, json.at("wins").size(), place)};
  } catch (const Error& error) {
    throw Error(ErrorKind::format, error.what(),
                "take that line out of the file, or remove the file: the oracle is asked again");
  }
}

// Reads the file; the log goes on after its last whole line.
std::shared_ptr<Memory> open_memory(const std::filesystem::path& file, const std::string& oracle, CacheState& state) {
  std::string content;
  if (std::filesystem::exists(file)) content = base::read_file(file);
  const auto whole = content.rfind('\n');
  const std::size_t keep = whole == std::string::npos ? 0 : whole + 1;
  if (keep < content.size())
    state.note = fmt::format("{}: dropped a torn last line of {} bytes", file.string(), content.size() - keep);
  std::unordered_map<std::string, Judgement> answers;
  int64_t number = 0;
  for (std::size_t begin = 0; begin < keep;) {
    const std::size_t end = content.find('\n', begin);
    const std::string_view text = std::string_view(content).substr(begin, end - begin);
    begin = end + 1;
    ++number;
    if (text.empty()) continue;
    auto line = parse_line(text, fmt::format("{}:{}", file.string(), number));
    if (line.oracle == oracle)
      answers[line.key] = std::move(line.judgement);
    else
      ++state.foreign;
  }
  state.usable = static_cast<int64_t>(answers.size());
  auto memory = std::make_shared<Memory>(base::LineLog(file, static_cast<int64_t>(keep)));
  memory->answers = std::move(answers);
  return memory;
}

}  // namespace

std::string cache_key(const std::string& identity, const Question& question) {
  return base::sha256_hex(identity + "\n" + base::dump(question_json(question)));
}

Oracle cached(Oracle oracle, const std::filesystem::path& file, CacheState* state, CacheCount* count) {
  CacheState found;
  const std::string name = short_name(oracle.identity);
  const auto memory = open_memory(file, name, found);
  if (state != nullptr) *state = found;
  const auto judge = [inner = std::move(oracle), memory, name, count](std::span<const Question> questions,
                                                                      const Answered& answered) {
    std::map<std::string, std::vector<std::size_t>> open;  // questions by key
    std::vector<Question> asked;
    std::vector<std::string> keys;
    for (std::size_t i = 0; i < questions.size(); ++i) {
      const auto key = cache_key(inner.identity, questions[i]);
      if (count != nullptr) ++count->asked;
      if (const auto known = memory->answers.find(key); known != memory->answers.end()) {
        if (count != nullptr) ++count->known;
        answered(i, known->second);
        continue;
      }
      auto& same = open[key];
      if (same.empty()) {
        asked.push_back(questions[i]);
        keys.push_back(key);
      }
      same.push_back(i);
    }
    inner.judge(asked, [&](std::size_t i, const Judgement& judgement) {
      Json line = {{"key", keys[i]}, {"oracle", name}};
      line.update(to_json(judgement));
      memory->log.append(base::dump(line));
      memory->answers[keys[i]] = judgement;
      for (const std::size_t question : open.at(keys[i])) answered(question, judgement);
    });
    memory->log.sync();
  };
  return {oracle.identity, judge};
}

}  // namespace hone::rewards
