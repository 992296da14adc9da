#include "hone/adapters/peft.h"

#include "hone/adapters/merge.h"
#include "hone/base/error.h"
#include "hone/base/files.h"
#include "hone/base/text_match.h"
#include "hone/checkpoint/safetensors.h"
#include "hone/models/scalar.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>

namespace hone::adapters {
namespace {

namespace fs = std::filesystem;
using models::Decoder;

constexpr const char* kConfigFile = "adapter_config.json";
constexpr const char* kWeightsFile = "adapter_model.safetensors";
constexpr const char* kBaseHash = "hone.base_sha256";
constexpr uint64_t kMaxConfigBytes = 16 << 20;

// How far apart equal functions may lie: the same numbers, and W x + B A x against (W + B A) x, which rounds elsewhere.
// A product in the wrong place or with the wrong scale is orders of magnitude above either.
constexpr double kSameWeights = 1e-6, kMergedWeights = 1e-3;

// A module with its matrices.
struct Adapted {
  std::string module;
  nn::LowRankPair pair;
};

std::vector<Adapted> adapted_modules(Decoder& decoder) {
  std::vector<Adapted> out;
  for (const Module& module : modules_of(decoder)) {
    const nn::LowRank& delta = module.map->delta;
    for (std::size_t i = 0; i < delta.parts.size(); ++i) {
      const nn::LowRankPart& part = delta.parts[i];
      if (part.first_row == module.first_row && part.rows == module.rows)
        out.push_back({module.name, nn::pair_of(delta, i)});
    }
  }
  return out;
}

std::string some_of(const std::vector<std::string>& names) {
  constexpr std::size_t kShown = 6;
  const std::vector<std::string> first(names.begin(),
                                       names.begin() + static_cast<std::ptrdiff_t>(std::min(kShown, names.size())));
  return fmt::format("{}{}", fmt::join(first, ", "),
                     names.size() > kShown ? fmt::format(" and {} more", names.size() - kShown) : "");
}

// Names and shapes that a base asks of an adapter's file.
std::map<std::string, std::vector<int64_t>> expected_tensors(Decoder& base, const checkpoint::AdapterConfig& config,
                                                             const std::string& where) {
  const checkpoint::AdapterRules rules(config, where);
  std::map<std::string, std::vector<int64_t>> expected;
  for (const Module& module : modules_of(base)) {
    if (!rules.takes(module.name)) continue;
    const auto names = checkpoint::adapter_tensors(module.name);
    const int64_t rank = rules.rank_of(module.name);
    expected[names.a] = {rank, module.map->weight.size(1)};
    expected[names.b] = {module.rows, rank};
  }
  if (!expected.empty() && config.score) expected[checkpoint::kScoreTensor] = {1, base.config.width};
  return expected;
}

// Everything that is wrong with an adapter's file, before memory is taken for it.
void check_tensors(const checkpoint::SafetensorsFile& file, Decoder& base, const checkpoint::AdapterConfig& config) {
  const std::string where = file.path().string();
  const auto expected = expected_tensors(base, config, where);
  std::vector<std::string> missing, unused, wrong;
  for (const auto& [name, shape] : expected) {
    const auto* found = file.find(name);
    if (!found)
      missing.push_back(name);
    else if (found->shape != shape)
      wrong.push_back(
          fmt::format("{} is {}, not {}", name, checkpoint::shape_text(found->shape), checkpoint::shape_text(shape)));
  }
  for (const auto& tensor : file.header().tensors)
    if (!expected.contains(tensor.name)) unused.push_back(checkpoint::quote_name(tensor.name));
  if (missing.empty() && unused.empty() && wrong.empty() && !expected.empty()) return;
  std::string text = expected.empty() ? ": no module of this base is among the adapter's targets" : "";
  if (!missing.empty()) text += fmt::format("; {} missing: {}", missing.size(), some_of(missing));
  if (!unused.empty()) text += fmt::format("; {} never used: {}", unused.size(), some_of(unused));
  if (!wrong.empty()) text += fmt::format("; {} of another shape: {}", wrong.size(), some_of(wrong));
  const std::string trained =
      config.base.empty() ? "" : ", which says it was trained beside " + checkpoint::quote_name(config.base);
  throw Error(ErrorKind::format, fmt::format("{} does not fit this base{}{}", where, trained, text),
              "give the base that the adapter was trained beside; adapters of embeddings and heads are not read");
}

void check_base(const checkpoint::SafetensorsFile& file, const Decoder& base, const checkpoint::AdapterConfig& config) {
  const auto& metadata = file.header().metadata;
  const auto hash = metadata.find(kBaseHash);
  if (hash == metadata.end() || hash->second == models::hash_of(base)) return;
  throw Error(ErrorKind::format,
              fmt::format("{}: the adapter was trained beside a base with other weights (SHA-256 {}…)",
                          file.path().string(), hash->second.substr(0, 16)),
              fmt::format("its base was {}", checkpoint::quote_name(config.base)));
}

checkpoint::AdapterConfig read_config(const fs::path& dir) {
  const fs::path path = dir / kConfigFile;
  return checkpoint::parse_adapter_config(base::read_file(path, kMaxConfigBytes), path.string());
}

checkpoint::SafetensorsFile open_weights(const fs::path& dir) {
  std::error_code code;
  if (!fs::exists(dir / kWeightsFile, code) && fs::exists(dir / "adapter_model.bin", code))
    throw Error(ErrorKind::io, fmt::format("{}: {} is missing", dir.string(), kWeightsFile),
                "hone does not read pickles (they can run code); save the adapter as safetensors with PEFT");
  return checkpoint::SafetensorsFile(dir / kWeightsFile);
}

void write_files(const fs::path& dir, Decoder& decoder) {
  std::vector<checkpoint::TensorData> tensors;
  std::vector<at::Tensor> kept;  // must outlive the write
  const auto add = [&](const std::string& name, const at::Tensor& t) {
    kept.push_back(t.detach().cpu().contiguous());
    tensors.push_back({name, checkpoint::Dtype::f32, t.sizes().vec(), kept.back().data_ptr()});
  };
  for (const auto& [module, pair] : adapted_modules(decoder)) {
    const auto names = checkpoint::adapter_tensors(module);
    add(names.a, pair.a);
    add(names.b, pair.b);
  }
  if (decoder.scalar()) add(checkpoint::kScoreTensor, decoder.score);
  checkpoint::write_safetensors(dir / kWeightsFile, tensors, {{"format", "pt"}, {kBaseHash, models::hash_of(decoder)}});
  base::write_file_atomic(dir / kConfigFile, base::dump(checkpoint::to_json(*decoder.adapter.config), 2) + "\n");
}

void require_same(const at::Tensor& found, const at::Tensor& expected, double limit, const std::string& what) {
  const double gap = relative_gap(found, expected);
  if (gap <= limit) return;
  throw Error(ErrorKind::internal,
              fmt::format("{}: logits of the probe batch differ by {:.2e} of their size; at most {:.0e} is allowed",
                          what, gap, limit),
              "nothing was kept; if it happens again, the disk or the memory is failing, or this is a bug");
}

}  // namespace

bool is_adapter(const fs::path& dir) {
  std::error_code code;
  return fs::is_regular_file(dir / kConfigFile, code) && !fs::exists(dir / "config.json", code);
}

at::Tensor probe_logits(const Decoder& given) {
  const at::NoGradGuard no_grad;
  Decoder decoder = given;
  decoder.activations = at::kFloat;
  const int64_t rows = 2, tokens = std::min<int64_t>(16, decoder.config.context);
  const auto ids = at::empty({rows, tokens}, at::kLong);
  Rng rng(0x9e0be);
  for (int64_t i = 0; i < ids.numel(); ++i)
    ids.data_ptr<int64_t>()[i] = static_cast<int64_t>(rng.below(static_cast<uint64_t>(decoder.config.vocab)));
  tensor::Batch batch;
  batch.ids_BT = ids.to(decoder.flat.device());
  batch.positions_BT = at::arange(tokens, batch.ids_BT.options()).expand({rows, tokens}).contiguous();
  const auto out = decoder.scalar() ? models::values(decoder, batch) : models::logits(decoder, batch);
  return out.to(at::kFloat).cpu();
}

double relative_gap(const at::Tensor& a, const at::Tensor& b) {
  if (a.sizes() != b.sizes()) return std::numeric_limits<double>::infinity();
  const double gap = (a - b).abs().max().item<double>() / (1 + b.abs().max().item<double>());
  return std::isfinite(gap) ? gap : std::numeric_limits<double>::infinity();
}

void save_adapter(const fs::path& dir, const Decoder& decoder) {
  require(decoder.adapted() && decoder.adapter.config, ErrorKind::usage, "{}: the model has no adapter to save",
          dir.string());
  std::error_code code;
  require(!fs::exists(fs::symlink_status(dir, code)), ErrorKind::usage, "{} exists already; nothing was written",
          dir.string());
  if (dir.has_parent_path()) base::make_folders(dir.parent_path());
  Decoder view = decoder;
  base::publish_folder(dir, [&](const fs::path& temporary) {
    write_files(temporary, view);
    Decoder back = decoder;
    detach(back);
    load_adapter(back, temporary);
    require_same(probe_logits(back), probe_logits(decoder), kSameWeights, dir.string() + ": read back after writing");
  });
}

void load_adapter(Decoder& base, const fs::path& dir) {
  const auto config = read_config(dir);
  const auto file = open_weights(dir);
  require(!base.adapted(), ErrorKind::usage, "the model has an adapter already; merge it first");
  check_tensors(file, base, config);
  check_base(file, base, config);
  Decoder adapted = base;
  attach(adapted, config, Rng(0));
  const auto read = [&](const std::string& name, const at::Tensor& t) {
    const auto place = at::empty(t.sizes(), at::kFloat);
    file.read_floats(*file.find(name), {place.data_ptr<float>(), static_cast<std::size_t>(place.numel())});
    t.copy_(place);
  };
  for (const auto& [module, pair] : adapted_modules(adapted)) {
    const auto names = checkpoint::adapter_tensors(module);
    read(names.a, pair.a);
    read(names.b, pair.b);
  }
  if (config.score) read(checkpoint::kScoreTensor, adapted.score);
  base = adapted;
}

void save_model(const fs::path& dir, const models::Model& model) {
  Decoder view = model.decoder;  // shares the storage: an adapter is merged into it, and taken out at the end
  const auto expected = probe_logits(view);
  const Merge merge(view);
  require_same(probe_logits(view), expected, kMergedWeights, dir.string() + ": merged");
  const Decoder stored = models::rounded_as_stored(view);
  models::save(dir, stored, model.tokenizer, model.chat_format());
  try {
    require_same(probe_logits(models::open_decoder(dir)), probe_logits(stored), kSameWeights,
                 dir.string() + ": read back after writing");
  } catch (const Error&) {
    std::error_code ignored;
    fs::remove_all(dir, ignored);
    throw;
  }
}

}  // namespace hone::adapters
