#include "worker/shell/holder.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>

#include "base/log.hpp"
#include "worker/core/environment.hpp"
#include "worker/core/hold.hpp"
#include "worker/shell/attempt_dir.hpp"
#include "worker/shell/cgroup.hpp"
#include "worker/shell/channel.hpp"
#include "worker/shell/clock.hpp"
#include "worker/shell/log_file.hpp"
#include "worker/shell/process_tree.hpp"
#include "worker/shell/rank_process.hpp"

namespace weft::worker {
namespace {

using hold::Act;

class Holder {
 public:
  Holder(const Options& options, const Prepare& order, Instant deadline, Fd link)
      : options_(options), order_(order), hold_(order, deadline), link_(std::move(link)) {
    hold_.described().boot = boot_id();
    hold_.described().pid = static_cast<std::uint32_t>(::getpid());
  }
  int run();

 private:
  Result<void> make_places();
  Result<void> make_job_dir();
  Place place() const;
  RankStart start_of(std::uint32_t rank, std::vector<std::string> argv,
                     std::vector<std::string> environment);
  void feed(const hold::Event& event);
  void perform(Act act);
  void run_setup();
  void fork_ranks();
  void publish();
  void tell_worker();
  void release();
  void term();
  void kill_tree();
  void signal(const hold::Signal& s);
  void reap();
  void child_ended(pid_t pid, int status);
  void read_words();
  void read_link();
  void accept_link();
  void trim_logs();
  void finish();
  bool nothing_left() const;

  const Options& options_;
  const Prepare order_;
  hold::Hold hold_;
  Fd link_, listener_, signals_, report_in_, report_out_, go_in_, go_out_, cgroup_;
  std::map<std::uint32_t, std::pair<Fd, Fd>> logs_;  // out, err
  std::map<pid_t, std::uint32_t> ranks_;             // that live
  pid_t setup_ = 0;
  bool untold_ = false, finished_ = false;
  Instant trim_at_ = never;
};

// ---- places

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
  const uid_t owner = options_.job_uid(order_.job);
  const auto open_log = [&](const std::string& path) {
    Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC | O_NOFOLLOW,
                 0600));
    // The job's own, so that a program may open /dev/stdout again.
    if (fd && options_.job_users && ::fchown(fd.get(), owner, owner) != 0) fd.reset();
    return fd;
  };
  for (const HeldRank& r : hold_.state().ranks) {
    auto& [out, err] = logs_[r.rank];
    out = open_log(log_path(options_, order_.attempt, r.rank, false));
    err = open_log(log_path(options_, order_.attempt, r.rank, true));
    if (!out || !err ||
        !open_log(
            fmt::format("{}/rank-{}.error.json", options_.attempt_dir(order_.attempt), r.rank)))
      return tl::make_unexpected(
          errno_error(Code::launch_refused, "log file of rank " + std::to_string(r.rank), errno));
  }
  hold_.described().cgroup = make_cgroup(
      fmt::format("{}-{:08x}-{}", options_.name,
                  std::hash<std::string>{}(options_.state) & 0xffffffffU, order_.attempt.value));
  if (!hold_.state().cgroup.empty()) cgroup_ = cgroup_procs(hold_.state().cgroup);
  int words[2], go[2];
  if (::pipe2(words, O_CLOEXEC) != 0 || ::pipe2(go, O_CLOEXEC) != 0)
    return tl::make_unexpected(errno_error(Code::launch_refused, "pipe", errno));
  report_in_ = Fd(words[0]);
  report_out_ = Fd(words[1]);
  go_in_ = Fd(go[0]);
  go_out_ = Fd(go[1]);
  ::fcntl(report_in_.get(), F_SETFL, O_NONBLOCK);
  auto listening = listen_at(options_.attempt_dir(order_.attempt), "holder.sock", 0600);
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

// ---- children

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
  start.cgroup_procs = cgroup_ ? cgroup_.get() : -1;
  start.out = logs_[rank].first.get();
  start.err = logs_[rank].second.get();
  start.report = report_out_.get();
  start.holder = ::getpid();
  return start;
}

