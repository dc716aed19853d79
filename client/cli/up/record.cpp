#include "client/cli/up/record.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "base/digest.hpp"

namespace weft::cli {
namespace {

constexpr std::string_view worker_prefix = "worker.", node_prefix = "node.";
constexpr std::size_t sun_path_max = 107,
                      socket_name_max = sizeof "/attempts/18446744073709551615/holder.sock";

std::string text_of(const Process& process) {
  return fmt::format("{} {}", process.pid, process.started);
}

Process process_of(const std::string& text) {
  Process process;
  std::istringstream(text) >> process.pid >> process.started;
  return process;
}

UpNode node_of(std::string name, const std::string& text) {
  UpNode node{std::move(name), {}, {}};
  std::istringstream(text) >> node.network >> node.address;
  if (node.network == "-") node.network.clear();
  return node;
}

// Every directory above `path` lets other users through. (The last ones are made by us.)
bool others_may_pass(const std::string& path) {
  struct stat info{};
  for (auto slash = path.find('/', 1); slash != std::string::npos;
       slash = path.find('/', slash + 1))
    if (stat(path.substr(0, slash).c_str(), &info) == 0 && (info.st_mode & S_IXOTH) == 0)
      return false;
  return true;
}

}  // namespace

std::string up_path(const client::StateDir& state) { return state.root + "/up.yaml"; }

UpRecord new_record(const client::StateDir& state) {
  UpRecord record;
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(state.root.data());
  record.tag = to_hex(sha256({bytes, state.root.size()})).substr(0, 6);
  const char* runtime = std::getenv("XDG_RUNTIME_DIR");
  if (geteuid() == 0)
    record.run = fmt::format("/run/weft-{}", record.tag);
  else if (runtime != nullptr && *runtime == '/')
    record.run = fmt::format("{}/weft-{}", runtime, record.tag);
  else
    record.run = fmt::format("/tmp/weft-{}-{}", geteuid(), record.tag);
  // As root, ranks run as users of their own; a home directory that lets nobody pass is no place
  // for what they must reach.
  const bool closed = geteuid() == 0 && !others_may_pass(state.root);
  record.jobs = closed ? fmt::format("/var/lib/weft-{}/jobs", record.tag) : state.jobs();
  record.sockets_in_run = closed || state.node("n1000").size() + socket_name_max > sun_path_max;
  return record;
}

Result<std::optional<UpRecord>> read_record(const client::StateDir& state) {
  std::ifstream in(up_path(state));
  if (!in) return std::nullopt;
  UpRecord record;
  for (std::string line; std::getline(in, line);) {
    if (line.empty() || line.front() == '#') continue;
    const auto colon = line.find(": ");
    if (colon == std::string::npos)
      return fail(Code::state_dir,
                  fmt::format("{}: '{}' is not 'name: value'", up_path(state), line));
    const std::string name = line.substr(0, colon), value = line.substr(colon + 2);
    if (name == "tag")
      record.tag = value;
    else if (name == "run")
      record.run = value;
    else if (name == "jobs")
      record.jobs = value;
    else if (name == "sockets_in_run")
      record.sockets_in_run = value == "yes";
    else if (name == "namespaces")
      record.namespaces = value == "yes";
    else if (name == "fabric")
      record.fabric = value;
    else if (name == "driver")
      record.driver = value;
    else if (name.starts_with(node_prefix))
      record.nodes.push_back(node_of(name.substr(node_prefix.size()), value));
    else if (name == "supervisor")
      record.supervisor = process_of(value);
    else if (name == "broker")
      record.broker = process_of(value);
    else if (name.starts_with(worker_prefix))
      record.workers[name.substr(worker_prefix.size())] = process_of(value);
  }
  if (record.tag.empty())
    return fail(Code::state_dir, fmt::format("{}: 'tag' is missing", up_path(state)));
  return record;
}

Result<void> write_record(const client::StateDir& state, const UpRecord& record) {
  std::string text = fmt::format(
      "# What `weft up` runs here; read by `weft down`. A process: pid, start time in ticks after "
      "boot.\n"
      "tag: {}\nrun: {}\njobs: {}\nsockets_in_run: {}\nnamespaces: {}\nsupervisor: "
      "{}\nbroker: {}\n",
      record.tag, record.run, record.jobs, record.sockets_in_run ? "yes" : "no",
      record.namespaces ? "yes" : "no", text_of(record.supervisor), text_of(record.broker));
  if (!record.fabric.empty())
    text += fmt::format("fabric: {}\ndriver: {}\n", record.fabric, record.driver);
  for (const UpNode& node : record.nodes)
    text += fmt::format("{}{}: {} {}\n", node_prefix, node.name,
                        node.network.empty() ? "-" : node.network, node.address);
  for (const auto& [name, process] : record.workers)
    text += fmt::format("{}{}: {}\n", worker_prefix, name, text_of(process));
  const std::string aside = up_path(state) + ".new";
  std::ofstream out(aside, std::ios::trunc);
  out << text;
  out.close();
  if (!out || rename(aside.c_str(), up_path(state).c_str()) != 0)
    return fail(Code::state_dir, fmt::format("{}: {}", up_path(state), std::strerror(errno)));
  return {};
}

Result<int> lock_state(const client::StateDir& state) {
  const std::string path = state.root + "/up.lock";
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return fail(Code::state_dir, fmt::format("{}: {}", path, std::strerror(errno)));
  if (flock(fd, LOCK_EX | LOCK_NB) == 0) return fd;
  close(fd);
  return -1;
}

}  // namespace weft::cli
