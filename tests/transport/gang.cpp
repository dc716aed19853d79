#include "tests/transport/gang.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/assert.hpp"

extern char** environ;

namespace weft::test {
namespace {

void run(const std::string& command) { WEFT_ASSERT(std::system(command.c_str()) == 0, command); }

void pause_ms(long ms) {
  const timespec time{ms / 1'000, ms % 1'000 * 1'000'000};
  nanosleep(&time, nullptr);
}

}  // namespace

long long monotonic_ms() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000ll + now.tv_nsec / 1'000'000;
}

bool Fabric::possible() {
  if (geteuid() != 0) return false;
  const std::string trial = fmt::format(
      "ip netns add wt-try-{0} && ip -n wt-try-{0} link add br0 type bridge; made=$?; "
      "ip netns del wt-try-{0}; exit $made",
      getpid());
  return std::system(fmt::format("({}) >/dev/null 2>&1", trial).c_str()) == 0;
}

// Interface names have at most 15 letters.
Fabric::Fabric(std::size_t nodes)
    : nodes_(nodes), prefix_(fmt::format("wt{}", getpid() % 100'000)) {
  run(fmt::format("ip link add {0}b type bridge && ip link set {0}b up", prefix_));
  for (std::size_t node = 0; node < nodes; ++node) {
    run(fmt::format(
        "ip netns add {0}-{1} && ip link add {0}v{1} type veth peer name eth0 netns {0}-{1} && "
        "ip link set {0}v{1} master {0}b up && ip -n {0}-{1} link set lo up && "
        "ip -n {0}-{1} addr add 10.213.7.{2}/24 dev eth0 && ip -n {0}-{1} link set eth0 up",
        prefix_, node, node + 1));
  }
}

Fabric::~Fabric() {
  for (std::size_t node = 0; node < nodes_; ++node)
    run(fmt::format("ip netns del {}-{}", prefix_, node));
  run(fmt::format("ip link del {}b", prefix_));
}

std::string Fabric::name_of(std::size_t node) const { return fmt::format("{}-{}", prefix_, node); }

std::string Outcome::value(const std::string& key) const {
  std::istringstream lines(output);
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with(key + " ")) return line.substr(key.size() + 1);
  return {};
}
long long Outcome::number(const std::string& key) const {
  const auto text = value(key);
  return text.empty() ? -1 : std::atoll(text.c_str());
}

Gang::Gang(const Shape& shape, const std::vector<std::string>& scenario)
    : shape_(shape), pids_(shape.nodes * shape.ranks_per_node), outcomes_(pids_.size()) {
  char name[] = "/tmp/weft-transport-XXXXXX";
  WEFT_ASSERT(mkdtemp(name) != nullptr, name);
  folder_ = name;
  if (shape.namespaces) fabric_ = std::make_unique<Fabric>(shape.nodes);
  worker_ = std::make_unique<WorkerSide>(folder_, shape.nodes, AttemptId{shape.attempt},
                                         shape.generation);
  for (std::uint32_t rank = 0; rank < size(); ++rank)
    if (std::ranges::find(shape.absent, rank) == shape.absent.end())
      pids_[rank] = spawn(rank, scenario);
}

Gang::~Gang() {
  for (const auto pid : pids_)
    if (pid > 0) {
      ::kill(pid, SIGKILL);
      waitpid(pid, nullptr, 0);
    }
  worker_.reset();
  std::filesystem::remove_all(folder_);
}

std::string Gang::file_of(std::uint32_t rank) const {
  return fmt::format("{}/rank-{}.out", folder_, rank);
}

std::string Gang::output_of(std::uint32_t rank) const {
  std::ifstream file(file_of(rank));
  return {std::istreambuf_iterator<char>(file), {}};
}

pid_t Gang::spawn(std::uint32_t rank, const std::vector<std::string>& scenario) {
  const auto node = rank / shape_.ranks_per_node;
  std::string hosts;
  for (std::uint32_t n = 0; n < shape_.nodes; ++n)
    hosts += fmt::format("{}node-{}={}", n > 0 ? "," : "", n,
                         !shape_.places.empty() ? shape_.places[n].address
                         : fabric_              ? fmt::format("10.213.7.{}", n + 1)
                                                : "127.0.0.1");
  auto set = shape_.environment;
  set["RANK"] = std::to_string(rank);
  set["WORLD_SIZE"] = std::to_string(size());
  set["LOCAL_RANK"] = std::to_string(rank % shape_.ranks_per_node);
  set["LOCAL_WORLD_SIZE"] = std::to_string(shape_.ranks_per_node);
  set["WEFT_WORKER"] = worker_->socket_of(node);
  set["WEFT_ATTEMPT"] = std::to_string(shape_.attempt);
  set["WEFT_GENERATION"] = std::to_string(shape_.generation);
  set["WEFT_RANK_HOSTS"] = hosts;
  std::vector<std::string> words;
  if (fabric_) words = {"ip", "netns", "exec", fabric_->name_of(node)};
  if (!shape_.places.empty()) words = {"ip", "netns", "exec", shape_.places[node].space};
  words.push_back(WEFT_BIN_DIR "/" + shape_.program);
  words.insert(words.end(), scenario.begin(), scenario.end());
  std::vector<std::string> entries;
  for (char** e = environ; *e != nullptr; ++e) entries.emplace_back(*e);
  for (const auto& [key, value] : set) entries.push_back(key + "=" + value);
  std::vector<char*> argv, envp;
  for (auto& word : words) argv.push_back(word.data());
  for (auto& entry : entries) envp.push_back(entry.data());
  argv.push_back(nullptr);
  envp.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 1, file_of(rank).c_str(),
                                   O_CREAT | O_WRONLY | O_APPEND, 0600);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  pid_t pid = 0;
  WEFT_ASSERT(posix_spawnp(&pid, argv[0], &actions, nullptr, argv.data(), envp.data()) == 0,
              argv[0]);
  posix_spawn_file_actions_destroy(&actions);
  return pid;
}

void Gang::signal(std::uint32_t rank, int number) { ::kill(pids_[rank], number); }

bool Gang::wait_for(std::uint32_t rank, const std::string& key, int milliseconds) {
  for (const auto end = monotonic_ms() + milliseconds; monotonic_ms() < end; pause_ms(2))
    if (!Outcome{.output = output_of(rank)}.value(key).empty()) return true;
  return false;
}

std::vector<Outcome> Gang::finish(int milliseconds) {
  const auto end = monotonic_ms() + milliseconds;
  for (bool killed = false;; pause_ms(2)) {
    bool running = false;
    for (std::uint32_t rank = 0; rank < size(); ++rank) {
      if (pids_[rank] == 0) continue;
      int status = 0;
      if (waitpid(pids_[rank], &status, WNOHANG) == 0) {
        running = true;
        if (monotonic_ms() > end && !killed) ::kill(pids_[rank], SIGKILL);
        continue;
      }
      pids_[rank] = 0;
      outcomes_[rank].exited = WIFEXITED(status);
      outcomes_[rank].code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
      outcomes_[rank].signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    }
    if (!running) break;
    killed = killed || monotonic_ms() > end;
  }
  for (std::uint32_t rank = 0; rank < size(); ++rank) outcomes_[rank].output = output_of(rank);
  return outcomes_;
}

}  // namespace weft::test
