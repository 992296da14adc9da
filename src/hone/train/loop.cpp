#include "hone/train/loop.h"

#include "hone/base/error.h"
#include "hone/base/files.h"
#include "hone/tasks/jsonl.h"

#include <algorithm>
#include <numeric>

namespace hone::train {
namespace {

namespace fs = std::filesystem;

LoopRows rows_of(std::string_view text, const std::string& where) {
  LoopRows rows;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    rows.push_back(base::parse_json(text.substr(0, end), fmt::format("{}:{}", where, rows.size() + 1)));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return rows;
}

/// One iteration of a loop, and its files.
class Turn {
 public:
  Turn(Env& env, Session& session, const LoopPlan& plan, const Round& round)
      : env_(env), session_(session), plan_(plan), round_(round), dir_(env.dir / "loop" / plan.name) {}

  /// Later stages are looked for first: what led to a finished one is not read again.
  LoopRows kept() {
    LoopRows rows = stage("kept", [&] { return plan_.filter(round_, judged()); });
    remove_parts();
    return rows;
  }

 private:
  LoopRows judged() {
    return stage("judged", [&] {
      LoopRows samples = this->samples();
      const std::size_t count = samples.size();
      LoopRows rows = plan_.judge(round_, std::move(samples));
      require(rows.size() == count, ErrorKind::internal, "{} judged {} of {} samples", plan_.name, rows.size(), count);
      return rows;
    });
  }

  LoopRows samples() {
    return stage("samples", [&] {
      LoopRows rows;
      for (int64_t part = 0; part < plan_.parts; ++part) {
        LoopRows some = sampled_part(part);
        std::move(some.begin(), some.end(), std::back_inserter(rows));
      }
      return rows;
    });
  }

  fs::path file(const std::string& stage) const { return dir_ / fmt::format("{}-{}.jsonl", round_.iteration, stage); }

  // A part that an interrupted run left is taken over, if it is of this very model.
  LoopRows sampled_part(int64_t part) {
    const fs::path path = file(fmt::format("samples.part{}", part));
    if (fs::exists(path)) {
      LoopRows rows = rows_of(base::read_file(path), path.string());
      const bool ours = std::all_of(rows.begin(), rows.end(), [&](const Json& row) {
        return row.is_object() && row.contains("model") && row.at("model") == round_.model;
      });
      if (ours) return rows;
    }
    if (env_.stop) throw Interrupted();
    LoopRows rows = stamped(plan_.sample(round_, part), "samples");
    base::write_file_atomic(path, tasks::jsonl_text(rows));
    return rows;
  }

  LoopRows stamped(LoopRows rows, const std::string& stage) const {
    for (Json& row : rows) {
      require(row.is_object(), ErrorKind::internal, "{}: a row of {} is no object", plan_.name, stage);
      require(stage == "kept" || (row.contains("problem") && row.contains("sample")), ErrorKind::internal,
              "{}: a row of {} names no problem or sample", plan_.name, stage);
      Json whole = {{"iteration", round_.iteration}, {"seed", env_.rng.key()}, {"model", round_.model}};
      for (auto& [key, value] : row.items()) {
        if (!whole.contains(key)) whole[key] = std::move(value);
      }
      row = std::move(whole);
    }
    return rows;
  }

  template <class Compute>
  LoopRows stage(const std::string& name, Compute compute) {
    const fs::path path = file(name);
    std::optional<LoopRows> fresh;
    const Json done = session_.once(fmt::format("{}.{}.{}", plan_.name, round_.iteration, name), [&] {
      LoopRows rows = stamped(compute(), name);
      const std::string text = tasks::jsonl_text(rows);
      base::make_folders(dir_);
      base::write_file_atomic(path, text);
      env_.record.event("loop", {{"loop", plan_.name},
                                 {"iteration", round_.iteration},
                                 {"stage", name},
                                 {"rows", rows.size()},
                                 {"model", round_.model}});
      const Json value = {{"rows", rows.size()}, {"bytes", text.size()}, {"sha256", base::sha256_hex(text)}};
      fresh = std::move(rows);
      return value;
    });
    return fresh ? std::move(*fresh) : read_back(path, done);
  }

