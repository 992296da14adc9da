#include "hone/checkpoint/train_state.h"

#include "hone/base/error.h"
#include "hone/base/files.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <optional>
#include <system_error>

namespace hone::checkpoint {
namespace {

namespace fs = std::filesystem;

constexpr int kSchema = 1;
constexpr uint64_t kMaxManifestBytes = uint64_t{1} << 20;
constexpr uint64_t kMaxStateBytes = uint64_t{256} << 20;
constexpr const char* kManifest = "MANIFEST.json";
constexpr const char* kState = "state.json";

// Names stay in this alphabet so that "12-warm.tmp-77" and "12-warm.bad" can't be labels.
bool is_word(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
  });
}

// Eight digits, so that a listing by name is in order of the sequence for longer than anyone trains.
std::string folder_name(int64_t sequence, std::string_view label) { return fmt::format("{:08}-{}", sequence, label); }

// The checkpoint that a folder's name stands for; nullopt for every name that folder_name does not make.
std::optional<Saved> saved_at(const fs::path& dir) {
  const std::string name = dir.filename().string();
  Saved saved{dir, 0, ""};
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), saved.sequence);
  if (error != std::errc() || end == name.data() + name.size() || *end != '-' || saved.sequence < 0)
    return std::nullopt;
  saved.label.assign(end + 1, name.data() + name.size());
  if (!is_word(saved.label) || folder_name(saved.sequence, saved.label) != name) return std::nullopt;
  return saved;
}

bool is_temporary(const fs::path& dir) {
  const std::string name = dir.filename().string();
  const auto at = name.find(".tmp-");
  return at != std::string::npos && saved_at(name.substr(0, at)).has_value();
}

// Folders directly under `root` (links to folders are not), in no order; none if `root` does not exist.
std::vector<fs::path> folders_in(const fs::path& root) {
  std::vector<fs::path> folders;
  std::error_code code;
  for (fs::directory_iterator it(root, code), end; it != end && !code; it.increment(code)) {
    std::error_code gone;  // an entry may vanish between the two calls
    if (fs::is_directory(it->symlink_status(gone))) folders.push_back(it->path());
  }
  if (code && code != std::errc::no_such_file_or_directory) fail_io("list", root, code.value());
  return folders;
}

std::vector<Saved> committed(const fs::path& root) {
  std::vector<Saved> all;
  for (const fs::path& dir : folders_in(root)) {
    if (std::optional<Saved> saved = saved_at(dir)) all.push_back(std::move(*saved));
  }
  std::sort(all.begin(), all.end(), [](const Saved& a, const Saved& b) {
    return std::pair(a.sequence, a.label) < std::pair(b.sequence, b.label);
  });
  return all;
}

void sync_folder(const fs::path& dir) {
  const int fd = ::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) fail_io("sync", dir, errno);
  // Some file systems can't sync a folder and say so with EINVAL; there is nothing more to do then.
  const int code = ::fsync(fd) == 0 || errno == EINVAL ? 0 : errno;
  ::close(fd);
  if (code != 0) fail_io("sync", dir, code);
}

void check_file(const fs::path& path, const ManifestEntry& entry, Verify verify) {
  std::error_code code;
  // A link may point outside the checkpoint, where others write.
  const bool regular = fs::is_regular_file(fs::symlink_status(path, code));
  require(regular, ErrorKind::format, "{}: {} is missing or not a regular file", kManifest, quote_name(entry.name));
  const uint64_t bytes = fs::file_size(path, code);
  if (code) fail_io("read", path, code.value());
  require(bytes == entry.bytes, ErrorKind::format, "{} says that {} has {} bytes, it has {}", kManifest,
          quote_name(entry.name), grouped(entry.bytes), grouped(bytes));
  if (verify == Verify::sizes) return;
  const std::string found = base::sha256_hex_of_file(path);
  require(found == entry.sha256, ErrorKind::format, "{} gives {} the SHA-256 {}, its bytes have {}", kManifest,
          quote_name(entry.name), entry.sha256, found);
}

