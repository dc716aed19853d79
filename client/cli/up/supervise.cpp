#include "client/cli/up/supervise.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <vector>

#include "client/cli/output.hpp"
#include "client/cli/session.hpp"
#include "client/cli/up/network.hpp"
#include "client/cli/up/record.hpp"

namespace weft::cli {
namespace {

constexpr std::int64_t delay_first_ms = 50, delay_max_ms = 5'000;
constexpr std::int64_t healthy_ms = 10'000;  // lived so long: the next death is a new story
constexpr std::uint32_t hopeless = 5;        // deaths in a row before it ever served

constexpr int lock_descriptor = 3;  // of the state directory; given by `weft up`

std::int64_t now_ms() {
  namespace chrono = std::chrono;
  return chrono::duration_cast<chrono::milliseconds>(chrono::steady_clock::now().time_since_epoch())
      .count();
}

// On standard error, which is STATE/up.log.
template <class... A>
void say(fmt::format_string<A...> format, A&&... values) {
  fmt::print(stderr, "{} {}\n", to_string(now()), fmt::format(format, std::forward<A>(values)...));
}

struct Child {
  std::string name;  // "broker" or a node's name
  Spawn what;
  Process process;  // pid 0: not running
  std::int64_t started_at = 0, start_at = 0, delay_ms = delay_first_ms;
  std::uint32_t deaths_in_row = 0;
};

class Supervisor {
 public:
  Supervisor(client::StateDir state, UpRecord record)
      : state_(std::move(state)), record_(std::move(record)) {}

  Result<void> prepare() {
    auto broker = sibling_program("weft-broker");
    if (!broker) return tl::make_unexpected(broker.error());
    auto worker = sibling_program("weft-worker");
    if (!worker) return tl::make_unexpected(worker.error());
    Child child;
    child.name = "broker";
    child.what.arguments = {*broker, "--state", state_.root};
    child.what.output = state_.broker() + "/broker.err";
    children_.push_back(child);
    for (const UpNode& node : record_.nodes) children_.push_back(worker_child(*worker, node));
    return {};
  }

  int run(int go);

 private:
  Child worker_child(const std::string& program, const UpNode& node) const;
  void start(Child& child);
  void reap();
  void ended(Child& child, int status);
  void save();
  int wait_ms() const;

  client::StateDir state_;
  UpRecord record_;
  std::vector<Child> children_;  // [0]: the broker
  bool workers_wanted_ = false;
};

Child Supervisor::worker_child(const std::string& program, const UpNode& node) const {
  const std::string &name = node.name, own = state_.node(name);
  Child child;
  child.name = name;
  child.what.arguments = {program,
                          "--state",
                          own,
                          "--name",
                          name,
                          "--connection",
                          state_.connection(),
                          "--key",
                          own + "/worker.key",
                          "--job-root",
                          record_.jobs,
                          "--trust-workdir",
                          "--address",
                          node.address};
  if (record_.sockets_in_run)
    child.what.arguments.insert(child.what.arguments.end(),
                                {"--socket", fmt::format("{}/{}.sock", record_.run, name)});
  child.what.output = own + "/worker.err";
  child.what.network = node.network;
  return child;
}

void Supervisor::start(Child& child) {
  auto started = spawn(child.what);
  child.started_at = now_ms();
  if (!started) {
    say("{} cannot be started: {}; next try in {} ms", child.name, to_string(started.error()),
        child.delay_ms);
    child.start_at = now_ms() + child.delay_ms;
    child.delay_ms = std::min(2 * child.delay_ms, delay_max_ms);
    return;
  }
  child.process = *started;
  say("{} started, pid {}", child.name, child.process.pid);
  save();
}

void Supervisor::save() {
  record_.broker = children_.front().process;
  for (std::size_t i = 1; i < children_.size(); ++i)
    record_.workers[children_[i].name] = children_[i].process;
  if (auto written = write_record(state_, record_); !written)
    say("{}; `weft down` will have to search for processes", to_string(written.error()));
}

void Supervisor::ended(Child& child, int status) {
  const std::int64_t lived = now_ms() - child.started_at;
  child.process = {};
  if (lived >= healthy_ms) {
    child.delay_ms = delay_first_ms;
    child.deaths_in_row = 0;
  }
  ++child.deaths_in_row;
  child.start_at = now_ms() + child.delay_ms;
  say("{} ended after {} ms ({} {}); started again in {} ms", child.name, lived,
      WIFSIGNALED(status) ? "signal" : "exit code",
      WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), child.delay_ms);
  child.delay_ms = std::min(2 * child.delay_ms, delay_max_ms);
}

void Supervisor::reap() {
  int status = 0;
  for (pid_t pid = 0; (pid = waitpid(-1, &status, WNOHANG)) > 0;)
    for (Child& child : children_)
      if (child.process.pid == pid) ended(child, status);
}

int Supervisor::wait_ms() const {
  std::int64_t next = 3'600'000;
  for (const Child& child : children_) {
    if (child.process.pid != 0 || (&child != &children_.front() && !workers_wanted_)) continue;
    next = std::min(next, std::max<std::int64_t>(0, child.start_at - now_ms()));
  }
  return static_cast<int>(next);
}

int Supervisor::run(int go) {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGCHLD, SIGTERM, SIGINT}) sigaddset(&signals, signal);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  const int signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
  for (;;) {
    reap();
    for (std::size_t i = 0; i < children_.size(); ++i) {
      Child& child = children_[i];
      if (child.process.pid == 0 && child.start_at <= now_ms() && (i == 0 || workers_wanted_))
        start(child);
    }
    const Child& broker = children_.front();
    if (!workers_wanted_ && broker.process.pid == 0 && broker.deaths_in_row >= hopeless) {
      say("the broker does not stay up; see {}", broker.what.output);
      return exit_refused;
    }
    pollfd waits[] = {{signal_fd, POLLIN, 0}, {workers_wanted_ ? -1 : go, POLLIN, 0}};
    poll(waits, 2, wait_ms());
    signalfd_siginfo info{};
    while (read(signal_fd, &info, sizeof info) == sizeof info)
      if (info.ssi_signo != SIGCHLD) return exit_done;
    if (!workers_wanted_ && (waits[1].revents & (POLLIN | POLLHUP)) != 0) {
      char byte = 0;
      if (read(go, &byte, 1) != 1) return exit_refused;  // `weft up` gave up; it cleans up too
      workers_wanted_ = true;
    }
  }
}

}  // namespace

int supervise(const client::StateDir& state, int go) {
  fcntl(lock_descriptor, F_SETFD,
        FD_CLOEXEC);  // held by us alone: our children must not prolong it
  auto record = read_record(state);
  if (!record) return refuse("up", record.error());
  if (!*record) return refuse("up", {Code::state_dir, up_path(state) + " is missing"});
  (*record)->supervisor = identify(getpid());
  Supervisor supervisor(state, **record);
  if (auto ready = supervisor.prepare(); !ready) return refuse("up", ready.error());
  return supervisor.run(go);
}

}  // namespace weft::cli