  // What a checkpoint counts on must be what is there.
  LoopRows read_back(const fs::path& path, const Json& done) const {
    const std::string expected = base::get_string(done, "sha256", "state.json");
    constexpr const char* kRemedy = "put the file back as it was, or start a new run: later stages were made from it";
    if (!fs::exists(path))
      throw Error(ErrorKind::io, fmt::format("{} is missing, and this run goes on from it", path.string()), kRemedy);
    const std::string text = base::read_file(path);
    if (base::sha256_hex(text) != expected)
      throw Error(ErrorKind::data,
                  fmt::format("{} has changed since this run wrote it ({} bytes, {} were written)", path.string(),
                              text.size(), base::dump(done.at("bytes"))),
                  kRemedy);
    return rows_of(text, path.string());
  }

  void remove_parts() const {
    std::error_code ignored;  // a part that stays is only untidy
    for (int64_t part = 0; part < plan_.parts; ++part) fs::remove(file(fmt::format("samples.part{}", part)), ignored);
  }

  Env& env_;
  Session& session_;
  const LoopPlan& plan_;
  const Round& round_;
  fs::path dir_;
};

}  // namespace

std::string model_hash(const models::Decoder& model) {
  base::Sha256 hash;
  for (const at::Tensor& numbers : {model.flat, model.adapter.flat}) {
    if (!numbers.defined()) continue;
    const auto here = numbers.cpu();
    hash.add({reinterpret_cast<const char*>(here.data_ptr<float>()),
              static_cast<std::size_t>(here.numel()) * sizeof(float)});
  }
  return hash.hex().substr(0, 16);
}

void run_loop(Env& env, Session& session, const models::Decoder& policy, const LoopPlan& plan) {
  require(plan.parts >= 1, ErrorKind::internal, "{}: {} parts", plan.name, plan.parts);
  base::make_folders(env.dir / "loop" / plan.name);
  for (int64_t iteration = 1; iteration <= plan.iterations; ++iteration) {
    const Round round{iteration, model_hash(policy), env.rng.fork(plan.name, {static_cast<uint64_t>(iteration)})};
    const auto kept = Turn(env, session, plan, round).kept();
    plan.train(round, kept);
  }
}

Json rollout_row(const tasks::Problem& problem, const generate::Rollout& rollout, const text::Tokenizer& tokenizer) {
  Json turns = Json::array();
  for (const auto& turn : rollout.turns) {
    const double logprob = std::accumulate(turn.logprobs.begin(), turn.logprobs.end(), 0.0);
    turns.push_back({{"text", tokenizer.decode(turn.ids)},
                     {"ids", turn.ids},
                     {"logprob", base::finite_or_null(logprob)},
                     {"finish", turn.finish == text::Finish::length ? "length" : "stop"}});
  }
  return {{"problem", problem.id}, {"sample", rollout.sample}, {"turns", turns}};
}

std::vector<generate::Completion> turns_of(const Json& row, std::string_view where) {
  require(row.is_object() && row.contains("turns") && row.at("turns").is_array(), ErrorKind::format,
          "{}: a row without \"turns\"", where);
  std::vector<generate::Completion> turns;
  for (const Json& turn : row.at("turns")) {
    require(turn.is_object() && turn.contains("ids") && turn.at("ids").is_array(), ErrorKind::format,
            "{}: a turn without \"ids\"", where);
    generate::Completion completion;
    for (const Json& id : turn.at("ids"))
      completion.ids.push_back(static_cast<int32_t>(base::get_int({{"id", id}}, "id", 0, INT32_MAX, where)));
    completion.logprobs.assign(completion.ids.size(), 0.0f);
    completion.finish = base::get_string(turn, "finish", where) == "length" ? text::Finish::length : text::Finish::stop;
    turns.push_back(std::move(completion));
  }
  return turns;
}

std::pair<std::size_t, std::size_t> part_of(std::size_t count, int64_t part, int64_t parts) {
  const auto size = static_cast<int64_t>(count);
  return {static_cast<std::size_t>(size * part / parts), static_cast<std::size_t>(size * (part + 1) / parts)};
}

Part part_of(const std::vector<tasks::Problem>& all, int64_t part, int64_t parts) {
  const auto [begin, end] = part_of(all.size(), part, parts);
  return {{all.begin() + static_cast<std::ptrdiff_t>(begin), all.begin() + static_cast<std::ptrdiff_t>(end)}, begin};
}

Asked::Asked(std::vector<tasks::Problem> problems) : problems_(std::move(problems)) {
  for (std::size_t i = 0; i < problems_.size(); ++i) places_[problems_[i].id] = i;
}

std::size_t Asked::place_of(const Json& row) const {
  const auto place = places_.find(base::get_string(row, "problem", "row"));
  require(place != places_.end(), ErrorKind::data, "a row names a problem that was not asked: {}",
          base::dump(row.at("problem")));
  return place->second;
}

}  // namespace hone::train
