// The types of models that config.json may name, and their architectures with either head (torch-free).
#pragma once

#include "hone/base/json.h"

#include <string>
#include <string_view>

namespace hone::models {

/// A "model_type", and the words its "architectures" are made of.
struct HfType {
  std::string_view name, stem, head;  ///< "gpt2", "GPT2", "LMHeadModel"
  /// With the vocabulary's head, or with one for labels: "GPT2LMHeadModel", "GPT2ForSequenceClassification".
  std::string architecture(bool scalar) const;
};

/// `name` must be one that model_type_of() gives.
const HfType& type_named(std::string_view name);

/// Whether "architectures" says that the model ends in a head for labels; hone knows the one with a single label, a
/// number. Errors: format, naming `where`, for another number of labels.
bool is_scalar(const Json& config, std::string_view where);

/// A value as an error shows it: at most 80 bytes of JSON.
std::string shown(const Json& value);

}  // namespace hone::models
