#include "tests/process/support/program.hpp"

#include <fcntl.h>
#include <grp.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

namespace weft::test {
namespace {

std::string read_all(int file) {
  std::string text;
  char part[65536];
  off_t at = 0;
  for (ssize_t n = 0; (n = pread(file, part, sizeof part, at)) > 0; at += n)
    text.append(part, static_cast<std::size_t>(n));
  return text;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> list;
  for (std::string& text : texts) list.push_back(text.data());
  list.push_back(nullptr);
  return list;
}

std::vector<std::string> environment_with(const std::vector<std::string>& own) {
  std::vector<std::string> all = own;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string name = std::string(*entry).substr(0, std::string(*entry).find('=') + 1);
    bool replaced = false;
    for (const std::string& one : own) replaced = replaced || one.starts_with(name);
    if (!replaced) all.emplace_back(*entry);
  }
  return all;
}

[[noreturn]] void become(const Launch& launch, char** arguments, char** environment, int out,
                         int err) {
  const int null = open("/dev/null", O_RDONLY);
  dup2(null, 0);
  dup2(out, 1);
  dup2(err, 2);
  if (launch.user) {
    if (setgroups(0, nullptr) != 0 || setresgid(*launch.user, *launch.user, *launch.user) != 0 ||
        setresuid(*launch.user, *launch.user, *launch.user) != 0)
      _exit(126);
  }
  if (!launch.directory.empty() && chdir(launch.directory.c_str()) != 0) _exit(126);
  execve(arguments[0], arguments, environment);
  _exit(127);
}

}  // namespace

Background::Background(const Launch& launch)
    : out_(memfd_create("out", MFD_CLOEXEC)), err_(memfd_create("err", MFD_CLOEXEC)) {
  auto arguments = launch.arguments;
  auto environment = environment_with(launch.environment);
  const auto argv = pointers(arguments), envp = pointers(environment);
  pid_ = fork();
  if (pid_ == 0)
    become(launch, const_cast<char**>(argv.data()), const_cast<char**>(envp.data()), out_, err_);
}

Background::~Background() {
  if (running()) {
    kill(pid_, SIGKILL);
    wait();
  }
  close(out_);
  close(err_);
}

bool Background::running() {
  if (ended_ || pid_ < 0) return false;
  int status = 0;
  if (waitpid(pid_, &status, WNOHANG) == pid_) finish(status);
  return !ended_;
}

void Background::signal(int number) const {
  if (!ended_ && pid_ > 0) kill(pid_, number);
}

const Output& Background::wait() {
  if (!ended_ && pid_ > 0) {
    int status = 0;
    while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    finish(status);
  }
  return output_;
}

std::string Background::out_so_far() const { return read_all(out_); }

void Background::finish(int status) {
  ended_ = true;
  output_.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  output_.out = read_all(out_);
  output_.err = read_all(err_);
}

Output run(const Launch& launch) {
  Background program(launch);
  return program.wait();
}

}  // namespace weft::test
