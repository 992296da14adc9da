// Normalizer, pre-tokenizer, post-processor and decoder out of tokenizer.json. Every type and option that is not known
// is an error: ids that are silently wrong are worse than none.
#pragma once

#include "hone/base/json.h"
#include "hone/text/pipeline/decoders.h"
#include "hone/text/pipeline/normalizers.h"
#include "hone/text/pipeline/post_processor.h"
#include "hone/text/pipeline/pre_tokenizers.h"

#include <string_view>
#include <vector>

namespace hone::text::pipeline {

/// `object`[key], or nullptr when it is absent or null. Looks linearly: for small objects.
const Json* member(const Json& object, std::string_view key);
/// The "type" of a step. Errors: format when it is no object or has no type.
std::string type_of(const Json& step, std::string_view what, std::string_view where);
/// A token id. Errors: format for anything but an integer from 0 to 2^31 - 1, naming the token.
int32_t token_id(const Json& value, std::string_view token, std::string_view where);

/// The steps of a member of tokenizer.json, sequences laid flat; `step` may be nullptr (none). Errors: format, naming
/// `where`, the type or option that was found and the ones that are supported; more than 64 steps; texts over 1 kB.
std::vector<Normalizer> read_normalizers(const Json* step, std::string_view where);
std::vector<PreTokenizer> read_pre_tokenizers(const Json* step, std::string_view where);
std::vector<Decoder> read_decoders(const Json* step, std::string_view where);
PostProcessor read_post_processor(const Json* step, std::string_view where);

}  // namespace hone::text::pipeline
