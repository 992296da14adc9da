// Adapters in PEFT's folders: adapter_config.json and adapter_model.safetensors.
#pragma once

#include "hone/adapters/lora.h"

#include <ATen/core/Tensor.h>

#include <filesystem>

namespace hone::adapters {

/// Writes an adapted decoder's adapter as PEFT does, in float32 and in one rename, with the base's hash in the file's
/// metadata. Before the folder appears it is read back, and the logits of a probe batch compared.
/// A scalar head goes into it, as PEFT's modules_to_save.
/// Errors: usage if `dir` exists, or the decoder has no adapter; io; internal if the logits differ.
void save_adapter(const std::filesystem::path& dir, const models::Decoder& decoder);

/// Puts the adapter of a folder beside `base`'s maps (attach). Weights in float32, float16 or bfloat16 become float32.
/// Every tensor of the file is used, and every target has its two; PEFT would pass over the rest in silence.
/// Errors: usage if `base` is adapted already; io (missing files); format, with `base` unchanged: those of
/// parse_adapter_config, and, naming tensors, shapes and numbers, tensors that are missing, never used, or of another
/// shape than rank and base ask for, and an adapter of hone's that was trained beside another base; numeric for
/// weights that are not finite.
void load_adapter(models::Decoder& base, const std::filesystem::path& dir);

/// Whether a folder holds an adapter rather than a model.
bool is_adapter(const std::filesystem::path& dir);

/// models::save, checked by the logits of a probe batch: an adapter is merged, and the merged model compared with the
/// adapted one; then the folder is read back and compared with what was to be stored (in the dtypes of the base: in
/// bfloat16 a merged model is not quite the adapted one, the adapter's own folder is).
/// Errors: those of models::save; internal if the logits differ, and nothing is left then.
/// Cost: memory for the model once more, twice where it is stored narrower than float32.
void save_model(const std::filesystem::path& dir, const models::Model& model);

/// Logits of a fixed batch of tokens, float32 [rows, tokens, V], or a scalar model's values [rows, tokens]: what a
/// model is recognised by after a save.
at::Tensor probe_logits(const models::Decoder& decoder);
/// Largest |a − b|, over 1 + the largest |b|; infinite when one of them is not finite.
double relative_gap(const at::Tensor& a, const at::Tensor& b);

}  // namespace hone::adapters
