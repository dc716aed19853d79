#include "broker/shell/broker.hpp"

#include <errno.h>
#include <fmt/format.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "base/log.hpp"
#include "base/net/dealer.hpp"
#include "broker/shell/clock.hpp"
#include "broker/shell/loop.hpp"
#include "broker/shell/recovery.hpp"
#include "broker/shell/sqlite_store.hpp"
#include "broker/shell/state_dir.hpp"
#include "broker/shell/state_lock.hpp"

namespace weft::broker {
namespace {

constexpr int journal_failed_status = 74;          // EX_IOERR
constexpr std::uint64_t bind_patience_ms = 3'000;  // for the port of a gateway that is just dying

std::string lines(const std::vector<std::string>& endpoints) {
  std::string all;
  for (const std::string& endpoint : endpoints) all += (all.empty() ? "" : "\n") + endpoint;
  return all;
}
std::string first_line(const std::string& endpoints) {
  return endpoints.substr(0, endpoints.find('\n'));
}

// Blocked before any thread starts, so that only the loop hears them.
Result<int> stop_signals() {
  signal(SIGPIPE, SIG_IGN);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigprocmask(SIG_BLOCK, &set, nullptr);
  const int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
  if (fd < 0) return fail(Code::os_error, fmt::format("signalfd: {}", std::strerror(errno)));
  return fd;
}

// Everything that the running broker owns, in the order in which it comes to life.
class Broker {
 public:
  Broker(const Settings& settings, StatePaths paths)
      : settings_(settings), paths_(std::move(paths)) {}

  Result<void> run() {
    return load_keys().and_then([&] { return lead(); }).and_then([&] { return serve(); });
  }

 private:
  Result<void> load_keys();
  Result<void> lead();
  Result<void> serve();
  Result<void> check_bound(GatewayProcess& gateway, const std::vector<std::string>& wanted);
  Result<void> announce(GatewayProcess& workers, GatewayProcess& clients);
  [[noreturn]] static void end_at_once(const Error& error, const Loop& loop);
  std::unique_ptr<GatewayProcess> make_gateway(bool clients) const;

