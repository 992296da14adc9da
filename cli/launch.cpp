#include "cli/launch.h"

#include "cli/console.h"
#include "hone/base/error.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace hone::cli {

namespace fs = std::filesystem;

namespace {

// OpenBLAS 0.3.21 knows processors by model number and takes its slowest kernels on those made after it: a quarter of
// the speed. The instructions are what matters; a setting of the user's wins.
void choose_blas_kernels() {
#if defined(__x86_64__)
  const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (avx512 || avx2) ::setenv("OPENBLAS_CORETYPE", avx512 ? "SkylakeX" : "Haswell", 0);
#endif
}

}  // namespace

fs::path engine_path() {
  std::error_code code;
  const fs::path self = fs::read_symlink("/proc/self/exe", code);
  require(!code, ErrorKind::io, "cannot find the folder of this program: {}", code.message());
  const fs::path engine = self.parent_path() / "hone-engine";
  if (::access(engine.c_str(), X_OK) != 0) {
    throw Error(ErrorKind::io, fmt::format("{} is not there; this command needs it", engine.string()),
                "build it: make build");
  }
  return engine;
}

void become_engine(const Call& call, const std::string& line) {
  const fs::path engine = engine_path();
  if (!call.has("--quiet")) say("{}\n", line);
  std::fflush(nullptr);
  choose_blas_kernels();
  std::vector<std::string> words = call.words;
  std::string name = engine.string();
  std::vector<char*> argv = {name.data()};
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  ::execv(engine.c_str(), argv.data());
  throw Error(ErrorKind::io, fmt::format("cannot start {}: {}", engine.string(), std::strerror(errno)),
              "build it again: make build");
}

}  // namespace hone::cli