// Its output stands in the logs of the first rank here, before that rank's own.
void Holder::run_setup() {
  const std::uint32_t first = hold_.state().ranks.front().rank;
  const RankStart start =
      start_of(first, {"/bin/sh", "-c", order_.spec.setup}, setup_environment(order_, place()));
  setup_ = ::fork();
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
    const pid_t pid = ::fork();
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
  feed(forked);
}

void Holder::release() {
  const std::string bytes(hold_.state().ranks.size(), 'g');
  if (::write(go_out_.get(), bytes.data(), bytes.size()) < 0)
    log::error("go: {}", std::strerror(errno));
  trim_at_ = boot_now() + log_trim_period;
}

void Holder::term() {
  for (const auto& [pid, rank] : ranks_) {
    ::kill(-pid, SIGTERM);
    ::kill(-pid, SIGCONT);  // a stopped process never handles TERM
  }
}

void Holder::signal(const hold::Signal& s) {
  for (const auto& [pid, rank] : ranks_)
    if (s.rank < 0 || static_cast<std::uint32_t>(s.rank) == rank)
      ::kill(pid, static_cast<int>(s.number));
}

void Holder::kill_tree() {
  go_out_.reset();
  reap();
  if (nothing_left()) return;
  if (!hold_.state().cgroup.empty()) kill_cgroup(hold_.state().cgroup);
  for (const pid_t pid : descendants_of(::getpid())) ::kill(pid, SIGKILL);
}

// As a subreaper we are the parent of every orphan below: no child, no process.
bool Holder::nothing_left() const {
  siginfo_t info{};
  return ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 && errno == ECHILD;
}

void Holder::reap() {
  for (;;) {
    int status = 0;
    const pid_t pid = ::waitpid(-1, &status, WNOHANG);
    if (pid <= 0) break;
    child_ended(pid, status);
  }
}

void Holder::child_ended(pid_t pid, int status) {
  const bool killed = WIFSIGNALED(status);
  const int value = killed ? WTERMSIG(status) : WEXITSTATUS(status);
  if (pid == setup_) {
    setup_ = 0;
    if (killed || value != 0)
      feed(hold::CanNot{
          Code::launch_refused,
          fmt::format("setup ended with {} {}: {}", killed ? "signal" : "exit code", value,
                      last_lines(options_, order_.attempt, hold_.state().ranks.front().rank))});
    else
      feed(hold::SetupEnded{});
    return;
  }
  const auto found = ranks_.find(pid);
  if (found == ranks_.end()) return;  // an orphan of some rank
  const std::uint32_t rank = found->second;
  ranks_.erase(found);
  read_words();  // what it said before it died comes first
  hold::RankExited e{rank, killed, value, false};
  e.out_of_memory = killed && value == SIGKILL && !hold_.state().cgroup.empty() &&
                    out_of_memory_kills(hold_.state().cgroup) > 0;
  feed(e);
}

void Holder::read_words() {
  RankWord word;
  while (::read(report_in_.get(), &word, sizeof word) == sizeof word) {
    word.detail[sizeof word.detail - 1] = '\0';
    switch (word.kind) {
      case RankWord::Kind::ready: feed(hold::RankReady{word.rank}); break;
      case RankWord::Kind::unfit: feed(hold::RankUnfit{word.rank, word.code, word.detail}); break;
      case RankWord::Kind::exec_failed: feed(hold::ExecFailed{word.rank, word.detail}); break;
    }
  }
}

// ---- worker

void Holder::publish() {
  if (const auto stored = store_state(options_, hold_.state()); !stored)
    log::error("{}; a restarted worker will not know this attempt's state",
               to_string(stored.error()));
  tell_worker();
}

void Holder::tell_worker() {
  untold_ = false;
  if (!link_) return;
  Envelope envelope;
  envelope.body = hold_.state();
  const auto sent = send_envelope(link_.get(), envelope);
  if (sent) return;
  if (sent.error().code == Code::broker_busy)
    untold_ = true;  // a frozen worker; again later, only the newest state matters
  else
    link_.reset();
}

void Holder::read_link() {
  for (;;) {
    Envelope envelope;
    Error error;
    switch (receive_envelope(link_.get(), envelope, error)) {
      case Received::nothing: return;
      case Received::bad: log::warn("from the worker: {}", to_string(error)); [[fallthrough]];
      case Received::closed: return link_.reset();
      case Received::message: break;
    }
    if (const auto* order = std::get_if<HolderOrder>(&envelope.body))
      feed(hold::Asked{order->body});
    if (!link_) return;
  }
}

