// Putting low-rank adapters beside a decoder's maps (Hu et al., arXiv:2106.09685), by PEFT's names of modules.
#pragma once

#include "hone/adapters/options.h"
#include "hone/checkpoint/adapter_config.h"
#include "hone/models/model.h"

#include <cstdint>
#include <string>
#include <vector>

namespace hone::adapters {

/// A module of transformers: a whole map of the decoder or, of a fused one, some of its rows.
struct Module {
  std::string name;  ///< "model.layers.0.self_attn.q_proj"
  nn::Linear* map = nullptr;
  int64_t first_row = 0, rows = 0;
};
/// Every module that can be adapted: the linear maps of the blocks. They point into `decoder`.
std::vector<Module> modules_of(models::Decoder& decoder);

/// The options as PEFT says them, for this decoder: "all-linear" becomes the names of its modules.
/// Errors: usage for a target that is no module, with the nearest, or none at all.
checkpoint::AdapterConfig config_of(const LoraOptions& options, const models::Decoder& decoder);

/// Puts an adapter beside the maps that `config` takes: A uniform in ±1/√in (Kaiming with a = √5, as the official code;
/// the paper says Gaussian), B 0, so that the decoder computes exactly what it did. Its own numbers stay where they
/// are, shared with whoever shares them, and are no longer trained (Decoder::trained). A scalar decoder's head goes on
/// being trained: the adapter gets a copy of it, or with config.score one of 0 beside a language model
/// (models::scalar_of).
///
///   rng     A of a module depends on it and the module's name; dropout's masks on it, the update and the micro-batch
///   errors  usage: no module is taken, or the decoder is adapted already; format: an expression of the config
void attach(models::Decoder& decoder, const checkpoint::AdapterConfig& config, const Rng& rng);

/// Takes the adapter away again; the decoder computes what its own numbers say. A scalar head stays as it is, outside
/// the storage of those numbers until models::copy() puts it there.
void detach(models::Decoder& decoder);

/// A model to be trained from `base`: with options.rank 0 a copy, else the base's own storage with a fresh adapter, so
/// that policy, reference and critic share one frozen base. `base_name` goes into the adapter's folder.
models::Model adapted(const models::Model& base, const LoraOptions& options, const Rng& rng,
                      const std::string& base_name);

}  // namespace hone::adapters
