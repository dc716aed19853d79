#include "worker/shell/probes.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "base/log.hpp"
#include "worker/shell/channel.hpp"

namespace weft::worker {
namespace {

std::string program_beside() {
  std::error_code none;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", none);
  return (self.parent_path() / "weft-probe").string();
}

// Ours, with what the order names in place of what we have.
std::vector<std::string> environment_for(const std::vector<KeyValue>& told) {
  std::map<std::string, std::string, std::less<>> all;
  for (char** e = environ; *e != nullptr; ++e) {
    const std::string_view entry(*e);
    const auto sign = std::min(entry.find('='), entry.size());
    all[std::string(entry.substr(0, sign))] = entry.substr(std::min(sign + 1, entry.size()));
  }
  for (const KeyValue& e : told)
    if (e.name != "LD_PRELOAD" && e.name.find('=') == std::string::npos) all[e.name] = e.value;
  std::vector<std::string> out;
  for (const auto& [name, value] : all) out.push_back(name + "=" + value);
  return out;
}

}  // namespace

Probes::~Probes() {
  while (!probes_.empty()) end(probes_.begin()->first);
}

Probes::Probe* Probes::find(std::uint64_t ticket) {
  for (auto& [fd, probe] : probes_)
    if (probe.ticket == ticket) return &probe;
  return nullptr;
}

void Probes::obey(const OrderBody& order) {
  if (const auto* asked = std::get_if<ProbeOpen>(&order)) return open(*asked);
  if (const auto* asked = std::get_if<ProbeEnd>(&order)) {
    if (const Probe* probe = find(asked->ticket)) end(probe->socket.get());
    return;
  }
  const auto* run = std::get_if<ProbeRun>(&order);
  const Probe* probe = run != nullptr ? find(run->ticket) : nullptr;
  if (probe == nullptr) return;  // it has ended: the broker's patience will, too
  Envelope envelope;
  envelope.body = Order{order};
  if (const auto sent = send_envelope(probe->socket.get(), envelope); !sent) {
    log::warn("weft-probe can't be told: {}", to_string(sent.error()));
    end(probe->socket.get());
  }
}

void Probes::refuse(std::uint64_t ticket, const Error& why) {
  log::warn("no probe is possible here: {}", to_string(why));
  ProbeOpened report;
  report.ticket = ticket;
  report.code = why.code;
  report.detail = why.detail;
  hooks_.said(std::move(report));
}

void Probes::open(const ProbeOpen& order) {
  if (find(order.ticket) != nullptr) return;  // said twice
  // The oldest is one whose end was not heard of.
  if (probes_.size() >= probes_max) end(probes_.begin()->first);
  if (const auto started = start(order); !started) refuse(order.ticket, started.error());
}

Result<void> Probes::start(const ProbeOpen& order) {
  const std::string program = program_beside();
  if (::access(program.c_str(), X_OK) != 0)
    return fail(Code::os_error, program + " is missing; it belongs beside weft-worker");
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
    return tl::make_unexpected(errno_error(Code::os_error, "socketpair", errno));
  Fd mine(pair[0]), theirs(pair[1]);
  std::vector<std::string> words{program, fmt::format("{}", order.ticket),
                                 fmt::format("{}", order.nodes), options_.net_device};
  std::vector<std::string> settings = environment_for(order.environment);
  std::vector<char*> argv, envp;
  for (std::string& word : words) argv.push_back(word.data());
  for (std::string& setting : settings) envp.push_back(setting.data());
  argv.push_back(nullptr);
  envp.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, theirs.get(), STDIN_FILENO);
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  sigset_t none;  // the worker's own blocked signals are not for it
  ::sigemptyset(&none);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  pid_t pid = 0;
  const int error =
      ::posix_spawn(&pid, program.c_str(), &actions, &attributes, argv.data(), envp.data());
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return tl::make_unexpected(errno_error(Code::os_error, program, error));
  const int fd = mine.get();
  hooks_.watch(fd);
  probes_.emplace(fd, Probe{std::move(mine), pid, order.ticket, false});
  return {};
}

void Probes::end(int fd) {
  const auto it = probes_.find(fd);
  if (it == probes_.end()) return;
  hooks_.unwatch(fd);
  ::kill(it->second.pid, SIGKILL);  // nothing of it is kept
  ::waitpid(it->second.pid, nullptr, 0);
  probes_.erase(it);
}

void Probes::readable(int fd) {
  while (true) {
    const auto it = probes_.find(fd);
    if (it == probes_.end()) return;
    Envelope envelope;
    Error error{};
    const Received got = receive_envelope(fd, envelope, error);
    if (got == Received::nothing) return;
    auto* report = got == Received::message ? std::get_if<Report>(&envelope.body) : nullptr;
    if (report == nullptr) {
      const std::uint64_t ticket = it->second.ticket;
      const bool opened = it->second.opened;
      end(fd);
      if (!opened) refuse(ticket, {Code::os_error, "weft-probe ended at its start"});
      return;
    }
    const auto* said = std::get_if<ProbeOpened>(&report->body);
    if (said != nullptr) it->second.opened = true;
    if (said != nullptr || std::holds_alternative<ProbeDone>(report->body))
      hooks_.said(std::move(report->body));
  }
}

}  // namespace weft::worker