// What is wrong with a committed folder; "" if nothing. Throws only what does not prove it bad: io errors.
std::string fault_of(const fs::path& dir, Verify verify) {
  try {
    std::error_code code;
    const fs::path manifest = dir / kManifest;
    require(fs::is_regular_file(fs::symlink_status(manifest, code)), ErrorKind::format, "{} is missing", kManifest);
    const uint64_t bytes = fs::file_size(manifest, code);
    require(code || bytes <= kMaxManifestBytes, ErrorKind::format, "{} has {} bytes", kManifest, grouped(bytes));
    for (const ManifestEntry& entry : parse_manifest(base::read_file(manifest, kMaxManifestBytes), kManifest)) {
      check_file(dir / entry.name, entry, verify);
    }
    return "";
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::format) throw;
    return error.what();
  }
}

// Renames a bad checkpoint out of the way. Best effort: on a read-only disk it can only be left out of the list.
void quarantine(const fs::path& dir, const std::string& reason) {
  for (int attempt = 1; attempt < 1000; ++attempt) {
    fs::path aside = dir;
    aside += attempt == 1 ? ".bad" : fmt::format(".bad{}", attempt);
    std::error_code code;
    if (fs::exists(fs::symlink_status(aside, code))) continue;
    fs::rename(dir, aside, code);
    if (code) return;
    try {
      base::write_file_atomic(aside / "REASON.txt", reason + "\n");
    } catch (const Error&) {
      // The disk is full or read-only; the name says enough.
    }
    return;
  }
}

// Writes all files of a checkpoint into `tmp`, the manifest last.
void write_files(const fs::path& tmp, const std::string& state, const std::vector<TensorFile>& files) {
  Json entries = Json::array();
  const auto note = [&](const std::string& name, const std::string& sha256) {
    entries.push_back(Json{{"name", name}, {"bytes", fs::file_size(tmp / name)}, {"sha256", sha256}});
  };
  base::write_file_atomic(tmp / kState, state);
  note(kState, base::sha256_hex(state));
  for (const TensorFile& file : files) {
    // Hashed on the way from memory to the disk, so that the read-back compares with what was meant.
    base::Sha256 hash;
    const std::string name = file.name + ".safetensors";
    write_safetensors(tmp / name, file.tensors, {{"format", "pt"}}, &hash);
    note(name, hash.hex());
  }
  base::write_file_atomic(tmp / kManifest, base::dump(Json{{"schema", kSchema}, {"files", entries}}, 2) + "\n");
}

void check_arguments(int64_t sequence, std::string_view label, const std::vector<TensorFile>& files) {
  require(sequence >= 0, ErrorKind::internal, "a checkpoint can't have the sequence {}", sequence);
  require(is_word(label), ErrorKind::internal, "a checkpoint can't have the label {}", quote_name(label));
  std::vector<std::string_view> names;
  for (const TensorFile& file : files) {
    require(is_word(file.name), ErrorKind::internal, "a tensor file can't have the name {}", quote_name(file.name));
    names.push_back(file.name);
  }
  std::sort(names.begin(), names.end());
  require(std::adjacent_find(names.begin(), names.end()) == names.end(), ErrorKind::internal,
          "two tensor files have one name");
}

// The text of state.json, which load_state is sure to read again.
std::string state_text(const Json& state) {
  require(state.is_object(), ErrorKind::internal, "the state of a checkpoint must be an object");
  std::string text = base::dump(state, 1) + "\n";
  require(text.size() <= kMaxStateBytes, ErrorKind::internal, "state.json would have {} bytes; at most {}",
          grouped(text.size()), grouped(kMaxStateBytes));
  base::parse_json(text, kState);
  return text;
}

uint64_t size_of_all(const std::string& state, const std::vector<TensorFile>& files) {
  constexpr uint64_t kHeaderBytes = 200;  // a tensor's line in its header
  uint64_t bytes = state.size() + 4096;
  for (const TensorFile& file : files) {
    for (const TensorData& tensor : file.tensors) bytes += byte_count(tensor) + tensor.name.size() + kHeaderBytes;
  }
  return bytes;
}

}  // namespace

