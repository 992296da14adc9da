// Training checkpoints that survive kill -9 at any instant.
//   <root>/<sequence>-<label>/  state.json, <file>.safetensors …, MANIFEST.json (name, size, SHA-256 of every file)
// Written into a temporary folder, fsynced, renamed, read back and verified; only then should the caller prune older
// ones. One writer per root at a time (hold base::RunLock); any number of readers.
#pragma once

#include "hone/base/json.h"
#include "hone/checkpoint/safetensors.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace hone::checkpoint {

/// One committed checkpoint.
struct Saved {
  std::filesystem::path dir;
  int64_t sequence = 0;
  std::string label;
};

/// Tensors under one file name, e.g. {"model", …} → model.safetensors.
struct TensorFile {
  std::string name;  ///< letters, digits, "-" and "_"
  std::vector<TensorData> tensors;
};

/// Commits a checkpoint: after the return it is on the disk and has been read back. First removes what killed writers
/// left under `root`, and checks that 1.2 × its size is free.
///   sequence  ≥ 0 and larger than every committed one
///   label     letters, digits, "-" and "_", at most 64
///   state     an object; numbers must be finite (see base::finite_or_null)
/// Errors: io (disk full, unwritable), with the earlier checkpoints untouched and nothing left behind; internal for bad
/// arguments, or if the read-back differs (the new checkpoint is set aside then).
Saved save_state(const std::filesystem::path& root, int64_t sequence, std::string_view label, const Json& state,
                 const std::vector<TensorFile>& files);

/// How closely list_states looks: at every byte, or only at names and sizes (for pruning, after save_state verified).
enum class Verify { hashes, sizes };

/// Committed checkpoints, oldest first; none if `root` does not exist. Folders whose manifest is missing or does not
/// verify are renamed to *.bad, get a REASON.txt and are left out; temporary folders are left alone.
/// Errors: io if a file can't be read (which does not prove it bad).
std::vector<Saved> list_states(const std::filesystem::path& root, Verify verify = Verify::hashes);

/// state.json of a checkpoint.
Json load_state(const Saved& saved);
/// One of its tensor files. Errors: as SafetensorsFile.
SafetensorsFile open_state_tensors(const Saved& saved, std::string_view name);

/// Removes a committed checkpoint (renamed to a temporary name first, so that a kill leaves no half of one).
/// Errors: io; none if it is gone already.
void remove_state(const Saved& saved);

/// One line of a manifest.
struct ManifestEntry {
  std::string name;  ///< a plain file name
  uint64_t bytes = 0;
  std::string sha256;  ///< 64 lower-case hex digits
};

/// MANIFEST.json out of its text. Errors: format, naming `where` — bad JSON, unknown schema, a name that is a path, a
/// name twice, no state.json.
std::vector<ManifestEntry> parse_manifest(std::string_view text, std::string_view where);

}  // namespace hone::checkpoint
