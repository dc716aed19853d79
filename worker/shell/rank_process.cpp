#include "worker/shell/rank_process.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>

#include "worker/shell/files.hpp"

namespace weft::worker {
namespace {

constexpr int left_before_exec = 125, not_executable = 126, not_found = 127;  // as shells have it

void say(const RankStart& start, RankWord::Kind kind, Code code = {},
         std::string_view detail = {}) {
  RankWord word;
  word.kind = kind;
  word.rank = start.rank;
  word.code = code;
  const std::size_t n = std::min(detail.size(), sizeof word.detail - 1);
  std::memcpy(word.detail, detail.data(), n);
  if (::write(start.report, &word, sizeof word) < 0) ::_exit(left_before_exec);
}

[[noreturn]] void unfit(const RankStart& start, Code code, const std::string& detail) {
  say(start, RankWord::Kind::unfit, code, detail);
  ::_exit(left_before_exec);
}

// Handlers go with exec; what we or who started us ignore would stay ignored.
void fresh_signals() {
  for (const int number : {SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGALRM, SIGTERM, SIGCHLD, SIGUSR1,
                           SIGUSR2, SIGCONT, SIGTSTP, SIGTTIN, SIGTTOU})
    ::signal(number, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

// As much of it as we may give: raising a hard limit takes a privilege that even root may lack.
void limit(int what, rlim_t soft, rlim_t hard) {
  const auto which = static_cast<__rlimit_resource_t>(what);
  rlimit now{};
  ::getrlimit(which, &now);
  rlimit wanted{std::min(soft, hard), hard};
  if (::setrlimit(which, &wanted) == 0) return;
  wanted.rlim_max = std::min(hard, now.rlim_max);
  wanted.rlim_cur = std::min(soft, wanted.rlim_max);
  ::setrlimit(which, &wanted);
}

void limits_of_a_rank(const RankStart& start) {
  limit(RLIMIT_CORE, 0, RLIM_INFINITY);
  limit(RLIMIT_NOFILE, 65'536, 1 << 20);
  limit(RLIMIT_MEMLOCK, RLIM_INFINITY, RLIM_INFINITY);  // registered memory of RDMA and of GPUs
  if (start.switch_user) limit(RLIMIT_NPROC, 16'384, 16'384);
  // Where memory runs out the kernel should take a rank before the worker or its neighbours.
  Fd score(::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC));
  if (score && ::write(score.get(), "300", 3) < 0) return;
}

std::string who(const RankStart& start) {
  return start.switch_user ? fmt::format("the job's user {} on {}", start.user, start.node_name)
                           : fmt::format("user {} on {}", ::getuid(), start.node_name);
}

void enter_workdir(const RankStart& start) {
  const std::string& path = start.workdir.empty() ? start.job_dir : start.workdir;
  if (::chdir(path.c_str()) == 0) return;
  const int number = errno;
  unfit(start, Code::launch_workdir,
        fmt::format("workdir {}: {} (for {}); it must exist on the node and that user must be able "
                    "to enter it",
                    path, std::strerror(number), who(start)));
}

void become_the_job(const RankStart& start) {
  if (start.switch_user &&
      (::setgroups(0, nullptr) != 0 || ::setresgid(start.user, start.user, start.user) != 0 ||
       ::setresuid(start.user, start.user, start.user) != 0))
    unfit(start, Code::launch_refused,
          fmt::format("can't become user {}: {}", start.user, std::strerror(errno)));
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  // After the change of user, which clears it. The holder enforces the lease's end: no rank without
  // one.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  if (::getppid() != start.holder) ::_exit(left_before_exec);
  ::umask(022);
}

std::string_view path_of(const RankStart& start) {
  for (const std::string& variable : start.environment)
    if (variable.starts_with("PATH=")) return std::string_view(variable).substr(5);
  return "/usr/local/bin:/usr/bin:/bin";
}

int usable(const std::string& file) {
  struct stat found{};
  if (::faccessat(AT_FDCWD, file.c_str(), X_OK, AT_EACCESS) != 0) return errno;
  if (::stat(file.c_str(), &found) != 0) return errno;
  return S_ISREG(found.st_mode) ? 0 : EACCES;
}

// As execvp would find it, but along the PATH of the job.
std::string find_program(const RankStart& start) {
  const std::string& name = start.argv[0];
  int worst = ENOENT;
  std::string_view path = path_of(start);
  if (name.find('/') != std::string::npos) {
    worst = usable(name);
    if (worst == 0) return name;
  } else {
    for (std::string_view rest = path; !name.empty();) {
      const std::size_t colon = rest.find(':');
      const std::string folder(rest.substr(0, colon));
      const std::string file = (folder.empty() ? "." : folder) + "/" + name;
      const int number = usable(file);
      if (number == 0) return file;
      if (number != ENOENT && number != ENOTDIR) worst = number;
      if (colon == std::string_view::npos) break;
      rest.remove_prefix(colon + 1);
    }
  }
  const std::string where =
      name.find('/') == std::string::npos ? fmt::format(" (looked along PATH {})", path) : "";
  unfit(start, Code::launch_exec,
        fmt::format("can't run {}: {} (as {}){}", name, std::strerror(worst), who(start), where));
}

void wait_for_go(const RankStart& start) {
  if (start.go < 0) return;
  char byte = 0;
  ssize_t n = 0;
  do n = ::read(start.go, &byte, 1);
  while (n < 0 && errno == EINTR);
  if (n != 1) ::_exit(left_before_exec);
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (const std::string& text : texts) out.push_back(const_cast<char*>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

[[noreturn]] void execute(const RankStart& start, const std::string& program) {
  const auto argv = pointers(start.argv), environment = pointers(start.environment);
  ::execve(program.c_str(), argv.data(), environment.data());
  if (errno == ENOEXEC) {  // a script without a first line that names its interpreter
    std::vector<std::string> shell{"/bin/sh", program};
    shell.insert(shell.end(), start.argv.begin() + 1, start.argv.end());
    ::execve("/bin/sh", pointers(shell).data(), environment.data());
  }
  const int number = errno;
  say(start, RankWord::Kind::exec_failed, Code::launch_exec,
      fmt::format("can't run {}: {} (as {})", program, std::strerror(number), who(start)));
  ::_exit(number == ENOENT ? not_found : not_executable);
}

}  // namespace

void run_rank(const RankStart& start) {
  ::setsid();
  ::prctl(PR_SET_NAME, "weft-rank", 0, 0, 0);
  fresh_signals();
  Fd nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (::dup2(nothing.get(), 0) < 0 || ::dup2(start.out, 1) < 0 || ::dup2(start.err, 2) < 0)
    unfit(start, Code::launch_refused,
          fmt::format("can't set up its standard streams: {}", std::strerror(errno)));
  limits_of_a_rank(start);
  if (start.trust_workdir) enter_workdir(start);
  become_the_job(start);
  if (!start.trust_workdir) enter_workdir(start);
  const std::string program = find_program(start);
  if (start.go >= 0) say(start, RankWord::Kind::ready);
  wait_for_go(start);
  ::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);  // whatever we forgot to mark
  execute(start, program);
}

}  // namespace weft::worker