std::vector<ManifestEntry> parse_manifest(std::string_view text, std::string_view where) {
  const Json manifest = base::parse_json(text, where);
  const int64_t schema = base::get_int(manifest, "schema", 0, INT64_MAX, where);
  require(schema == kSchema, ErrorKind::format, "{}: schema {} is not known to this version of hone (it knows {})",
          where, schema, kSchema);
  const auto files = manifest.find("files");
  require(files != manifest.end() && files->is_array(), ErrorKind::format, "{}: \"files\" must be a list", where);
  std::vector<ManifestEntry> entries;
  for (const Json& file : *files) {
    ManifestEntry entry;
    entry.name = base::get_string(file, "name", where);
    require(is_plain_name(entry.name) && entry.name != kManifest, ErrorKind::format, "{}: {} is not a plain file name",
            where, quote_name(entry.name));
    entry.bytes = static_cast<uint64_t>(base::get_int(file, "bytes", 0, INT64_MAX, where));
    entry.sha256 = base::get_string(file, "sha256", where);
    require(entry.sha256.size() == 64 && entry.sha256.find_first_not_of("0123456789abcdef") == std::string::npos,
            ErrorKind::format, "{}: {} has no SHA-256 of 64 hex digits", where, quote_name(entry.name));
    entries.push_back(std::move(entry));
  }
  std::sort(entries.begin(), entries.end(),
            [](const ManifestEntry& a, const ManifestEntry& b) { return a.name < b.name; });
  const auto twice = std::adjacent_find(
      entries.begin(), entries.end(), [](const ManifestEntry& a, const ManifestEntry& b) { return a.name == b.name; });
  if (twice != entries.end()) fail(ErrorKind::format, "{}: {} is listed twice", where, quote_name(twice->name));
  const bool has_state = std::any_of(entries.begin(), entries.end(), [](const auto& e) { return e.name == kState; });
  require(has_state, ErrorKind::format, "{}: {} is not listed", where, kState);
  return entries;
}

Saved save_state(const fs::path& root, int64_t sequence, std::string_view label, const Json& state,
                 const std::vector<TensorFile>& files) {
  check_arguments(sequence, label, files);
  const std::string text = state_text(state);
  base::make_folders(root);
  for (const fs::path& dir : folders_in(root)) {
    std::error_code code;
    if (is_temporary(dir)) fs::remove_all(dir, code);  // there is one writer, so whoever made it is dead
  }
  const std::vector<Saved> earlier = committed(root);
  require(earlier.empty() || sequence > earlier.back().sequence, ErrorKind::internal,
          "{}: a checkpoint with the sequence {} can't follow {}", root.string(), sequence,
          earlier.empty() ? 0 : earlier.back().sequence);
  require_space(root, size_of_all(text, files));
  Saved saved{root / folder_name(sequence, label), sequence, std::string(label)};
  base::publish_folder(saved.dir, [&](const fs::path& tmp) { write_files(tmp, text, files); });
  if (const std::string fault = fault_of(saved.dir, Verify::hashes); !fault.empty()) {
    quarantine(saved.dir, fault);
    throw Error(ErrorKind::internal, fmt::format("{}: read back after writing: {}", saved.dir.string(), fault),
                "the disk or the memory is failing; earlier checkpoints are untouched");
  }
  return saved;
}

std::vector<Saved> list_states(const fs::path& root, Verify verify) {
  std::vector<Saved> good;
  for (Saved& saved : committed(root)) {
    std::string fault;
    try {
      fault = fault_of(saved.dir, verify);
    } catch (const Error&) {
      std::error_code code;
      // Another process has removed it meanwhile.
      if (fs::symlink_status(saved.dir, code).type() == fs::file_type::not_found) continue;
      throw;
    }
    if (fault.empty()) {
      good.push_back(std::move(saved));
    } else {
      quarantine(saved.dir, fault);
    }
  }
  return good;
}

Json load_state(const Saved& saved) {
  const fs::path path = saved.dir / kState;
  Json state = base::parse_json(base::read_file(path, kMaxStateBytes), path.string());
  require(state.is_object(), ErrorKind::format, "{}: expected an object, found {}", path.string(), state.type_name());
  return state;
}

SafetensorsFile open_state_tensors(const Saved& saved, std::string_view name) {
  require(is_word(name), ErrorKind::internal, "a tensor file can't have the name {}", quote_name(name));
  return SafetensorsFile(saved.dir / (std::string(name) + ".safetensors"));
}

void remove_state(const Saved& saved) {
  fs::path temporary = saved.dir;
  temporary += fmt::format(".tmp-{}", ::getpid());
  std::error_code code;
  fs::rename(saved.dir, temporary, code);
  if (code == std::errc::no_such_file_or_directory) return;
  if (code) fail_io("remove", saved.dir, code.value());
  sync_folder(saved.dir.parent_path());
  fs::remove_all(temporary, code);
  if (code) fail_io("remove", temporary, code.value());
}

}  // namespace hone::checkpoint
