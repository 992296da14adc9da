// How fast each pair of a head's dimensions turns with the position, plain and stretched for longer contexts
// (torch-free).
#pragma once

#include <cstdint>
#include <vector>

namespace hone::models {

enum class RopeType { plain, linear, dynamic, llama3, yarn };

/// How rotary positions are stretched beyond the context a model was first trained on.
struct RopeScaling {
  RopeType type = RopeType::plain;
  double factor = 1;                                 ///< how many times longer the context became
  int64_t original_context = 0;                      ///< llama3, yarn: tokens of the first training
  double low_freq_factor = 1, high_freq_factor = 4;  ///< llama3
  double beta_fast = 32, beta_slow = 1;              ///< yarn: turns within the original context
  bool truncate = true;                              ///< yarn: the ramp's ends are whole dimensions
  double magnitude = 1;                              ///< yarn: cosines and sines times this

  bool operator==(const RopeScaling&) const = default;
};

/// Radians a token for every pair of dimensions, [head_dim / 2]. Pair i of a plain model turns by
/// f_i = theta^(−2i/head_dim) (Su et al. 2021, arXiv:2104.09864).
///
///   linear   f / factor
///   dynamic  f: the base grows only beyond the context (NTK), and no sequence of hone's goes there
///   llama3   f / factor where a turn takes more than original_context / low_freq_factor tokens, f where it takes fewer
///            than original_context / high_freq_factor, blended in between by the turns within original_context
///   yarn     f where a pair turns more than beta_fast times within original_context, f / factor where fewer than
///            beta_slow times, blended in between by dimension (Peng et al. 2023, arXiv:2309.00071, §3.2)
///   head_dim even; theta ≥ 1, for yarn > 1
std::vector<double> rope_frequencies(int64_t head_dim, double theta, const RopeScaling& scaling);

/// YaRN's temperature as a factor of cosines and sines: 0.1·weight·ln(factor) + 1, or 1 where factor ≤ 1 (ibid., §3.3).
double yarn_magnitude(double factor, double weight = 1);

}  // namespace hone::models
