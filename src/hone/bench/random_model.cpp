#include "hone/bench/random_model.h"

#include "hone/base/error.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

namespace hone::bench {

models::Decoder random_model(const Shape& s, const std::string& family) {
  require(family == "gpt2" || family == "llama", ErrorKind::usage, "family \"{}\" is neither \"gpt2\" nor \"llama\"",
          family);
  const models::ModelOptions options{
      .family = family, .width = s.width, .layers = s.layers, .heads = s.heads, .context = s.context};
  return models::fresh(models::config_of(options, s.vocab), Rng(1));
}

text::Ids random_ids(int64_t count, int64_t vocab, Rng rng) {
  text::Ids ids;
  for (int64_t i = 0; i < count; ++i) ids.push_back(static_cast<int32_t>(rng.below(static_cast<uint64_t>(vocab))));
  return ids;
}

Json model_row(const std::string& bench, const Shape& s, const models::Decoder& model) {
  const auto& c = model.config;
  const std::string family = c.family == models::Family::gpt2 ? "gpt2" : "llama";
  return {{"name", fmt::format("{} {} {}", bench, s.name, family)},
          {"bench", bench},
          {"family", family},
          {"parameters", models::parameter_count(model)},
          {"unit", "tokens/s"},
          {"shape",
           {{"name", s.name},
            {"width", c.width},
            {"layers", c.layers},
            {"heads", c.heads},
            {"mlp", c.mlp},
            {"tokens", s.tokens},
            {"rows", s.rows},
            {"vocab", c.vocab},
            {"context", c.context}}}};
}

double flops_per_token(const models::Decoder& model, double per_parameter, double context) {
  const auto& c = model.config;
  const int64_t table = model.positions.defined() ? model.positions.numel() : 0;
  const double attention = 2 * per_parameter * static_cast<double>(c.layers * c.heads * c.head_dim) * context;
  return per_parameter * static_cast<double>(models::parameter_count(model) - table) + attention;
}

}  // namespace hone::bench
