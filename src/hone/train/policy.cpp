#include "hone/train/policy.h"

#include "hone/adapters/lora.h"

namespace hone::train {

models::Model policy_of(const Env& env, const models::Model& base, const adapters::LoraOptions& lora,
                        const std::string& arm) {
  const auto& origin = base.decoder.origin;
  const bool read = origin && !origin->folder.empty();
  const auto folder = read ? origin->folder : std::filesystem::absolute(env.dir / "models" / "base").lexically_normal();
  return adapters::adapted(base, lora, env.rng.fork("lora " + arm), folder.string());
}

}  // namespace hone::train
