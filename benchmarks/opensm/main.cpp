// ./dev bench opensm [SIZE ...]: from the decision to a verified slice, by a real OpenSM on a
// simulated fabric, at 16, 324, 1024 and 5488 hosts. Prints Markdown. Each size is a process of its
// own, started again with what takes the kernel's place.
#include <fmt/format.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "broker/fabric/model/generate.hpp"
#include "broker/fabric/tree/allocator.hpp"
#include "broker/shell/drivers/opensm/opensm_driver.hpp"
#include "broker/shell/drivers/opensm/simulated.hpp"

namespace {

using namespace weft;
using namespace weft::broker;

fabric::Fabric fabric_of(unsigned size) {
  const auto tree = size == 16    ? fabric::Tree{4, 4, 1, 4, 1}
                    : size == 324 ? fabric::Tree{18, 18, 1, 18, 1}
                                  : fabric::tree_of_radix(size == 1024 ? 16 : 28);
  auto out = fabric::generate(tree, size < 1000 ? 2 : 3);
  out.rails[0].hosts[0].reserved = true;
  return out;
}

int failed(const std::string& why) {
  fmt::print("failed: {}\n", why);
  return 1;
}

using BenchClock = std::chrono::steady_clock;

std::int64_t ms_since(BenchClock::time_point start) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(BenchClock::now() - start).count();
}

std::string text_of(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

// The time that a process has had of the processors, in clock ticks: the 14th and 15th fields.
std::string ticks_of(pid_t pid) {
  std::istringstream in(text_of(fmt::format("/proc/{}/stat", pid)));
  std::string field, out;
  for (int i = 1; i <= 15 && in >> field; ++i)
    if (i >= 14) out += field + " ";
  return out;
}

// Until OpenSM has done nothing for a while: the sweeps that its start brings are over.
void until_quiet(pid_t manager) {
  const auto until = BenchClock::now() + std::chrono::seconds(60);
  std::string before;
  for (int quiet = 0; quiet < 8 && BenchClock::now() < until;) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    std::string now = ticks_of(manager);
    quiet = now == before ? quiet + 1 : 0;
    before = std::move(now);
  }
}

// What a HUP takes when nothing has changed and nobody reads: what is not weft's. By OpenSM's log,
// which is good enough for this while nothing else starts sweeps.
std::int64_t own_sweep(const Simulated& simulated) {
  const auto ups = [&] {
    const std::string log = text_of(simulated.folder() + "/osm.log");
    std::size_t n = 0;
    for (std::size_t at = log.find("SUBNET UP"); at != log.npos; at = log.find("SUBNET UP", at + 1))
      ++n;
    return n;
  };
  const std::size_t before = ups();
  const auto start = BenchClock::now();
  ::kill(simulated.manager(), SIGHUP);
  while (ups() == before && ms_since(start) < 30'000)
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  return ms_since(start);
}

int measure(unsigned size) {
  const auto fabric = fabric_of(size);
  const std::string folder = std::filesystem::current_path();
  auto simulated = Simulated::start(fabric, folder, ::getenv("IBSIM_SOCKNAME"));
  if (!simulated) return failed(simulated.error().detail);
  if (auto good = (*simulated)->start_manager(); !good) return failed(good.error().detail);
  OpenSmOptions options;
  options.folder = folder;
  options.pid_file = folder + "/opensm.pid";
  options.settle_max = seconds(120);
  auto driver = open_opensm(fabric, options);
  if (!driver) return failed(driver.error().detail);
  auto masks = all_free(fabric);
  fabric::Allocator allocator(fabric::Policy::jigsaw);
  Transition target{Epoch{1}, {}, {}, {}};
  if (auto first = (*driver)->apply(target); !first) return failed(first.error().detail);
  for (const unsigned share : {16U, 4U, 8U}) {
    const auto cut = allocator.cut(masks, size / share);
    if (!cut) return failed("no place");
    masks.take(*cut);
    const std::uint64_t id = target.slices.size() + 1;
    target.slices.push_back({id, *cut, static_cast<std::uint16_t>(0x0a00 + id)});
    target.fresh = {id};
    until_quiet((*simulated)->manager());
    const std::int64_t own = own_sweep(**simulated);
    until_quiet((*simulated)->manager());
    const auto start = BenchClock::now();
    const auto applied = (*driver)->apply(target);
    const std::int64_t ms = ms_since(start);
    if (!applied) return failed(applied.error().detail);
    const auto& p = applied->phases;
    fmt::print("| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |\n", size, size / share, ms,
               own, p.plan, p.apply, p.read_back, p.verify, applied->report.pairs,
               applied->report.negative_probes, applied->report.differences.size());
    for (const auto& d : applied->report.differences) fmt::print("  {}\n", d.what);
    ::fflush(stdout);
  }
  return 0;
}

int in_process(const std::string& self, const std::string& size) {
  std::string folder = "/tmp/weft-opensm-XXXXXX";
  if (::mkdtemp(folder.data()) == nullptr) return failed("no folder in /tmp");
  const auto environment = Simulated::environment(folder, folder.substr(folder.rfind('/') + 1));
  if (!environment) return failed(environment.error().detail);
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::chdir(folder.c_str()) != 0) ::_exit(127);
    for (const auto& [name, value] : *environment) ::setenv(name.c_str(), value.c_str(), 1);
    ::execl(self.c_str(), self.c_str(), "--inside", size.c_str(), nullptr);
    ::_exit(127);
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  std::filesystem::remove_all(folder);
  return status == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> sizes(argv + 1, argv + argc);
  if (sizes.size() == 2 && sizes[0] == "--inside")
    return measure(static_cast<unsigned>(::strtoul(sizes[1].c_str(), nullptr, 10)));
  if (sizes.empty()) sizes = {"16", "324", "1024", "5488"};
  fmt::print(
      "| hosts | slice | ready, ms | an empty HUP | plan | apply | read back | verify | pairs | "
      "negative | "
      "differences |\n|---|---|---|---|---|---|---|---|---|---|---|\n");
  ::fflush(stdout);
  int worst = 0;
  for (const auto& size : sizes)
    worst |= in_process(std::filesystem::read_symlink("/proc/self/exe"), size);
  return worst;
}
