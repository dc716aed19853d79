#include "tests/fabric/opensm/lab.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

namespace weft::broker::lab {
namespace {

constexpr const char* folder_name = "WEFT_LAB_FOLDER";
constexpr const char* socket_name = "IBSIM_SOCKNAME";

void run_again(const std::string& folder, int seconds_max) {
  const std::string socket = folder.substr(folder.rfind('/') + 1);  // unique: mkdtemp made it
  const auto environment = Simulated::environment(folder, socket);
  ASSERT_TRUE(environment) << environment.error().detail;
  const auto* info = testing::UnitTest::GetInstance()->current_test_info();
  const std::string filter =
      fmt::format("--gtest_filter={}.{}", info->test_suite_name(), info->name());
  const std::string self = std::filesystem::read_symlink("/proc/self/exe");
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent || ::chdir(folder.c_str()) != 0) ::_exit(127);
    for (const auto& [name, value] : *environment) ::setenv(name.c_str(), value.c_str(), 1);
    ::setenv(folder_name, folder.c_str(), 1);
    ::execl(self.c_str(), self.c_str(), filter.c_str(), "--gtest_brief=1", nullptr);
    ::_exit(127);
  }
  ASSERT_GT(pid, 0);
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(seconds_max);
  int status = 0;
  while (::waitpid(pid, &status, WNOHANG) == 0) {
    if (std::chrono::steady_clock::now() > until) {
      ::kill(pid, SIGKILL);
      ::waitpid(pid, &status, 0);
      FAIL() << "not done after " << seconds_max << " s";
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0)
      << "the test's process ended with status " << status << "; its words are above";
}

}  // namespace

void in_lab(const std::function<void()>& body, int seconds_max) {
  if (std::getenv(folder_name) != nullptr) return body();
  std::string folder = "/tmp/weft-opensm-XXXXXX";
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  run_again(folder, seconds_max);
  if (std::getenv("WEFT_LAB_KEEP") == nullptr) std::filesystem::remove_all(folder);
}

fabric::Tree tree16() { return {4, 4, 1, 4, 1}; }
fabric::Tree tree324() { return {18, 18, 1, 18, 1}; }
fabric::Tree tree1024() { return fabric::tree_of_radix(16); }

Lab::Lab(const fabric::Tree& tree, std::uint32_t levels, OpenSmOptions options)
    : fabric(fabric::generate(tree, levels)), folder(std::getenv(folder_name)), masks(tree) {
  fabric.rails[0].hosts[0].reserved = true;
  masks = all_free(fabric);
  auto started = Simulated::start(fabric, folder, std::getenv(socket_name));
  if (!started) throw std::runtime_error(started.error().detail);
  sim = std::move(*started);
  if (auto good = sim->start_manager(); !good) throw std::runtime_error(good.error().detail);
  reopen(std::move(options));
}

void Lab::reopen(OpenSmOptions options) {
  driver.reset();  // answers go to the port that was opened last
  options.folder = folder;
  options.pid_file = folder + "/opensm.pid";
  auto opened = open_opensm(fabric, options);
  if (!opened) throw std::runtime_error(opened.error().detail);
  driver = std::move(*opened);
}

std::uint64_t Lab::rent(std::uint32_t hosts) {
  auto cut = allocator.cut(masks, hosts);
  if (!cut) return 0;
  masks.take(*cut);
  std::uint16_t key = 0x0a01;  // the lowest that is free
  while (std::ranges::find(slices, key, &fabric::Placed::key) != slices.end()) ++key;
  slices.push_back({next_++, std::move(*cut), key});
  return slices.back().slice;
}

void Lab::give_back(std::uint64_t id) {
  masks.give_back(slice(id).cut);
  std::erase_if(slices, [&](const fabric::Placed& s) { return s.slice == id; });
}

Result<Applied> Lab::apply(std::vector<std::uint64_t> fresh) {
  return driver->apply({epoch, slices, std::move(fresh), failed});
}

void Lab::apply_well(std::vector<std::uint64_t> fresh) {
  const auto applied = apply(std::move(fresh));
  ASSERT_TRUE(applied) << applied.error().detail;
  ASSERT_TRUE(applied->report.differences.empty()) << words(applied->report);
}

Result<Applied> Lab::verify() {
  std::vector<std::uint64_t> all;
  for (const auto& s : slices) all.push_back(s.slice);
  return driver->verify(all);
}

const fabric::Placed& Lab::slice(std::uint64_t id) const {
  return *std::ranges::find(slices, id, &fabric::Placed::slice);
}

std::string Lab::file(const std::string& name) const { return folder + "/" + name; }

std::string Lab::read(const std::string& name) const {
  std::ifstream in(file(name), std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

void Lab::write(const std::string& name, const std::string& text) const {
  std::ofstream(file(name), std::ios::binary | std::ios::trunc) << text;
}

void Lab::hup() const { ::kill(sim->manager(), SIGHUP); }

std::string words(const fabric::VerifyReport& report) {
  std::string out;
  for (const auto& d : report.differences) out += fmt::format("slice {}: {}\n", d.slice, d.what);
  return out;
}

}  // namespace weft::broker::lab
