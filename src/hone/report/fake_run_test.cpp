#include "hone/report/fake_run.h"

#include "hone/base/files.h"
#include "hone/report/run_record.h"
#include "hone/report/summary.h"

#include <unistd.h>

#include <array>
#include <cmath>
#include <cstdlib>

namespace hone::report {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kProblems = 500;

struct FakeArm {
  const char *name, *label;
  double first, gained, lost;  // shares: right at first, and of all problems wrong→right, right→wrong
};
constexpr std::array kArms = {
    FakeArm{"base", "base model", 0.526, 0.046, 0.158},
    FakeArm{"star_plus", "STaR⁺", 0.536, 0.026, 0.022},
    FakeArm{"pair_sft_plus", "Pair-SFT⁺", 0.55, 0.06, 0.058},
    FakeArm{"single_turn_rl", "single-turn RL", 0.618, 0.02, 0.044},
    FakeArm{"no_stage1", "SCoRe without stage I", 0.592, 0.045, 0.023},
    FakeArm{"no_shaping", "SCoRe without shaping", 0.6, 0.05, 0.024},
    FakeArm{"score", "SCoRe", 0.6, 0.072, 0.014},
};

// Two attempts per problem with the arm's shares. Problems are equally hard for every arm, so that arms are paired.
SeedOutcomes fake_outcomes(uint64_t seed) {
  SeedOutcomes outcomes{seed, {}};
  for (const FakeArm& arm : kArms) {
    std::vector<double>&t1 = outcomes.arms[arm.name]["t1"], &t2 = outcomes.arms[arm.name]["t2"];
    for (std::size_t p = 0; p < kProblems; ++p) {
      const double hardness = Rng(7).fork("hard", {p}).uniform();
      Rng rng = Rng(seed).fork(arm.name, {p});
      const double draw = std::fmod(0.8 * hardness + 0.2 * rng.uniform(), 1.0);
      const bool right = draw < arm.first + 0.01 * std::sin(static_cast<double>(seed));
      const double turn = rng.uniform();
      t1.push_back(right);
      t2.push_back(right ? turn >= arm.lost / arm.first : turn < arm.gained / (1 - arm.first));
    }
  }
  return outcomes;
}

void write_curves(const fs::path& dir, uint64_t seed) {
  RunRecord record(dir, nullptr, nullptr);
  Rng noise = Rng(seed).fork("curves");
  for (int64_t step = 1; step <= 900; step += 3) {
    const double x = static_cast<double>(step) / 900;
    Metrics metrics = {{"loss", 0.9 + 2.4 * std::exp(-6 * x) + 0.05 * noise.normal()},
                       {"lr", 2e-3 * (1 - x)},
                       {"grad_norm", 0.6 + 0.2 * noise.uniform()},
                       {"tokens", 3200}};
    if ((step - 1) % 90 == 0) metrics.emplace_back("accuracy", 0.53 * (1 - std::exp(-5 * x)) + 0.01 * noise.normal());
    record.metrics("base", step, metrics, {{"tokens_per_s", 41000 + 900 * noise.normal()}});
  }
  for (const auto& [phase, steps, from] : {std::tuple{"score stage 1", 300, 0.0}, {"score stage 2", 700, 0.3}}) {
    for (int64_t step = 1; step <= steps; ++step) {
      const double x = from + 0.7 * static_cast<double>(step) / steps;
      const Metrics metrics = {{"right first", 0.52 + 0.08 * std::max(0.0, x - 0.3) + 0.03 * noise.normal()},
                               {"right second", 0.42 + 0.23 * x + 0.03 * noise.normal()},
                               {"kl first", 0.02 + 0.05 * x + 0.004 * noise.normal()},
                               {"loss", 0.02 * noise.normal() - 0.05 * x},
                               {"ratio", 1 + 1e-5 * noise.normal()},
                               {"lr", 3e-4}};
      record.metrics(phase, step, metrics, {{"tokens_per_s", 12300 + 300 * noise.normal()}});
    }
  }
  record.sample("score stage 2", 700, {{"text", "17 - 4 = 13"}, {"reward", 0}});
  record.event("warning", {{"message", "3 problems had no answer within the limit"}});
}

Json option(const char* path, const char* value, const char* standard, const char* origin, const char* place,
            const char* source, const char* help) {
  return {{"path", path}, {"type", "number"}, {"value", value},   {"standard", standard},
          {"help", help}, {"source", source}, {"origin", origin}, {"place", place}};
}

Json fake_options() {
  return Json::array({
      option("problems", "256", "64", "preset", "laptop", "ours", "problems a reinforcement-learning step"),
      option("alpha", "10.0", "10.0", "standard", "", "eq. 5: 10", "shaping: attempt 2 earns r2 + alpha (r2 - r1)"),
      option("stage1.kl_first", "0.25", "0.1", "file", "my.toml:14", "appendix", "anchor of attempt 1 in stage I"),
      option("stage2.kl_first", "0.01", "0.01", "standard", "", "appendix", "anchor of attempt 1 in stage II"),
      option("optim.lr", "3e-4", "5e-6", "set", "--set", "§5.1", "learning rate"),
      option("credit", "\"per_attempt\"", "\"per_attempt\"", "standard", "", "appendix A.4",
             "per_attempt; whole_return is the known trap, kept to show it"),
  });
}

Json about(const char* key, const Json& seeds) {
  Json run{{"recipe", "score"},
           {"title", "SCoRe: self-correction by two-stage reinforcement learning"},
           {"paper", "arXiv:2409.12917"},
           {"preset", "laptop"}};
  run[key] = seeds;
  run["method"] = {"One model answers, then answers again after a fixed instruction; a verifier scores both attempts.",
                   "Stage I rewards the second attempt only and anchors the first to the base model by a strong KL.",
                   "Stage II rewards both; the second attempt earns r2 + α (r2 − r1), so that a change from wrong to "
                   "right pays and a change from right to wrong costs.",
                   "Each attempt's tokens carry that attempt's reward alone."};
  run["command"] = "hone run score --preset laptop my.toml --set optim.lr=3e-4";
  run["hone_version"] = "0.1.0";
  run["commit"] = "1f3c9ab";
  run["started_at"] = "2026-08-04T12:00:00Z";
  run["machine"] = {{"cpu", "an eight-year-old laptop"}, {"threads", 2}, {"simd", "AVX2"}, {"memory", "16 GB"}};
  return run;
}

Json fake_transcripts() {
  const auto one = [](const char* kind, const char* first, const char* verdict1, const char* second,
                      const char* verdict2) {
    return Json{
        {"kind", kind},
        {"rule", std::string("the first held-out problem, in split order, that went ") + kind},
        {"arm", "score"},
        {"prompt", "numbers 4 17 26, target 43"},
        {"turns", Json::array({{{"text", first}, {"verdict", verdict1}}, {{"text", second}, {"verdict", verdict2}}})}};
  };
  return Json::array(
      {one("wrong→right", "26 + 17 = 43, 43 - 4 = 39", "wrong: ends at 39, not 43", "26 + 17 = 43", "right"),
       one("right→wrong", "26 + 17 = 43", "right", "17 + 4 = 21, 26 + 21 = 47", "wrong: ends at 47, not 43")});
}

}  // namespace

