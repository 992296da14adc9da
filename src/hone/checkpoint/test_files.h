// What the tests of this folder share: a folder that goes away again, small hostile files, and caught errors.
#pragma once

#include "hone/base/error.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>

namespace hone::checkpoint {

/// An empty folder, removed with all that it holds.
class TempFolder {
 public:
  TempFolder() {
    // In memory where there is such a place: these tests sync thousands of times.
    const bool memory = ::access("/dev/shm", W_OK | X_OK) == 0;
    const std::filesystem::path parent = memory ? "/dev/shm" : std::filesystem::temp_directory_path();
    std::string name = (parent / ("hone-checkpoint-" + std::string(6, 'X'))).string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
    path_ = name;
  }
  ~TempFolder() {
    std::error_code code;
    std::filesystem::remove_all(path_, code);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  std::filesystem::path operator/(std::string_view name) const { return path_ / name; }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

inline void write_bytes(const std::filesystem::path& path, std::string_view bytes) {
  std::filesystem::remove(path);  // ext4 waits for the disk when a file is cut and written anew
  std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

inline std::string read_bytes(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// 8 bytes of `length`, then `header`, then `data_bytes` zero bytes.
inline std::string file_bytes(uint64_t length, std::string_view header, std::size_t data_bytes = 0) {
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes += static_cast<char>(length >> (8 * i));
  bytes += header;
  return bytes + std::string(data_bytes, '\0');
}

inline std::string file_bytes(std::string_view header, std::size_t data_bytes = 0) {
  return file_bytes(header.size(), header, data_bytes);
}

/// The hone::Error that `work` throws; a test failure and nullopt when it throws none.
inline std::optional<Error> error_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "no error was thrown";
  return std::nullopt;
}

/// Checks that `work` fails with `kind` and a message that contains every one of `parts`.
inline void expect_error(ErrorKind kind, std::initializer_list<std::string_view> parts,
                         const std::function<void()>& work) {
  const std::optional<Error> error = error_of(work);
  if (!error) return;
  EXPECT_STREQ(name_of(error->kind()), name_of(kind)) << error->what();
  for (const std::string_view part : parts)
    EXPECT_NE(std::string_view(error->what()).find(part), std::string::npos)
        << "\"" << part << "\" is not in: " << error->what();
}

}  // namespace hone::checkpoint
