#include "hone/train/session.h"

#include "hone/base/error.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace hone::train {
namespace {

using Clock = std::chrono::steady_clock;

std::filesystem::path states_of(const std::filesystem::path& dir) { return dir / "ckpt"; }

// Checkpoint labels have no dots; names of phases may ("score.stage1").
std::string label_of(std::string_view kind, std::string_view name) {
  std::string label = std::string(kind) + "-" + std::string(name);
  std::replace(label.begin(), label.end(), '.', '-');
  return label;
}

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// The tensors of a checkpoint, in the memory that it is written from.
using Numbers = std::vector<std::pair<std::string, at::Tensor>>;
Numbers numbers_of(TrainState& s) {
  Numbers numbers;
  const auto add = [&](const std::string& prefix, models::Decoder& model, optim::AdamW* optimizer) {
    numbers.emplace_back(prefix + "parameters", model.trained());
    if (optimizer == nullptr) return;
    numbers.emplace_back(prefix + "first_moment", optimizer->first_moment());
    numbers.emplace_back(prefix + "second_moment", optimizer->second_moment());
  };
  add("", s.model, &s.optimizer);
  for (const auto& c : s.companions) add(c.name + ".", c.model, c.optimizer);
  return numbers;
}

Numbers on_cpu(Numbers numbers) {
  for (auto& [name, t] : numbers) t = t.cpu();
  return numbers;
}

Json companion_steps(const TrainState& s) {
  Json steps = Json::object();
  for (const auto& c : s.companions)
    if (c.optimizer != nullptr) steps[c.name] = c.optimizer->steps();
  return steps;
}

std::vector<checkpoint::TensorFile> files_of(const Numbers& numbers) {
  checkpoint::TensorFile file{"train", {}};
  for (const auto& [name, t] : numbers)
    file.tensors.push_back({name, checkpoint::Dtype::f32, t.sizes().vec(), t.data_ptr()});
  return {file};
}

void read_into(const checkpoint::SafetensorsFile& file, const std::string& name, const at::Tensor& t) {
  const auto* info = file.find(name);
  require(info && info->elements() == t.numel(), ErrorKind::format,
          "{}: tensor \"{}\" does not fit this run's model of {} numbers", file.path().string(), name, t.numel());
  at::Tensor here = t.is_cpu() ? t : at::empty({t.numel()});
  file.read_floats(*info, {here.data_ptr<float>(), static_cast<std::size_t>(t.numel())});
  if (!t.is_cpu()) t.copy_(here);
}

// An adapter means something beside its own base alone, and the base is not in the checkpoint.
void require_base(const checkpoint::Saved& saved, const Json& state, const std::string& base) {
  const std::string stored = base::get_string_or(state, "base_sha256", "", "state.json");
  if (stored == base) return;
  throw Error(ErrorKind::data,
              fmt::format("{}: holds an adapter to a base with other weights (SHA-256 {}…, now {}…)", saved.dir.string(),
                          stored.substr(0, 16), base.substr(0, 16)),
              "put the model folder back that the run began with, or start a new run");
}

void load_into(const checkpoint::Saved& saved, const Json& state, TrainState& s) {
  const auto file = checkpoint::open_state_tensors(saved, "train");
  for (const auto& [name, t] : numbers_of(s)) read_into(file, name, t);
  s.optimizer.set_steps(base::get_int(state, "optimizer_steps", 0, INT64_MAX, "state.json"));
  for (const auto& c : s.companions)
    if (c.optimizer != nullptr)
      c.optimizer->set_steps(base::get_int(state.at("companion_steps"), c.name, 0, INT64_MAX, "state.json"));
  s.notes = state.at("notes");
}

}  // namespace

std::optional<report::Mark> Session::resume_mark(const std::filesystem::path& dir) {
  const auto saved = checkpoint::list_states(states_of(dir));
  if (saved.empty()) return std::nullopt;
  const auto state = checkpoint::load_state(saved.back());
  return report::mark_from_json(state.at("mark"), saved.back().dir.string());
}

