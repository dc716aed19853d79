#include "broker/shell/drivers/opensm/manager.hpp"

#include <fmt/format.h>
#include <signal.h>

#include <charconv>
#include <cstring>
#include <sstream>

#include "broker/shell/drivers/opensm/files.hpp"

namespace weft::broker {

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

Result<void> Manager::reload() const {
  const Process process = find();
  if (process.pid == 0)
    return fail(Code::fabric_manager,
                pid_file_.empty() ? fmt::format("no process {} is called opensm", pid_)
                                  : fmt::format("{} names no process called opensm", pid_file_));
  if (::kill(process.pid, SIGHUP) != 0)
    return fail(Code::fabric_manager,
                fmt::format("HUP to opensm {}: {}", process.pid, std::strerror(errno)));
  return {};
}

}  // namespace weft::broker
