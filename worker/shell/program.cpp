#include "worker/shell/program.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include <zmq.h>

#include <algorithm>
#include <optional>

#include "base/log.hpp"
#include "schemas/yaml/files.hpp"
#include "worker/core/worker.hpp"
#include "worker/shell/attempt_dir.hpp"
#include "worker/shell/attempts.hpp"
#include "worker/shell/cgroup.hpp"
#include "worker/shell/clock.hpp"
#include "worker/shell/inventory.hpp"
#include "worker/shell/log_server.hpp"
#include "worker/shell/probes.hpp"
#include "worker/shell/session.hpp"
#include "worker/shell/state_dir.hpp"

namespace weft::worker {
namespace {

class Program {
 public:
  Program(const Options& options, Launcher launcher, net::CurveKeys keys)
      : options_(options),
        launcher_(std::move(launcher)),
        epoll_(::epoll_create1(EPOLL_CLOEXEC)),
        attempts_(options_, launcher_,
                  {[this](Event e) { feed(e); }, [this](int fd) { watch(fd); },
                   [this](int fd) { unwatch(fd); }}),
        logs_(
            options_, [this](LogPiece piece) { session_.send(std::move(piece)); },
            [this](AttemptId id, std::uint32_t rank) { return attempts_.ended(id, rank); }),
        probes_(options_, {[this](ReportBody body) { feed(ProbeSaid{std::move(body)}); },
                           [this](int fd) { watch(fd); }, [this](int fd) { unwatch(fd); }}),
        session_(
            context_, options_, keys,
            {[this] { feed(LinkUp{}); }, [this] { feed(LinkDown{}); },
             [this](Epoch epoch, OrderBody body) { feed(OrderCame{epoch, std::move(body)}); }}) {}

  Result<void> begin();
  int run();

 private:
  Result<void> serve_ranks();
  void watch(int fd);
  void unwatch(int fd) { ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr); }
  void wait(Instant until);
  void ready(int fd);
  void feed(const Event& event);
  void perform(const Effect& effect);
  void read_signals();

  void perform(const StoreEpoch& e);
  void perform(const SendReport& e) { session_.send(e.body); }
  void perform(const Launch& e) { attempts_.launch(e.order, boot_now()); }
  void perform(const TellHolder& e) { attempts_.tell(e.attempt, e.body); }
  void perform(const TellRank& e) { ranks_->tell({e.attempt, e.rank}, e.body); }
  void perform(const ServeLog& e) { logs_.serve(boot_now(), e.order); }
  void perform(const TellProbe& e) { probes_.obey(e.body); }
  void perform(const DropAttempt& e);
  void perform(const SetPace& e) { session_.set_pace(e.heartbeat, e.reconnect_max); }
  void perform(const Exit& e);
  void perform(const Note& e);

  Options options_;
  net::Context context_;
  Launcher launcher_;
  Fd epoll_, signals_;
  Worker core_;
  Attempts attempts_;
  LogServer logs_;
  Probes probes_;
  Session session_;
  std::unique_ptr<RankServer> ranks_;
  std::vector<Event> waiting_;  // events that came while one was handled
  bool feeding_ = false;
  std::optional<int> exit_code_;
};

void Program::watch(int fd) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = fd;
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event);
}

// Effects of one event are carried out before the next event is looked at.
void Program::feed(const Event& event) {
  waiting_.push_back(event);
  if (feeding_) return;
  feeding_ = true;
  for (std::size_t i = 0; i < waiting_.size(); ++i) {
    const Event next = std::move(waiting_[i]);
    for (const Effect& effect : core_.step(boot_now(), next))
      if (!exit_code_) std::visit([this](const auto& e) { perform(e); }, effect);
    if (const auto* told = std::get_if<HolderTold>(&next); told != nullptr && !told->ended.empty())
      logs_.look_again(told->attempt);
  }
  waiting_.clear();
  feeding_ = false;
}

// Nothing may be obeyed before the epoch is durable. Ranks run on; a supervisor starts us again.
void Program::perform(const StoreEpoch& e) {
  if (const auto stored = store_epoch(options_, e.epoch); !stored) {
    log::error("can't keep epoch {}: {}; stopping, as an older broker's orders could be obeyed",
               e.epoch.value, to_string(stored.error()));
    exit_code_ = 1;
  }
}

void Program::perform(const DropAttempt& e) {
  ranks_->drop(e.attempt);
  attempts_.drop(e.attempt);
}

void Program::perform(const Exit& e) {
  if (e.code == 0)
    log::info("{}", e.reason);
  else
    log::error("{}", e.reason);
  exit_code_ = e.code;
}

void Program::perform(const Note& e) {
  switch (e.level) {
    case Note::Level::info: return log::info("{}", e.text);
    case Note::Level::warn: return log::warn("{}", e.text);
    case Note::Level::error: return log::error("{}", e.text);
  }
}

