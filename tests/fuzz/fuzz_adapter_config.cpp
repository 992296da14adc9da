// adapter_config.json out of arbitrary bytes: what is accepted lies in its ranges, its rules end on every name, and
// what is written of it reads back the same.
#include "hone/base/error.h"
#include "hone/checkpoint/adapter_config.h"

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace {

using namespace hone;

void must(bool holds) {
  if (!holds) std::abort();
}

void check(const checkpoint::AdapterConfig& config) {
  must(config.rank >= 1 && config.rank <= checkpoint::kMaxRank);
  must(config.alpha >= checkpoint::kMinAlpha && config.alpha <= checkpoint::kMaxAlpha);
  must(config.dropout >= 0 && config.dropout < 1);
  const std::string text = base::dump(checkpoint::to_json(config));
  must(base::dump(checkpoint::to_json(checkpoint::parse_adapter_config(text, "again"))) == text);
  const checkpoint::AdapterRules rules(config, "f");
  for (const std::string_view module :
       {"model.layers.0.self_attn.q_proj", "transformer.h.11.mlp.c_proj", "lm_head", ""}) {
    rules.takes(module);
    must(rules.rank_of(module) >= 1);
    must(std::isfinite(rules.scale_of(module)) && rules.scale_of(module) > 0);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  try {
    check(checkpoint::parse_adapter_config({reinterpret_cast<const char*>(data), size}, "f"));
  } catch (const Error& error) {
    must(error.kind() == ErrorKind::format || error.kind() == ErrorKind::data);
  }
  return 0;
}
