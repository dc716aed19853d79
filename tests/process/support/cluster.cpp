#include "tests/process/support/cluster.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>

#include "client/state_dir.hpp"

namespace weft::test {
namespace {

namespace fs = std::filesystem;

std::string make_directory() {
  const char* base = std::getenv("TMPDIR");
  std::string path = fmt::format("{}/weft-test-XXXXXX", base != nullptr ? base : "/tmp");
  if (mkdtemp(path.data()) == nullptr) return {};
  chmod(path.c_str(), 0755);
  return path;
}

bool has_argument(const Seen& seen, const std::string& text) {
  for (const std::string& argument : seen.arguments)
    if (argument == text) return true;
  return false;
}

}  // namespace

Cluster::Cluster(Options options)
    : directory_(make_directory()), programs_(WEFT_BIN_DIR), options_(options) {
  state_ = directory_ + "/state";
  if (options_.user) {
    fs::create_directory(state_);
    if (chown(state_.c_str(), *options_.user, *options_.user) != 0) ADD_FAILURE() << "chown";
    // The build folder may lie where only its owner can pass.
    programs_ = directory_;
    for (const char* name : {"weft", "weft-broker", "weft-worker"}) (void)rank_program(name);
  }
  const std::string fabric = WEFT_SOURCE_DIR "/examples/fabrics/" + options_.fabric;
  const Output started = options_.fabric.empty()
                             ? weft({"up", "--nodes", std::to_string(options_.nodes)})
                             : weft({"up", "--fabric", fabric, "--driver", "linux"});
  up_ = started.code == 0;
  EXPECT_TRUE(up_) << "weft up: exit " << started.code << "\n" << started.all();
}

Cluster::~Cluster() {
  const bool failed = ::testing::Test::HasFailure();
  (void)weft({"down"});
  for (const Seen& left : processes_inside(state_)) kill(left.pid, SIGKILL);
  wait_until(
      "everything in " + state_ + " has ended", [this] { return processes_inside(state_).empty(); },
      milliseconds(10'000));
  if (failed && std::getenv("WEFT_TEST_KEEP") != nullptr) {
    fmt::print(stderr, "kept: {}\n", directory_);
    return;
  }
  std::error_code ignored;
  fs::remove_all(directory_, ignored);
}

std::string Cluster::shared_directory(const std::string& name) const {
  const std::string path = directory_ + "/" + name;
  fs::create_directories(path);
  chmod(path.c_str(), 01777);
  return path;
}

std::string Cluster::rank_program(const std::string& name) const {
  const std::string path = directory_ + "/" + name;
  if (!fs::exists(path)) fs::copy_file(std::string(WEFT_BIN_DIR) + "/" + name, path);
  chmod(path.c_str(), 0755);
  return path;
}

Launch Cluster::command(std::vector<std::string> words) const {
  Launch launch;
  launch.arguments = {programs_ + "/weft"};
  launch.arguments.insert(launch.arguments.end(), words.begin(), words.end());
  launch.environment = {"WEFT_STATE=" + state_, "HOME=" + state_};
  launch.user = options_.user;
  launch.directory = "/";
  return launch;
}

Json Cluster::json(std::vector<std::string> words) const {
  const auto at = std::find(words.begin(), words.end(), "--");
  words.insert(at, {"-o", "json"});
  const Output output = weft(words);
  std::string line;
  for (const std::string& word : words) line += " " + word;
  EXPECT_EQ(output.code, 0) << "weft" << line << "\n" << output.all();
  Json value = Json::parse(output.out, nullptr, false);
  EXPECT_FALSE(value.is_discarded()) << "weft" << line << " printed no JSON:\n" << output.out;
  return value;
}

std::unique_ptr<Background> Cluster::start(std::vector<std::string> words) const {
  return std::make_unique<Background>(command(std::move(words)));
}

std::unique_ptr<client::Client> Cluster::client(const std::string& as) const {
  const client::StateDir dir{state_};
  auto file = client::find_key(dir, as, {});
  if (!file) {
    ADD_FAILURE() << to_string(file.error());
    return nullptr;
  }
  net::CurveKeys keys;
  keys.public_key = file->entry.principal;
  keys.secret.data = file->secret.data;
  auto opened = client::Client::open({.connection_file = dir.connection(), .connection = {}}, keys);
  if (!opened) {
    ADD_FAILURE() << to_string(opened.error());
    return nullptr;
  }
  return std::move(*opened);
}

pid_t Cluster::broker() const {
  for (const Seen& seen : all_processes())
    if (seen.program() == "weft-broker" && has_argument(seen, state_) &&
        !has_argument(seen, "gateway"))
      return seen.pid;
  return 0;
}

std::vector<pid_t> Cluster::gateways() const {
  const pid_t parent = broker();
  std::vector<pid_t> found;
  for (const Seen& seen : all_processes())
    if (parent != 0 && seen.parent == parent && has_argument(seen, "gateway"))
      found.push_back(seen.pid);
  return found;
}

pid_t Cluster::worker(const std::string& node) const {
  for (const Seen& seen : all_processes())
    if (seen.name == "weft-worker" && has_argument(seen, state_ + "/nodes/" + node))
      return seen.pid;
  return 0;
}

pid_t Cluster::supervisor() const {
  const pid_t child = broker();
  for (const Seen& seen : all_processes())
    if (seen.pid == child) return seen.parent;
  return 0;
}

bool Cluster::answers() const { return weft({"ps", "--timeout", "5s"}).code == 0; }

void Cluster::kill_broker() const {
  const pid_t old = broker();
  kill_now(old);
  wait_until("another broker is there", [&] { return broker() != 0 && broker() != old; });
  wait_until("it answers", [&] { return answers(); });
}

}  // namespace weft::test
