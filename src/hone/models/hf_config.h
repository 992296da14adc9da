// Hugging Face's config.json: what it says of a decoder, in the words of transformers 4 and 5 (torch-free).
#pragma once

#include "hone/base/json.h"
#include "hone/models/decoder_config.h"

#include <string>
#include <string_view>

namespace hone::models {

/// "model_type", or where that is missing the type that "architectures" names. Errors: format, naming what is allowed,
/// for any other than gpt2, llama, mistral, qwen2, qwen3.
std::string model_type_of(const Json& json, std::string_view where);

/// Whether a tensor of that name is a buffer that some writers store and that holds nothing of its own: masks, tables
/// of frequencies.
bool is_buffer(std::string_view tensor, const DecoderConfig& config);

/// Reads config.json of those types, in both spellings of the rotary settings (rope_theta with rope_scaling,
/// rope_parameters).
/// "architectures" that end in ForSequenceClassification with num_labels 1 make a scalar decoder.
/// Errors: format, naming `where`, the key, its value and what is supported: sizes out of range or that don't divide,
/// several labels,
/// and everything that changes the maths in ways that hone does not know (other activations, kinds of rotation,
/// quantised weights, mixtures of experts, …).
DecoderConfig config_from_json(const Json& json, std::string_view where);

/// config.json for transformers 4 and 5; special token ids are added by the caller. The model_type is the first of
/// those above that has the config's switches. Errors: usage when none has them all.
Json to_json(const DecoderConfig& config);

/// Turns a language model's config.json into that of its scalar form, as AutoModelForSequenceClassification reads it:
/// "architectures" and one label.
void make_scalar(Json& config);

}  // namespace hone::models
