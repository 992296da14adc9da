// One training sequence: token ids and, for every token, whether it carries loss.
#pragma once

#include "hone/text/tokenizer.h"

#include <cstdint>
#include <vector>

namespace hone::data {

/// Position t says something about ids[t] (not about the token after it); loss_mask[0] is always 0, since nothing
/// predicts the first token. The float columns are empty in supervised data.
struct Example {
  text::Ids ids;                   ///< [T]
  std::vector<uint8_t> loss_mask;  ///< [T] 1 where the token carries loss
  std::vector<float> advantage;    ///< [T] weight of log p(ids[t]), for policy objectives
  std::vector<float> behavior;     ///< [T] log-prob under the sampler, nats
  std::vector<float> reference;    ///< [T] log-prob under the reference model, nats
  std::vector<float> kl_weight;    ///< [T] weight of the KL penalty at this token
};

/// Two completions of one prompt, of which the first is to become more likely. Loss lies on the completions. For soft
/// targets `advantage` holds the completion's expected win rate at every token.
struct Pair {
  Example chosen, rejected;
};

/// Puts `ids` at the end, all with or all without loss.
inline void append(Example& example, const text::Ids& ids, uint8_t loss) {
  example.ids.insert(example.ids.end(), ids.begin(), ids.end());
  example.loss_mask.resize(example.ids.size(), loss);
}

}  // namespace hone::data