Session::Session(Env& env) : env_(env), root_(states_of(env.dir)) {
  base::make_folders(root_);
  saved_ = checkpoint::list_states(root_);
  if (!saved_.empty()) sequence_ = saved_.back().sequence;
}

void Session::commit(std::string_view label, const Json& fields, TrainState* tensors) {
  Json state = fields;
  state["mark"] = report::to_json(env_.record.mark());
  if (tensors) {
    state["notes"] = tensors->notes;
    state["optimizer_steps"] = tensors->optimizer.steps();
    if (!tensors->companions.empty()) state["companion_steps"] = companion_steps(*tensors);
  }
  const auto numbers = tensors ? on_cpu(numbers_of(*tensors)) : Numbers{};
  const auto files = tensors ? files_of(numbers) : std::vector<checkpoint::TensorFile>{};
  saved_.push_back(checkpoint::save_state(root_, ++sequence_, label, state, files));
}

void Session::phase(std::string_view name, int64_t steps, TrainState& state,
                    const std::function<Next(int64_t step)>& body) {
  const auto label = label_of("phase", name);
  const std::string base = state.model.adapted() ? models::hash_of(state.model) : "";
  int64_t step = 0;
  // The newest commit of this phase decides where it goes on.
  std::vector<checkpoint::Saved> mine;
  for (const auto& saved : saved_)
    if (saved.label == label) mine.push_back(saved);
  if (!mine.empty()) {
    const auto json = checkpoint::load_state(mine.back());
    require_base(mine.back(), json, base);
    load_into(mine.back(), json, state);
    if (base::get_bool_or(json, "done", false, "state.json")) return;
    step = base::get_int(json, "step", 0, steps, "state.json");
  }
  const auto save = [&](int64_t next_step, bool done) {
    Json fields = {{"step", next_step}, {"done", done}};
    if (!base.empty()) fields["base_sha256"] = base;
    commit(label, fields, &state);
    for (const auto& old : mine) checkpoint::remove_state(old);
    std::erase_if(saved_, [&](const auto& s) { return s.label == label && s.sequence != sequence_; });
    mine = {saved_.back()};
  };
  auto* progress = env_.record.progress();
  if (progress) progress->begin(name, step, steps);
  if (state.model.adapted() && mine.empty()) announce(name, state.model);
  auto last_save = Clock::now();
  Next next = Next::go_on;
  for (; step < steps && next == Next::go_on; ++step) {
    if (env_.stop) {
      save(step, false);
      throw Interrupted();
    }
    if (seconds_since(last_save) >= env_.checkpoint_seconds) {
      save(step, false);
      last_save = Clock::now();
    }
    next = body(step);
  }
  if (progress) progress->end();
  save(step, true);
}

void Session::announce(std::string_view name, const models::Decoder& model) {
  const int64_t trained = model.trained().numel(), frozen = models::parameter_count(model);
  env_.record.event("adapter", {{"phase", name}, {"trained_parameters", trained}, {"frozen_parameters", frozen}});
  if (auto* progress = env_.record.progress())
    progress->say(fmt::format("{}: {} parameters are trained beside {} frozen ones ({:.2f} %)", name, trained, frozen,
                              100.0 * static_cast<double>(trained) / static_cast<double>(frozen)));
}

bool Session::has(std::string_view name) const {
  const auto label = label_of("once", name);
  return std::any_of(saved_.begin(), saved_.end(), [&](const auto& saved) { return saved.label == label; });
}

Json Session::once(std::string_view name, const std::function<Json()>& compute) {
  const auto label = label_of("once", name);
  for (const auto& saved : saved_)
    if (saved.label == label) return checkpoint::load_state(saved).at("value");
  if (env_.stop) {
    // Nothing has changed since the last commit; the computation starts over on resume.
    throw Interrupted();
  }
  Json value = compute();
  commit(label, {{"value", value}}, nullptr);
  return value;
}

}  // namespace hone::train
