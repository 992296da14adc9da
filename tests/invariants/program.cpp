#include "tests/invariants/program.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace hone::invariants {
namespace {

namespace fs = std::filesystem;

fs::path program_folder() { return fs::path(HONE_PROGRAM).parent_path(); }

// In the child: never returns. What may fail here ends it with 126, which no test expects.
[[noreturn]] void become(const fs::path& program, const std::vector<std::string>& words, const Setting& setting,
                         const fs::path& out, const fs::path& err) {
  const int input = ::open(setting.stdin_from.empty() ? "/dev/null" : setting.stdin_from.c_str(), O_RDONLY);
  const int output = ::open(out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0666);
  const int errors = ::open(err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0666);
  if (input < 0 || output < 0 || errors < 0) ::_exit(126);
  ::dup2(input, 0);
  ::dup2(output, 1);
  ::dup2(errors, 2);
  if (!setting.folder.empty() && ::chdir(setting.folder.c_str()) != 0) ::_exit(126);
  if (setting.most_file_bytes >= 0) {
    const auto bytes = static_cast<rlim_t>(setting.most_file_bytes);
    const rlimit limit{bytes, bytes};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  std::map<std::string, std::string> environment = {{"PATH", "/usr/bin:/bin"}, {"LC_ALL", "C.UTF-8"}};
  for (const auto& [name, value] : setting.environment) environment[name] = value;
  std::vector<std::string> pairs, arguments = {program.string()};
  for (const auto& [name, value] : environment) pairs.push_back(name + "=" + value);
  arguments.insert(arguments.end(), words.begin(), words.end());
  std::vector<char*> argv, envp;
  for (std::string& word : arguments) argv.push_back(word.data());
  for (std::string& pair : pairs) envp.push_back(pair.data());
  argv.push_back(nullptr);
  envp.push_back(nullptr);
  ::execve(program.c_str(), argv.data(), envp.data());
  ::_exit(126);
}

fs::path new_file(const char* what) {
  std::string name = (fs::temp_directory_path() / ("hone-" + std::string(what) + "-XXXXXX")).string();
  const int fd = ::mkstemp(name.data());
  if (fd < 0) throw std::runtime_error("no temporary file");
  ::close(fd);
  return name;
}

int code_of(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

}  // namespace

std::string read_text(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

Running::Running(const std::vector<std::string>& words, const Setting& setting)
    : out_(setting.stdout_to.empty() ? new_file("out") : fs::path(setting.stdout_to)), err_(new_file("err")) {
  child_ = ::fork();
  if (child_ < 0) throw std::runtime_error("fork failed");
  if (child_ == 0) become(HONE_PROGRAM, words, setting, out_, err_);
}

Running::~Running() {
  if (child_ > 0) {
    ::kill(child_, SIGKILL);
    ::waitpid(child_, &status_, 0);
  }
  std::error_code code;
  if (fs::is_regular_file(out_, code)) fs::remove(out_, code);
  fs::remove(err_, code);
}

void Running::send(int signal) const {
  if (child_ > 0) ::kill(child_, signal);
}

bool Running::ends_within(double seconds) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  while (child_ > 0 && std::chrono::steady_clock::now() < end) {
    if (::waitpid(child_, &status_, WNOHANG) == child_) child_ = -1;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return child_ < 0;
}

Outcome Running::wait() {
  if (child_ > 0) ::waitpid(child_, &status_, 0);
  child_ = -1;
  return {code_of(status_), fs::is_regular_file(out_) ? read_text(out_) : "", read_text(err_)};
}

Outcome hone(const std::vector<std::string>& words, const Setting& setting) { return Running(words, setting).wait(); }

Folder::Folder() {
  std::string name = (fs::temp_directory_path() / "hone-folder-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
  path_ = name;
}

Folder::~Folder() {
  std::error_code code;
  fs::remove_all(path_, code);
}

std::string Folder::file(const std::string& name, const std::string& text) const {
  fs::create_directories((path_ / name).parent_path());
  std::ofstream(path_ / name, std::ios::binary) << text;
  return (path_ / name).string();
}

std::vector<std::string> Folder::content() const {
  std::vector<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(path_)) {
    names.push_back(entry.path().lexically_relative(path_).string());  // links may lead in a circle
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string libraries_of(const std::string& name) {
  // The loader lists the libraries instead of starting the program: what ldd does.
  const fs::path out = new_file("libraries"), err = new_file("err");
  const pid_t child = ::fork();
  if (child == 0) {
    become(program_folder() / name, {}, {.folder = {}, .environment = {{"LD_TRACE_LOADED_OBJECTS", "1"}}}, out, err);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  const std::string text = read_text(out);
  fs::remove(out);
  fs::remove(err);
  return text;
}

bool has_engine() { return fs::exists(program_folder() / "hone-engine"); }

}  // namespace hone::invariants
