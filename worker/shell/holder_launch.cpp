// Of the holder: places and processes, up to the ranks that wait for Go.
#include "worker/shell/holder_process.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "worker/shell/attempt_dir.hpp"
#include "worker/shell/cgroup.hpp"
#include "worker/shell/channel.hpp"
#include "worker/shell/process_tree.hpp"

namespace weft::worker {

Result<void> Holder::make_job_dir() {
  const std::string path = options_.job_root + "/" + std::to_string(order_.job.value);
  const uid_t owner = options_.job_users ? options_.job_uid(order_.job) : ::getuid();
  const bool made = ::mkdir(path.c_str(), 0700) == 0;
  if (!made && errno != EEXIST)
    return tl::make_unexpected(errno_error(Code::launch_refused, path, errno));
  Fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  struct stat found{};
  if (!fd || ::fstat(fd.get(), &found) != 0)
    return tl::make_unexpected(errno_error(Code::launch_refused, path, errno));
  // Two workers on one host may share a job's directory: one of them made it a moment ago.
  if (options_.job_users && found.st_uid == 0 && ::fchown(fd.get(), owner, owner) != 0)
    return tl::make_unexpected(errno_error(Code::launch_refused, path, errno));
  if (found.st_uid != owner && found.st_uid != 0)
    return fail(Code::launch_refused,
                fmt::format("{} belongs to user {}, not to the job's user {}; another "
                            "broker's job? give each its own --job-root",
                            path, found.st_uid, owner));
  return {};
}

Result<void> Holder::make_places() {
  if (const auto made = make_job_dir(); !made) return made;
  const std::string folder = options_.attempt_dir(order_.attempt);
  std::optional<uid_t> owner;
  if (options_.job_users) owner = options_.job_uid(order_.job);
  for (const HeldRank& r : hold_.state().ranks) {
    for (const bool errors : {false, true}) {
      auto log = LogPipe::open(log_path(options_, order_.attempt, r.rank, errors), owner);
      if (!log) return tl::make_unexpected(log.error());
      logs_[r.rank][errors ? 1 : 0] = std::move(*log);
    }
    // torch writes a traceback there; made here, as the rank can't make files in this directory.
    const std::string traceback = fmt::format("{}/rank-{}.error.json", folder, r.rank);
    Fd fd(::open(traceback.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd || (owner && ::fchown(fd.get(), *owner, *owner) != 0))
      return tl::make_unexpected(errno_error(Code::launch_refused, traceback, errno));
  }
  hold_.described().cgroup = make_cgroup(
      options_.cgroup_parent,
      fmt::format("{}-{:08x}-{}", options_.name,
                  std::hash<std::string>{}(options_.state) & 0xffffffffU, order_.attempt.value));
  int words[2], go[2];
  if (::pipe2(words, O_CLOEXEC) != 0 || ::pipe2(go, O_CLOEXEC) != 0)
    return tl::make_unexpected(errno_error(Code::launch_refused, "pipe", errno));
  report_in_ = Fd(words[0]);
  report_out_ = Fd(words[1]);
  go_in_ = Fd(go[0]);
  go_out_ = Fd(go[1]);
  ::fcntl(report_in_.get(), F_SETFL, O_NONBLOCK);
  auto listening = listen_at(folder, "holder.sock", 0600);
  if (!listening) return tl::make_unexpected(listening.error());
  listener_ = std::move(*listening);
  return {};
}

Place Holder::place() const {
  Place place;
  place.worker_socket = options_.socket;
  place.attempt_dir = options_.attempt_dir(order_.attempt);
  place.job_dir = options_.job_root + "/" + std::to_string(order_.job.value);
  const char* path = options_.trust_workdir ? std::getenv("PATH") : nullptr;
  place.path =
      path != nullptr ? path : "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  const char* home = options_.job_users ? nullptr : std::getenv("HOME");
  place.home = home != nullptr ? home : place.job_dir;
  place.net_device = options_.net_device;
  place.rdma = options_.rdma;
  cpu_set_t usable;
  if (::sched_getaffinity(0, sizeof usable, &usable) == 0)
    place.cores = static_cast<std::uint32_t>(std::max(1, CPU_COUNT(&usable)));
  return place;
}

RankStart Holder::start_of(std::uint32_t rank, std::vector<std::string> argv,
                           std::vector<std::string> environment) {
  RankStart start;
  start.rank = rank;
  start.argv = std::move(argv);
  start.environment = std::move(environment);
  start.workdir = order_.spec.workdir;
  start.job_dir = options_.job_root + "/" + std::to_string(order_.job.value);
  start.node_name = options_.name;
  start.trust_workdir = options_.trust_workdir;
  start.switch_user = options_.job_users;
  start.user = options_.job_uid(order_.job);
  start.out = logs_[rank][0].write_end();
  start.err = logs_[rank][1].write_end();
  start.report = report_out_.get();
  start.holder = ::getpid();
  return start;
}

// A host may show us a cgroup and still not let a child be made in it: then there is none.
pid_t Holder::fork_child() {
  const pid_t pid = fork_into(hold_.state().cgroup);
  if (pid >= 0 || hold_.state().cgroup.empty() || !ranks_.empty()) return pid;
  remove_cgroup(hold_.state().cgroup);
  hold_.described().cgroup.clear();
  return fork_into({});
}

// Its output stands in the logs of the first rank here, before that rank's own.
void Holder::run_setup() {
  const std::uint32_t first = hold_.state().ranks.front().rank;
  const RankStart start =
      start_of(first, {"/bin/sh", "-c", order_.spec.setup}, setup_environment(order_, place()));
  setup_ = fork_child();
  if (setup_ == 0) run_rank(start);
  if (setup_ < 0)
    feed(hold::CanNot{Code::launch_refused, fmt::format("fork: {}", std::strerror(errno))});
}

void Holder::fork_ranks() {
  hold::Forked forked;
  const Place here = place();
  for (const HeldRank& r : hold_.state().ranks) {
    const std::uint32_t local = r.rank - hold_.state().ranks.front().rank;
    RankStart start = start_of(r.rank, order_.spec.run, rank_environment(order_, here, local));
    start.go = go_in_.get();
    const pid_t pid = fork_child();
    if (pid == 0) {
      go_out_.reset();  // or no rank would ever see the end of the pipe
      run_rank(start);
    }
    if (pid < 0)
      return feed(
          hold::CanNot{Code::launch_refused, fmt::format("fork: {}", std::strerror(errno))});
    ranks_[pid] = r.rank;
    HeldRank child = r;
    child.pid = static_cast<std::uint32_t>(pid);
    if (const auto facts = facts_of(pid)) child.started = facts->started;
    forked.ranks.push_back(child);
  }
  for (auto& [rank, logs] : logs_)
    for (LogPipe& log : logs) log.close_write_end();  // so that the ranks' ends are the last ones
  feed(forked);
}

}  // namespace weft::worker