void Holder::accept_link() {
  auto fd = accept_from(listener_.get());
  if (!fd) return;
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(fd->get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 ||
      peer.uid != ::geteuid())
    return;
  link_ = std::move(*fd);  // the newest worker is the one that counts
  tell_worker();
}

void Holder::trim_logs() {
  for (auto& [rank, files] : logs_) {
    trim_log(files.first.get());
    trim_log(files.second.get());
  }
  trim_at_ = boot_now() + log_trim_period;
}

void Holder::finish() {
  trim_logs();
  if (!hold_.state().cgroup.empty()) remove_cgroup(hold_.state().cgroup);
  ::unlink((options_.attempt_dir(order_.attempt) + "/holder.sock").c_str());
  finished_ = true;
}

// ---- loop

void Holder::feed(const hold::Event& event) {
  for (const hold::Effect& effect : hold_.step(boot_now(), event)) {
    if (const auto* s = std::get_if<hold::Signal>(&effect))
      signal(*s);
    else
      perform(std::get<Act>(effect));
  }
}

void Holder::perform(Act act) {
  switch (act) {
    case Act::run_setup: return run_setup();
    case Act::fork_ranks: return fork_ranks();
    case Act::publish: return publish();
    case Act::release: return release();
    case Act::term: return term();
    case Act::kill_tree: return kill_tree();
    case Act::finish: return finish();
  }
}

int Holder::run() {
  sigset_t watched;
  ::sigemptyset(&watched);
  for (const int number : {SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGPIPE})
    ::sigaddset(&watched, number);
  ::sigprocmask(SIG_SETMASK, &watched, nullptr);
  signals_ = Fd(::signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK));
  ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  if (const auto made = make_places(); !made)
    feed(hold::CanNot{made.error().code, made.error().detail});
  else
    feed(hold::Begin{});
  while (!finished_) {
    const Instant wake =
        std::min({hold_.next_timer(), trim_at_, untold_ ? boot_now() + milliseconds(100) : never});
    const std::int64_t wait =
        wake == never ? 60'000 : std::clamp<std::int64_t>((wake - boot_now()).ms, 0, 60'000);
    pollfd fds[] = {{signals_.get(), POLLIN, 0},
                    {link_.get(), POLLIN, 0},
                    {listener_.get(), POLLIN, 0},
                    {report_in_.get(), POLLIN, 0}};
    ::poll(fds, 4, static_cast<int>(wait));
    signalfd_siginfo signal_info;
    while (::read(signals_.get(), &signal_info, sizeof signal_info) == sizeof signal_info)
      if (signal_info.ssi_signo == SIGTERM) feed(hold::Asked{HolderStop{{}, limits::stop_grace}});
    if (fds[3].revents != 0) read_words();
    reap();
    if (fds[1].revents != 0 && link_) read_link();
    if (fds[2].revents != 0) accept_link();
    if (untold_) tell_worker();
    if (trim_at_ <= boot_now()) trim_logs();
    if (hold_.next_timer() <= boot_now()) feed(hold::TimePassed{});
    if (!finished_ && setup_ == 0 && nothing_left()) feed(hold::TreeEmpty{});
  }
  return 0;
}

// The holder's own words, for developers: the worker's log is the worker's.
void redirect_output(const std::string& path) {
  Fd nothing(::open("/dev/null", O_RDWR | O_CLOEXEC));
  Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600));
  ::dup2(nothing.get(), 0);
  ::dup2(nothing.get(), 1);
  ::dup2(file ? file.get() : nothing.get(), 2);
}

}  // namespace

int run_holder(const Options& options, AttemptId attempt, Instant deadline, Fd link) {
  ::setsid();
  ::prctl(PR_SET_NAME, "weft-holder", 0, 0, 0);
  redirect_output(options.attempt_dir(attempt) + "/holder.log");
  const auto order = load_order(options, attempt);
  if (!order) {
    log::error("{}", to_string(order.error()));
    return 1;
  }
  // A restarted worker has given this launch up and written so: then it must not happen any more.
  if (load_state(options, attempt)) return 1;
  return Holder(options, *order, deadline, std::move(link)).run();
}

}  // namespace weft::worker
