// A stranger's config.json: sizes, kinds of rotation, windows and switches, and back into a file that reads the same.
#include "hone/base/error.h"
#include "hone/models/hf_config.h"

#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  using namespace hone;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  try {
    const auto config = models::config_from_json(base::parse_json(bytes, "config.json"), "config.json");
    if (config.heads < 1 || config.kv_heads < 1 || config.heads % config.kv_heads != 0) __builtin_trap();
    if (config.vocab < 1 || config.width < 1 || config.layers < 1 || config.context < 1) __builtin_trap();
    if (!config.windows.empty() && static_cast<int64_t>(config.windows.size()) != config.layers) __builtin_trap();
    models::is_buffer("model.layers.0.self_attn.rotary_emb.inv_freq", config);
    if (!(models::config_from_json(models::to_json(config), "written") == config)) __builtin_trap();
  } catch (const Error&) {
  }
  return 0;
}
