#include "cli/launch.h"

#include "hone/base/error.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <vector>

namespace hone::cli {

namespace fs = std::filesystem;

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
  if (!call.has("--quiet")) fmt::print(stderr, "{}\n", line);
  std::fflush(nullptr);
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
