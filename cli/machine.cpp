#include "cli/machine.h"

#include "hone/base/error.h"

#include "commit.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <fstream>
#include <thread>

namespace hone::cli {
namespace {

std::string processor() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const auto colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown";
}

}  // namespace

std::string version() { return HONE_VERSION; }

std::string commit() { return HONE_COMMIT; }

std::string simd_level() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) return "avx512";
  if (__builtin_cpu_supports("avx2")) return "avx2";
  return __builtin_cpu_supports("sse4.2") ? "sse4" : "none";
#elif defined(__aarch64__)
  return "neon";
#else
  return "none";
#endif
}

Json machine() {
  utsname system{};
  ::uname(&system);
  const auto pages = static_cast<uint64_t>(std::max(0L, ::sysconf(_SC_PHYS_PAGES)));
  return {{"cpu", processor()},
          {"cores", std::thread::hardware_concurrency()},
          {"memory_bytes", pages * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE))},
          {"kernel", fmt::format("{} {}", system.sysname, system.release)},
          {"simd", simd_level()}};
}

}  // namespace hone::cli
