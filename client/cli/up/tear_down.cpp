#include "client/cli/up/tear_down.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "base/limits.hpp"
#include "client/cli/session.hpp"
#include "client/cli/up/network.hpp"

namespace weft::cli {
namespace {

namespace fs = std::filesystem;

constexpr Duration worker_patience = limits::stop_grace + seconds(2), broker_patience = seconds(10);

// A worker told to leave may let its ranks run for its successor; here there is none.
std::uint32_t kill_all(const std::vector<Process>& processes) {
  for (const Process& process : processes) send_signal(process, SIGKILL);
  std::uint32_t count = 0;
  for (const Process& process : processes) count += wait_gone(process, seconds(10)) ? 1 : 0;
  return count;
}

std::uint32_t stop_all(const std::vector<Process>& processes, Duration patience) {
  for (const Process& process : processes) send_signal(process, SIGTERM);  // all at once
  for (const Process& process : processes) stop(process, patience);
  return static_cast<std::uint32_t>(processes.size());
}

void remove_sockets(const client::StateDir& state) {
  std::error_code error;
  fs::recursive_directory_iterator end;
  for (fs::recursive_directory_iterator it(state.root + "/nodes",
                                           fs::directory_options::skip_permission_denied, error);
       it != end; it.increment(error)) {
    if (error) break;
    if (it->is_socket(error)) fs::remove(it->path(), error);
  }
}

// Where version 2 of the kernel's control groups is mounted; empty: nowhere.
std::string cgroup_mount() {
  std::ifstream mounts("/proc/self/mounts");
  std::string device, where, type, rest;
  while (mounts >> device >> where >> type && std::getline(mounts, rest))
    if (type == "cgroup2") return where;
  return {};
}

// Of workers that were killed: NODE-(hash of the worker's directory)-ATTEMPT, below weft/, at the
// top or below the group of the session that ran `weft up`.
void remove_cgroups(const client::StateDir& state, const UpRecord& record) {
  const std::string mount = cgroup_mount();
  if (mount.empty()) return;
  std::vector<std::string> heads;
  for (const auto& [name, process] : record.workers)
    heads.push_back(
        fmt::format("{}-{:08x}-", name, std::hash<std::string>{}(state.node(name)) & 0xffffffffU));
  std::ifstream own("/proc/self/cgroup");
  std::vector<std::string> places{mount + "/weft"};
  for (std::string line; std::getline(own, line);)
    if (line.starts_with("0::/") && line.size() > 4)
      places.push_back(mount + line.substr(3) + "/weft");
  std::error_code error;
  for (const std::string& place : places) {
    for (const auto& entry : fs::directory_iterator(place, error))
      for (const std::string& head : heads)
        if (entry.path().filename().string().starts_with(head)) rmdir(entry.path().c_str());
    rmdir(place.c_str());  // when nobody else has groups in it
  }
}

}  // namespace

std::uint32_t cancel_jobs(const client::StateDir& state, Duration patience) {
  auto key = client::find_key(state, "", {"operator"});
  if (!key) return 0;
  auto client = client::Client::open({.connection_file = state.connection(), .connection = {}},
                                     curve_keys(*key));
  if (!client) return 0;
  const client::CallOptions brief{.key = {}, .timeout = seconds(2)};
  auto list = (*client)->get<JobList>(ListJobs{false, 65'536}, brief);
  if (!list) return 0;
  std::size_t open = 0;
  const client::CallOptions options{.key = {}, .timeout = patience};
  for (const JobLine& line : list->jobs) {
    open += 2;
    auto done = [&open](const Result<ReplyBody>&) { --open; };
    (*client)->start(CancelJob{line.job}, options, done);
    (*client)->start(WaitJob{line.job, patience}, options, done);
  }
  while (open > 0) (*client)->poll(seconds(1));
  return static_cast<std::uint32_t>(list->jobs.size());
}

Result<TornDown> tear_down(const client::StateDir& state) {
  auto read = read_record(state);
  const UpRecord record = read && *read ? **read : new_record(state);
  TornDown done;
  done.supervisor = stop(record.supervisor, seconds(5));  // first: it would start the others again

  std::vector<Process> workers;
  for (const auto& [name, process] : record.workers)
    if (alive(process)) workers.push_back(process);
  done.workers = stop_all(workers, worker_patience);
  const auto networks = namespaces_of(record.tag);
  for (int round = 0; round < 3; ++round) {  // what is being killed may still fork
    const Found found = find_processes(state.root, record.run, networks);
    std::vector<Process> strays = found.ranks;
    for (const Process& process : found.daemons)
      if (process != record.broker) strays.push_back(process);
    if (strays.empty()) break;
    done.ranks += kill_all(strays);
  }
  done.broker = stop(record.broker, broker_patience);
  kill_all(find_processes(state.root, record.run, networks).daemons);

  done.namespaces = static_cast<std::uint32_t>(networks.size());
  if (auto removed = remove_network(record.tag); !removed)
    return tl::make_unexpected(removed.error());
  std::error_code error;
  fs::remove_all(record.run, error);
  if (error) return fail(Code::os_error, fmt::format("{}: {}", record.run, error.message()));
  fs::remove(state.connection(), error);
  remove_sockets(state);
  remove_cgroups(state, record);
  fs::remove(up_path(state), error);
  return done;
}

Result<void> purge(const client::StateDir& state) {
  std::error_code error;
  for (const char* name : {"broker", "keys", "nodes", "jobs", "connection.yaml", "up.yaml",
                           "up.yaml.new", "up.log", "up.lock"}) {
    fs::remove_all(state.root + "/" + name, error);
    if (error)
      return fail(Code::state_dir, fmt::format("{}/{}: {}", state.root, name, error.message()));
  }
  const std::string jobs = new_record(state).jobs;
  if (jobs != state.jobs()) fs::remove_all(fs::path(jobs).parent_path(), error);
  if (rmdir(state.root.c_str()) != 0 && errno == ENOTEMPTY)
    return fail(Code::state_dir,
                fmt::format("{} holds files that are not weft's; they stay", state.root));
  return {};
}

}  // namespace weft::cli
