#include "broker/shell/drivers/opensm/manager.hpp"

#include <fmt/format.h>
#include <signal.h>

#include <charconv>
#include <chrono>
#include <cstring>
#include <sstream>
#include <thread>

#include "broker/shell/drivers/opensm/files.hpp"

namespace weft::broker {
namespace {

constexpr auto start_max = std::chrono::seconds(5);  // from its exec to its signal handlers

}  // namespace

Manager::Process Manager::find() const {
  std::int32_t pid = pid_;
  if (!pid_file_.empty()) {
    const auto text = whole_file(pid_file_);
    if (!text) return {};
    pid = 0;
    std::from_chars(text->data(), text->data() + text->size(), pid);
  }
  if (pid <= 1) return {};
  const auto stat = whole_file(fmt::format("/proc/{}/stat", pid));
  if (!stat) return {};
  // pid (name) state ppid .. the start is the 20th field after the name.
  const std::size_t open = stat->find('('), close = stat->rfind(')');
  if (open == stat->npos || close == stat->npos) return {};
  if (stat->substr(open + 1, close - open - 1) != "opensm") return {};
  std::istringstream rest(stat->substr(close + 1));
  std::string field;
  Process out{pid, 0};
  for (int i = 0; i < 20 && rest >> field; ++i) {
    if (i == 0 && (field == "Z" || field == "X")) return {};
    if (i == 19) std::from_chars(field.data(), field.data() + field.size(), out.started);
  }
  return out;
}

// A HUP ends a process that has not said yet that it will catch it: OpenSM in its first moments.
bool Manager::hears() const {
  const Process process = find();
  const auto status = whole_file(fmt::format("/proc/{}/status", process.pid));
  if (process.pid == 0 || !status) return false;
  constexpr std::string_view name = "\nSigCgt:\t";
  const std::size_t at = status->find(name);
  std::uint64_t caught = 0;
  if (at == status->npos) return false;
  std::from_chars(status->data() + at + name.size(), status->data() + status->size(), caught, 16);
  return (caught >> (SIGHUP - 1) & 1) != 0;
}

Result<void> Manager::reload() const {
  const auto until = std::chrono::steady_clock::now() + start_max;
  while (!hears() && find().pid != 0 && std::chrono::steady_clock::now() < until)
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  const Process process = find();
  if (process.pid == 0)
    return fail(Code::fabric_manager,
                pid_file_.empty() ? fmt::format("no process {} is called opensm", pid_)
                                  : fmt::format("{} names no process called opensm", pid_file_));
  if (!hears())
    return fail(Code::fabric_manager,
                fmt::format("opensm {} does not catch HUP, which would end it", process.pid));
  if (::kill(process.pid, SIGHUP) != 0)
    return fail(Code::fabric_manager,
                fmt::format("HUP to opensm {}: {}", process.pid, std::strerror(errno)));
  return {};
}

}  // namespace weft::broker
