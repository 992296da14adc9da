// A run folder as the program would leave it, with made-up numbers; for tests of the reports.
#pragma once

#include "hone/report/claims.h"

#include <cstdint>
#include <filesystem>
#include <vector>

namespace hone::report {

/// A folder in the system's temporary folder that is removed at the end.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// Fills `dir` with the run of one seed of a self-correction recipe: seven arms on 500 problems.
void write_fake_run(const std::filesystem::path& dir, uint64_t seed);
/// The same over seeds 1 to `seeds`, in sub folders.
void write_fake_seeds(const std::filesystem::path& dir, uint64_t seeds);
/// What the fake recipe claims.
std::vector<Claim> fake_claims();

}  // namespace hone::report
