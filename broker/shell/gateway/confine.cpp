#include "broker/shell/gateway/confine.hpp"

#include <errno.h>
#include <fmt/format.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define WEFT_SHADOW_MEMORY 1  // of a sanitizer: terabytes of address space
#else
#define WEFT_SHADOW_MEMORY 0
#endif

namespace weft::broker {
namespace {

Error os_error(const char* what) {
  return {Code::os_error, fmt::format("{}: {}", what, std::strerror(errno))};
}

Result<void> limit(int resource, rlim_t value, const char* name) {
  rlimit now{};
  if (getrlimit(static_cast<__rlimit_resource>(resource), &now) != 0)
    return tl::make_unexpected(os_error(name));
  now.rlim_cur = now.rlim_max = std::min(value, now.rlim_max);
  if (setrlimit(static_cast<__rlimit_resource>(resource), &now) != 0)
    return tl::make_unexpected(os_error(name));
  return {};
}

// The signal is lost on a change of user, and does nothing for a parent that is gone already.
Result<void> die_with(int parent_pid) {
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
    return tl::make_unexpected(os_error("PR_SET_PDEATHSIG"));
  if (getppid() != parent_pid) return fail(Code::os_error, "the broker is gone");
  return {};
}

}  // namespace

Result<void> confine_early(int parent_pid) {
  if (auto tied = die_with(parent_pid); !tied) return tied;
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    return tl::make_unexpected(os_error("PR_SET_NO_NEW_PRIVS"));
  // Ctrl-C at a terminal goes to the whole group: the broker decides when a gateway ends.
  signal(SIGINT, SIG_IGN);
  signal(SIGTERM, SIG_IGN);
  signal(SIGPIPE, SIG_IGN);
  return limit(RLIMIT_CORE, 0, "RLIMIT_CORE").and_then([] {
    return limit(RLIMIT_NOFILE, 65'536, "RLIMIT_NOFILE");
  });
}

Result<void> confine_late(int parent_pid, std::uint64_t memory_bytes_max) {
  if (!WEFT_SHADOW_MEMORY)
    if (auto set = limit(RLIMIT_AS, memory_bytes_max, "RLIMIT_AS"); !set) return set;
  if (geteuid() == 0) {
    if (setgroups(0, nullptr) != 0) return tl::make_unexpected(os_error("setgroups"));
    if (setresgid(gateway_uid, gateway_uid, gateway_uid) != 0)
      return tl::make_unexpected(os_error("setresgid"));
    if (setresuid(gateway_uid, gateway_uid, gateway_uid) != 0)
      return tl::make_unexpected(os_error("setresuid"));
  }
  if (prctl(PR_SET_DUMPABLE, 0) != 0) return tl::make_unexpected(os_error("PR_SET_DUMPABLE"));
  return die_with(parent_pid);
}

std::uint64_t descriptor_limit() {
  rlimit now{};
  getrlimit(RLIMIT_NOFILE, &now);
  return now.rlim_cur;
}

std::uint64_t resident_bytes() {
  std::uint64_t pages = 0, resident = 0;
  FILE* file = fopen("/proc/self/statm", "re");
  if (file == nullptr) return 0;
  const int read = fscanf(file, "%lu %lu", &pages, &resident);
  fclose(file);
  return read == 2 ? resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE)) : 0;
}

}  // namespace weft::broker
