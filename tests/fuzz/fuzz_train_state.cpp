// Manifests of training checkpoints out of arbitrary bytes: what is accepted names plain files, once each.
#include "hone/base/error.h"
#include "hone/checkpoint/train_state.h"

#include <cstdint>
#include <cstdlib>
#include <set>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  const auto must = [](bool holds) {
    if (!holds) std::abort();
  };
  try {
    std::set<std::string> names;
    for (const auto& entry : hone::checkpoint::parse_manifest({reinterpret_cast<const char*>(data), size}, "f")) {
      must(hone::checkpoint::is_plain_name(entry.name) && names.insert(entry.name).second);
      must(entry.sha256.size() == 64 && entry.bytes <= uint64_t{INT64_MAX});
    }
    must(names.contains("state.json"));
  } catch (const hone::Error& error) {
    must(error.kind() == hone::ErrorKind::format);
  }
  return 0;
}
