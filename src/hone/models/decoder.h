// One configurable decoder: GPT-2's (LayerNorm, learned positions, GELU) and Llama's (RMSNorm, RoPE, SwiGLU, grouped
// heads) with the switches of Mistral, Qwen2 and Qwen3. A plain struct of tensors and free functions; parameters are
// named once, in visit().
#pragma once

#include "hone/base/rng.h"
#include "hone/models/decoder_config.h"
#include "hone/nn/attention.h"
#include "hone/nn/linear.h"
#include "hone/nn/norm.h"
#include "hone/nn/trace.h"
#include "hone/tensor/batch.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace hone::checkpoint {
struct AdapterConfig;
}

namespace hone::models {

struct Block {
  nn::Norm norm1;
  nn::Linear qkv;           ///< [(H + 2·KV)·d_head, D]: queries, keys, values, in this order
  nn::Norm q_norm, k_norm;  ///< [d_head], over each head; undefined without config.qk_norm
  nn::Linear out;           ///< [D, H·d_head]
  nn::Norm norm2;
  nn::Linear up;    ///< GPT-2: [F, D]; Llama: [2F, D], gate first
  nn::Linear down;  ///< [D, F]
};

/// Calls back with every parameter and its name ("blocks.3.qkv.weight").
using ParamVisitor = std::function<void(const std::string& name, at::Tensor& tensor)>;

/// Calls back with every linear map of the blocks and its name ("blocks.3.qkv").
using MapVisitor = std::function<void(const std::string& name, nn::Linear& map)>;

struct Origin;

/// The low-rank additions to a decoder's maps (hone/adapters puts them there): trained in place of its own numbers,
/// which then may be shared with other decoders.
struct Adapter {
  at::Tensor flat;  ///< every A and B of the maps, and a scalar head, one after the other, float32; undefined = none
  Rng masks{0};     ///< stream of dropout on what the additions see
  std::shared_ptr<const checkpoint::AdapterConfig> config;  ///< what its folder says of it
};

struct Decoder {
  DecoderConfig config;
  at::Tensor embed;      ///< [V, D]
  at::Tensor positions;  ///< [T, D]; undefined for Llama
  std::vector<Block> blocks;
  nn::Norm norm;
  at::Tensor head;                       ///< [V, D]; undefined when tied to embed, and in a scalar decoder
  at::Tensor score;                      ///< [1, D]: the head of a scalar decoder; else undefined
  at::Tensor flat;                       ///< every parameter's storage, one after the other in visit order, float32
  std::shared_ptr<const Origin> origin;  ///< what a model folder it was read from is written back with; may be null
  /// What matrix products and attention are computed in. With bfloat16 parameters, gradients, the residual stream,
  /// norms and softmaxes stay float32 (as under automatic mixed precision).
  at::ScalarType activations = at::kFloat;
  Adapter adapter;

  bool adapted() const { return adapter.flat.defined(); }
  bool scalar() const { return score.defined(); }
  void visit(const ParamVisitor& v);  ///< its own numbers, what is the adapter's left out
  void visit_maps(const MapVisitor& v);
  /// What training changes: A and B of an adapted decoder ("blocks.3.qkv.a", "blocks.3.qkv.b") and its scalar head, if
  /// it has one ("score.weight"); else all of visit().
  void visit_trained(const ParamVisitor& v);
  /// The storage of what training changes, in the order of visit_trained().
  const at::Tensor& trained() const { return adapted() ? adapter.flat : flat; }
  const at::Tensor& output_weight() const { return config.tied ? embed : head; }
};

/// Random weights: normal(0, 0.02), residual projections divided by √(2L), norms 1, biases 0 (GPT-2 §2.3).
Decoder fresh(const DecoderConfig& config, Rng rng);
/// All numbers 0. Memory is taken as it is first written to.
Decoder zeros(const DecoderConfig& config);
/// Own storage, equal numbers, adapter included.
Decoder copy(const Decoder& from);
/// Own storage, the adapter's products added to the weights in float32 and no adapter: the same function up to
/// rounding. Nearest relative: adapters::Merge, in place.
Decoder merged(const Decoder& from);
/// The same storage under new leaf tensors, those of visit_trained() with gradients; one per worker, so that backward
/// passes don't meet.
Decoder replica(const Decoder& of);
/// Overwrites `to` with the numbers of `from` (same config). Errors: internal if either is adapted.
void assign(Decoder& to, const Decoder& from);
/// Makes `flat` [N] the storage of every A and B, and of a scalar head; their numbers are then those of `flat`. N is
/// what they add up to.
void bind_adapter(Decoder& model, const at::Tensor& flat);
/// SHA-256 of its own numbers as float32 in visit order, adapter left out: tells one base from another.
std::string hash_of(const Decoder& model);
/// Moves the parameters to a device, into new storage: replicas, optimisers and engines made before keep the old one.
/// Sets `activations` to what tensor::activations_on() says of the device.
void to_device(Decoder& model, const at::Device& device);
int64_t parameter_count(const Decoder& model);  ///< of visit()

/// Stands in for nn::attention in every layer: attention to a cache, in generation. Turns queries and keys itself.
using Mixer = std::function<at::Tensor(int64_t layer, const at::Tensor& qkv, const nn::AttentionMask& mask)>;

/// The rotations of queries and keys at the positions, float32 on their device. Llama only.
nn::Rope rotations(const DecoderConfig& config, const at::Tensor& positions_BT);

/// Hidden states after the last norm: [B, T, D], dtype `activations`. Causal attention inside a segment. Gradient flows
/// to parameters. Errors: data if T is above the context or an id is outside the vocabulary (checked in collate, not
/// here).
at::Tensor hidden_states(const Decoder& model, const tensor::Batch& batch, const nn::Trace* trace = nullptr,
                         const Mixer* mixer = nullptr);

/// log p(ids[t] | ids[<t]) in nats: [B, T] float32; 0 where loss_mask is false. Gradient flows.
/// `temperature` divides the logits. Cost: the output projection runs over masked positions only.
/// Errors: usage for a scalar decoder, likewise below.
at::Tensor logprobs(const Decoder& model, const tensor::Batch& batch, double temperature = 1.0);

/// Logits at every position: [B, T, V], dtype `activations`.
at::Tensor logits(const Decoder& model, const tensor::Batch& batch, const nn::Trace* trace = nullptr);

}  // namespace hone::models