  const Settings& settings_;
  const StatePaths paths_;
  Principal server_;
  Bytes<32> secret_;
  std::vector<KeyEntry> keys_;
  Epoch epoch_;
  std::unique_ptr<Store> store_;
  std::optional<Clock> clock_;
  std::optional<Recovered> state_;
  bool announced_ = false;
  std::uint64_t patience_ends_ms_ = 0;
};

Result<void> Broker::load_keys() {
  const auto server = load_or_make_key(paths_.server_key, Role::operator_, "server", "");
  if (!server) return tl::make_unexpected(server.error());
  server_ = server->entry.principal;
  secret_ = server->secret;
  keys_ = settings_.keys;
  // Without a configured operator the first one is made here, readable by the broker's user only.
  const bool configured =
      std::ranges::any_of(keys_, [](const KeyEntry& k) { return k.role == Role::operator_; });
  if (!configured || access(paths_.operator_key.c_str(), F_OK) == 0) {
    const auto first = load_or_make_key(paths_.operator_key, Role::operator_, "operator", "house");
    if (!first) return tl::make_unexpected(first.error());
    keys_.push_back(first->entry);
  }
  return {};
}

// Recovers the state and takes the lead: the new epoch is durable before any socket is bound.
Result<void> Broker::lead() {
  const std::uint64_t began = monotonic_ns();
  auto store = open_sqlite_store(paths_.journal);
  if (!store) return tl::make_unexpected(store.error());
  store_ = std::move(*store);
  const auto mark = store_->clock_mark();
  if (!mark) return tl::make_unexpected(mark.error());
  clock_.emplace(*mark, read_machine_time());
  if (std::abs(clock_->wall_difference().ms) > 1'000)
    log::warn("the wall clock is {} ms {} ledger time; ledger time goes on as it was",
              std::abs(clock_->wall_difference().ms),
              clock_->wall_difference().ms > 0 ? "ahead of" : "behind");
  auto recovered = recover(*store_, settings_.core);
  if (!recovered) return tl::make_unexpected(recovered.error());
  state_.emplace(std::move(*recovered));
  const auto epoch = store_->lead();
  if (!epoch) return tl::make_unexpected(epoch.error());
  epoch_ = *epoch;
  log::info("epoch {} leads from record {} (snapshot {}, {} records replayed, {} ms), state {}",
            epoch_.value, state_->last.value, state_->snapshot.value, state_->replayed,
            (monotonic_ns() - began) / 1'000'000, to_hex(state_->core.digest()));
  return {};
}

std::unique_ptr<GatewayProcess> Broker::make_gateway(bool clients) const {
  GatewayProcess::Settings settings;
  settings.clients = clients;
  settings.secret = secret_;
  settings.memory_bytes_max = settings_.gateway_memory_max;
  const auto last = yaml::read_connection(paths_.connection);
  const std::string last_endpoint = !last ? "" : clients ? last->clients : last->workers;
  settings.endpoints = lines(with_last_ports(
      clients ? settings_.listen_clients : settings_.listen_workers, last_endpoint));
  return std::make_unique<GatewayProcess>(std::move(settings));
}

// A gateway that cannot bind at the start: the port may belong to the gateway of a broker that is
// just dying. After that, a port that was only remembered is given up, a configured one is an
// error.
Result<void> Broker::check_bound(GatewayProcess& gateway, const std::vector<std::string>& wanted) {
  if (gateway.ready() || gateway.broken().empty() || monotonic_ns() / 1'000'000 < patience_ends_ms_)
    return {};
  if (gateway.endpoints() == lines(wanted))
    return fail(Code::os_error,
                fmt::format("the gateway cannot serve {}: {}; choose another endpoint "
                            "with --listen-clients and --listen-workers",
                            gateway.endpoints(), gateway.broken()));
  log::warn("{} is taken ({}); clients and workers have to read the connection file again",
            gateway.endpoints(), gateway.broken());
  gateway.set_endpoints(lines(wanted));
  patience_ends_ms_ += bind_patience_ms;
  return {};
}

// Once both gateways serve: where to find them, in a file and on standard output.
Result<void> Broker::announce(GatewayProcess& workers, GatewayProcess& clients) {
  auto bound = check_bound(workers, settings_.listen_workers).and_then([&] {
    return check_bound(clients, settings_.listen_clients);
  });
  if (!bound || !workers.ready() || !clients.ready()) return bound;
  const yaml::Connection connection{first_line(clients.endpoints()),
                                    first_line(workers.endpoints()), server_};
  if (auto written = yaml::write_connection(paths_.connection, connection); !written)
    return written;
  fmt::print("ready: clients {}, workers {}, epoch {}\n", connection.clients, connection.workers,
             epoch_.value);
  fflush(stdout);
  announced_ = true;
  return {};
}

Result<void> Broker::serve() {
  const auto signals = stop_signals();
  if (!signals) return tl::make_unexpected(signals.error());
  auto reader = open_sqlite_reader(paths_.journal);
  if (!reader) return tl::make_unexpected(reader.error());
  const auto workers = make_gateway(false), clients = make_gateway(true);
  Journal journal(std::move(store_), epoch_, state_->last, settings_.batch);
  JournalService reads(std::move(*reader));
  DriverProcess driver(settings_.driver);
  Loop loop(
      {state_->core, state_->leases, *clock_, journal, reads, *workers, *clients, driver, *signals},
      epoch_, state_->last, state_->snapshot, settings_.snapshot_every);
  if (auto begun = loop.begin({epoch_, WEFT_VERSION, keys_}); !begun)
    end_at_once(begun.error(), loop);
  patience_ends_ms_ = monotonic_ns() / 1'000'000 + bind_patience_ms;
  for (;;) {
    const auto more = loop.turn();
    if (!more) end_at_once(more.error(), loop);
    if (!*more) break;
    if (announced_) continue;
    if (auto ok = announce(*workers, *clients); !ok) return ok;
  }
  workers->stop();
  clients->stop();
  driver.stop();
  if (auto finished = loop.finish(); !finished) end_at_once(finished.error(), loop);
  const Journal::Counts counts = journal.counts();
  log::info("stopped cleanly at record {}, state {}; wrote {} records in {} commits",
            loop.last().value, to_hex(loop.digest()), counts.records, counts.commits);
  return {};
}

// After a commit that failed nothing may be written, sent or retried: what the kernel still holds
// is unknown, what was acknowledged is on the disk.
void Broker::end_at_once(const Error& error, const Loop& loop) {
  log::error("{}; ending at once: what was acknowledged is kept; state {}", to_string(error),
             to_hex(loop.digest()));
  _exit(journal_failed_status);
}

}  // namespace

Result<void> run_broker(const Settings& settings) {
  auto paths = prepare_state_dir(settings.state_dir);
  if (!paths) return tl::make_unexpected(paths.error());
  const auto lock = StateLock::take(paths->lock);
  if (!lock) return tl::make_unexpected(lock.error());
  return Broker(settings, std::move(*paths)).run();
}

Result<void> check_journal(const std::string& state_dir) {
  const auto check = check_sqlite_journal(state_dir + "/broker/journal.db");
  if (!check) return tl::make_unexpected(check.error());
  fmt::print("{} records up to {}, each with its checksum; {} rows of the lease view agree\n",
             check->records, check->last.value, check->lease_rows);
  return {};
}

}  // namespace weft::broker
