// Actor and critic: advantages from a learned value function, the losses of both, and what keeps the actor near its
// reference. Per token; padding and prompts are masked out.    Shapes: B rows, T positions.
#pragma once

#include "hone/objectives/policy.h"
#include "hone/tensor/batch.h"

#include <ATen/core/Tensor.h>

namespace hone::objectives {

/// γ and λ of generalised advantage estimation.
struct GaeOptions {
  double discount = 1.0;  ///< γ, 0..1
  double trace = 0.95;    ///< λ, 0..1: 0 = one step ahead, 1 = the whole return
};

/// Advantages and the returns that a critic is to predict.
struct Advantages {
  at::Tensor advantage_BT, return_BT;  ///< [B, T] float32, 0 where masked out
};

/// δ_t = r_t + γ V_{t+1} − V_t,  Â_t = δ_t + γλ Â_{t+1},  R_t = Â_t + V_t.                     [GAE, arXiv:1506.02438]
/// Only the masked tokens of a row are steps: what lies between two of them (a forced instruction) takes no time. After
/// the last one there is nothing: V = 0, so a completion that was cut off counts as ended.
///
///   reward_BT  [B, T] floating, task units, at the tokens that earn it
///   value_BT   [B, T] floating, task units: the critic's expectation before the token is chosen
///   mask_BT    [B, T] bool: tokens that the policy wrote
///   result     no gradient
///   errors     internal: shapes differ; usage: γ or λ outside [0, 1]; numeric: a reward or a value is not finite
///   see        group_advantage: other samples instead of a critic
Advantages gae(const at::Tensor& reward_BT, const at::Tensor& value_BT, const at::Tensor& mask_BT,
               const GaeOptions& options);

/// What whitening does to the mean.
enum class Shift { to_zero, keep };

/// (x − m) / (s + 10⁻⁸) over all true places of the batch; with Shift::keep the mean m is added again.
/// Advantages are shifted; rewards are not, since a constant per token would pay for length.
///
///   result  [B, T] float32, 0 where masked out; x itself (shifted or not) where fewer than 2 places are true
at::Tensor whitened(const at::Tensor& x_BT, const at::Tensor& mask_BT, Shift shift);

/// L = ½ Σ max( (V − R)², (clip(V, V_old ± range) − R)² ).                        [PPO, as in arXiv:2403.17031 §Value]
///
///   value_BT   [B, T] floating, task units; gradient flows here
///   old_BT     [B, T] the critic's values when the batch was collected; unused with range = 0, which means no clipping
///   return_BT  [B, T] of gae()
///   result     count: tokens; metrics "value_error" (mean squared), "value_clipped" (share)
tensor::Loss value_loss(const at::Tensor& value_BT, const at::Tensor& old_BT, const at::Tensor& return_BT,
                        const TokenWeights& tokens, double range);

/// L = Σ w ( log π − log β − c Â )².                                                             [APA,
/// arXiv:2306.02231] Fits the policy to β · exp(c Â), the best one at a KL price of 1/c, by least squares on the
/// sampled tokens and without the normaliser: with advantages of mean 0 that is nearly 1.
///
///   logp_BT      [B, T] floating, nats; gradient flows here: 2 w (log π − log β − c Â)
///   behavior_BT  [B, T] nats, of the policy that wrote the tokens
///   advantage_BT [B, T] whitened
///   c            ≥ 0: 1/λ of the paper
///   limit        > 0: c Â is held within ±limit, so that one token cannot rule the batch; infinity = as in the paper
///   result       count: that of the weights; metrics "residual" (mean square), "ratio", "approx_kl"
///   see          clipped_policy: a ratio with bounds instead of a target
tensor::Loss apa_loss(const at::Tensor& logp_BT, const at::Tensor& behavior_BT, const at::Tensor& advantage_BT,
                      const TokenWeights& tokens, double c, double limit);

/// L = −Σ w exp(min(c Â, limit)) log π: advantage-weighted regression.                              [arXiv:1910.00177]
tensor::Loss awr_loss(const at::Tensor& logp_BT, const at::Tensor& advantage_BT, const TokenWeights& tokens, double c,
                      double limit);

/// The weight β of a KL penalty, fixed or following a target:
/// β ← β · (1 + clip(KL/target − 1, ±0.2) · n / horizon).                        [Ziegler et al., arXiv:1909.08593
/// §2.2]
class KlController {
 public:
  /// target ≤ 0 = fixed. Errors: usage unless weight ≥ 0 and, with a target, horizon > 0.
  KlController(double weight, double target, double horizon);
  double weight() const { return weight_; }
  void restore(double weight) { weight_ = weight; }  ///< after a resume
  /// After `samples` rollouts with a mean KL of `kl` nats a sequence.
  void update(double kl, int64_t samples);

 private:
  double weight_, target_, horizon_;
};

/// L = −Σ log σ(r⁺ − r⁻ − margin): a reward model from choices between two.          [Bradley & Terry 1952;
/// InstructGPT]
///
///   reward_N  [2N] floating: rows 2i chosen, 2i + 1 rejected; gradient flows here
///   result    count: pairs; metrics "accuracy" (r⁺ > r⁻), "gap" (r⁺ − r⁻)
///   errors    internal: an odd number of rewards
tensor::Loss bradley_terry_loss(const at::Tensor& reward_N, double margin);

}  // namespace hone::objectives