TemporaryFolder::TemporaryFolder() {
  std::string name = (fs::temp_directory_path() / "hone-report-").string() + std::string(6, 'X');
  path_ = ::mkdtemp(name.data());
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code code;
  fs::remove_all(path_, code);
}

void write_fake_run(const fs::path& dir, uint64_t seed) {
  fs::create_directories(dir);
  write_curves(dir, seed);
  const SeedOutcomes outcomes = fake_outcomes(seed);
  std::vector<ArmLabel> labels;
  for (const FakeArm& arm : kArms) labels.push_back({arm.name, arm.label});
  Json summary{{"schema", 1},
               {"headline", "Second attempts now help: Δ(t1→t2) went from −11.2 to +5.8 points."},
               {"base", "base"},
               {"improved", "score"}};
  summary.update(build_arm_summary({outcomes}, two_turn_metrics(), labels, interval_rng()));
  summary["transcripts"] = fake_transcripts();
  summary["cost"] = {{"wall_seconds", 1512.5},
                     {"train_tokens", 4210000},
                     {"sampled_tokens", 9130000},
                     {"peak_rss_bytes", int64_t{412} << 20}};
  summary["next"] = {"hone report latest --json", "hone run score --preset laptop --seeds 3"};
  base::write_file_atomic(dir / "run.json", base::dump(about("seed", seed), 2));
  base::write_file_atomic(dir / "options.json", base::dump(fake_options(), 2));
  base::write_file_atomic(dir / "outcomes.json", base::dump(to_json(outcomes)));
  base::write_file_atomic(dir / "summary.json", base::dump(summary, 2));
}

void write_fake_seeds(const fs::path& dir, uint64_t seeds) {
  Json list = Json::array();
  for (uint64_t seed = 1; seed <= seeds; ++seed) {
    write_fake_run(dir / ("seed-" + std::to_string(seed)), seed);
    list.push_back(seed);
  }
  base::write_file_atomic(dir / "run.json", base::dump(about("seeds", list), 2));
}

std::vector<Claim> fake_claims() {
  const auto delta = [](const char* arm, double weight) {
    return std::vector<Term>{{arm, "t2", weight}, {arm, "t1", -weight}};
  };
  const auto difference = [&](const char* label, const char* arm, const char* other) {
    std::vector<Term> terms = delta(arm, 1);
    for (const Term& term : delta(other, -1)) terms.push_back(term);
    return Contrast{label, terms, 0};
  };
  return {{"A",
           "the second attempt helps",
           {{"Δ of SCoRe", delta("score", 1), 0}, difference("Δ of SCoRe − Δ of the base model", "score", "base")}},
          {"B", "better than supervised pairs", {difference("Δ of SCoRe − Δ of Pair-SFT⁺", "score", "pair_sft_plus")}},
          {"C",
           "beats ordinary RL at the final answer by 5 points",
           {{"Acc@t2 of SCoRe − Acc@t1 of single-turn RL", {{"score", "t2", 1}, {"single_turn_rl", "t1", -1}}, 0.05}}},
          {"D",
           "the first attempt is not spoiled",
           {{"Acc@t1 of SCoRe − Acc@t1 of the base model", {{"score", "t1", 1}, {"base", "t1", -1}}, -0.01}}},
          {"E", "the base model corrects itself", {{"Δ of the base model", delta("base", 1), 0}}},
          {"F", "better than STaR", {difference("Δ of SCoRe − Δ of STaR", "score", "star")}}};
}

}  // namespace hone::report