Result<void> Program::serve_ranks() {
  RankServer::Hooks hooks;
  hooks.rank_of = [this](pid_t pid) { return attempts_.rank_of(pid); };
  hooks.user_of = [this](AttemptId id) { return attempts_.user_of(id); };
  hooks.said = [this](const RankIdentity& who, const RankSaysBody& body) {
    feed(RankSaid{who.attempt, who.rank, body});
  };
  hooks.hung_up = [this](const RankIdentity& who) { feed(RankHungUp{who.attempt, who.rank}); };
  hooks.watch = [this](int fd) { watch(fd); };
  hooks.unwatch = [this](int fd) { unwatch(fd); };
  auto server = RankServer::listen(options_, std::move(hooks));
  if (!server) return tl::make_unexpected(server.error());
  ranks_ = std::move(*server);
  watch(ranks_->listener());
  return {};
}

Result<void> Program::begin() {
  const auto epoch = load_epoch(options_);
  if (!epoch) return tl::make_unexpected(epoch.error());
  sigset_t watched;
  ::sigemptyset(&watched);
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) ::sigaddset(&watched, number);
  ::sigprocmask(SIG_BLOCK, &watched, nullptr);
  signals_ = Fd(::signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK));
  watch(signals_.get());
  watch(logs_.watched());
  if (const auto serving = serve_ranks(); !serving) return serving;
  const Inventory inventory = take_inventory(options_);
  log::info("{}: {} cores, {} MiB, {} GPUs, address {}{}", options_.name, inventory.cores,
            inventory.memory_bytes >> 20, inventory.gpus.size(), inventory.address,
            options_.job_users ? "; ranks run as users of their jobs" : "");
  feed(Began{*epoch, options_.name, inventory, attempts_.forgotten_on_disk()});
  attempts_.adopt_all();
  return {};
}

void Program::wait(Instant until) {
  const std::int64_t ms =
      until == never ? 60'000 : std::clamp<std::int64_t>((until - boot_now()).ms, 0, 60'000);
  zmq_pollitem_t items[3] = {{nullptr, epoll_.get(), ZMQ_POLLIN, 0}, {}, {}};
  int count = 1;
  if (const net::Dealer* dealer = session_.dealer()) {
    items[1] = {dealer->socket(), 0, ZMQ_POLLIN, 0};
    items[2] = {dealer->monitor(), 0, ZMQ_POLLIN, 0};
    count = 3;
  }
  ::zmq_poll(items, count, static_cast<long>(ms));
}

void Program::read_signals() {
  signalfd_siginfo info;
  while (::read(signals_.get(), &info, sizeof info) == sizeof info)
    if (info.ssi_signo != SIGHUP) feed(LeaveAsked{});
}

void Program::ready(int fd) {
  if (fd == signals_.get()) return read_signals();
  if (fd == logs_.watched()) return logs_.grown();
  if (fd == ranks_->listener()) return ranks_->accept();
  if (probes_.owns(fd)) return probes_.readable(fd);
  if (attempts_.owns(fd)) return attempts_.readable(fd);
  if (ranks_->owns(fd)) ranks_->readable(fd);
}

int Program::run() {
  while (!exit_code_) {
    session_.turn(boot_now());
    wait(std::min({core_.next_timer(), session_.next_timer(), logs_.next_timer()}));
    epoll_event events[64];
    const int n = ::epoll_wait(epoll_.get(), events, 64, 0);
    for (int i = 0; i < n; ++i) ready(events[i].data.fd);
    const Instant now = boot_now();
    logs_.time_passed(now);
    if (core_.next_timer() <= now) feed(TimePassed{});
  }
  return *exit_code_;
}

int stop(const Error& error) {
  log::error("{}", to_string(error));
  return 1;
}

Result<net::CurveKeys> read_keys(const Options& options) {
  if (::access(options.key.c_str(), F_OK) != 0)
    return fail(Code::state_dir,
                fmt::format("{}: no key there; have one made for this node with 'weft keys new {} "
                            "--role worker', or name another with --key",
                            options.key, options.name));
  const auto file = yaml::read_key_file(options.key);
  if (!file) return tl::make_unexpected(file.error());
  net::CurveKeys keys;
  keys.public_key = file->entry.principal;
  static_cast<Bytes<32>&>(keys.secret) = file->secret;
  if (file->entry.role != Role::worker)
    return fail(
        Code::auth_denied,
        fmt::format("{}: a key of a {}; a worker needs one made with 'weft keys new --role worker'",
                    options.key, to_string(file->entry.role)));
  return keys;
}

}  // namespace

int run_program(Options options) {
  auto lock = open_state_dir(options);
  if (!lock) return stop(lock.error());
  const auto connection = yaml::read_connection(options.connection);
  if (!connection) return stop(connection.error());
  if (options.address.empty()) options.address = address_towards(connection->workers);
  if (options.address.empty())
    return stop(
        {Code::state_dir, fmt::format("no address of this node reaches {}; give one with --address",
                                      connection->workers)});
  options.net_device = device_of(options.address);
  options.rdma = has_rdma();
  if (options.use_cgroups) options.cgroup_parent = cgroup_parent();
  auto launcher = Launcher::start(options);  // while we are single-threaded
  if (!launcher) return stop(launcher.error());
  const auto keys = read_keys(options);  // after it: no holder has the key in its memory
  if (!keys) return stop(keys.error());
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);  // the key is in our memory
  log::start(fmt::format("weft-worker {}", options.name), log::Level::info,
             options.state + "/worker.log");
  Program program(options, std::move(*launcher), *keys);
  if (const auto begun = program.begin(); !begun) return stop(begun.error());
  return program.run();
}

}  // namespace weft::worker
