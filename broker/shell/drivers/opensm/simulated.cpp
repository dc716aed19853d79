#include "broker/shell/drivers/opensm/simulated.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "broker/fabric/opensm/ports.hpp"
#include "broker/shell/drivers/opensm/files.hpp"
#include "broker/shell/drivers/opensm/manager.hpp"
#include "broker/shell/drivers/opensm/opensm_driver.hpp"

namespace weft::broker {
namespace {

using namespace fabric;
using namespace std::chrono_literals;

constexpr const char* preload = "/usr/lib/x86_64-linux-gnu/umad2sim/libumad2sim.so";
constexpr auto ibsim_start_max = 60s;

std::string find_program(const char* name) {
  for (const char* folder : {"/usr/sbin/", "/usr/bin/", "/usr/local/sbin/", "/usr/local/bin/"})
    if (const std::string path = std::string(folder) + name; ::access(path.c_str(), X_OK) == 0)
      return path;
  return {};
}

std::string find_preload() {
  for (const char* path :
       {preload, "/usr/lib/aarch64-linux-gnu/umad2sim/libumad2sim.so",
        "/usr/lib64/umad2sim/libumad2sim.so", "/usr/lib/umad2sim/libumad2sim.so"})
    if (::access(path, R_OK) == 0) return path;
  return {};
}

struct Child {
  std::vector<std::string> arguments, environment;
  std::string folder, output;
  int input = -1;  // descriptor for its standard input; -1: /dev/null
};

// All that allocates is done before the fork: the caller may have threads.
pid_t spawn(const Child& child) {
  std::vector<char*> argv, envp;
  for (const auto& a : child.arguments) argv.push_back(const_cast<char*>(a.c_str()));
  for (const auto& e : child.environment) envp.push_back(const_cast<char*>(e.c_str()));
  argv.push_back(nullptr);
  envp.push_back(nullptr);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent || ::chdir(child.folder.c_str()) != 0) ::_exit(127);
  const int in = child.input >= 0 ? child.input : ::open("/dev/null", O_RDONLY);
  const int out = ::open(child.output.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (in < 0 || out < 0 || ::dup2(in, 0) < 0 || ::dup2(out, 1) < 0 || ::dup2(out, 2) < 0)
    ::_exit(127);
  ::execve(argv[0], argv.data(), envp.data());
  ::_exit(127);
}

// Ends it, by force if it takes longer than `grace`, and takes its status away.
void end(pid_t& pid, int signal, std::chrono::milliseconds grace) {
  if (pid <= 0) return;
  ::kill(pid, signal);
  const auto until = std::chrono::steady_clock::now() + grace;
  while (::waitpid(pid, nullptr, WNOHANG) == 0) {
    if (std::chrono::steady_clock::now() > until) {
      ::kill(pid, SIGKILL);
      ::waitpid(pid, nullptr, 0);
      break;
    }
    std::this_thread::sleep_for(2ms);
  }
  pid = 0;
}

std::vector<std::string> plain_environment() {  // ours without what libumad2sim reads
  std::vector<std::string> out;
  for (char** e = environ; *e != nullptr; ++e) {
    const std::string_view entry(*e);
    if (!entry.starts_with("LD_PRELOAD=") && !entry.starts_with("IBSIM_") &&
        !entry.starts_with("OSM_") && !entry.starts_with("SIM_"))
      out.emplace_back(entry);
  }
  return out;
}

}  // namespace

std::string ibsim_net(const Rail& rail) {
  const Tree& t = rail.tree;
  std::string out;
  for (std::uint32_t h = 0; h < rail.hosts.size(); ++h) {
    const Host& host = rail.hosts[h];
    const Switch& leaf = rail.leaves[h / t.hosts_per_leaf];
    if (host.name.empty()) continue;
    out += fmt::format("caguid=0x{1:x}\nCa\t{0} \"H-{1:016x}\"\t\t# \"{2}\"\n", host.port,
                       host.guid, host.name);
    out += fmt::format("[{}]\t\"S-{:016x}\"[{}]\n\n", host.port, leaf.guid,
                       leaf.down[h % t.hosts_per_leaf]);
  }
  const PortGraph graph(rail, present(rail));
  for (std::uint32_t s = 0; s < graph.size(); ++s) {
    const Switch& sw = switch_at(rail, at_number(t, s));
    if (sw.name.empty()) continue;
    out += fmt::format("switchguid=0x{1:x}\nSwitch\t{0} \"S-{1:016x}\"\t\t# \"{2}\"\n", sw.ports,
                       sw.guid, sw.name);
    if (s < t.leaves())
      for (std::uint32_t slot = 0; slot < t.hosts_per_leaf; ++slot)
        if (const Host& host = rail.hosts[s * t.hosts_per_leaf + slot];
            !host.name.empty() && sw.down[slot] != 0)
          out += fmt::format("[{}]\t\"H-{:016x}\"[{}]\n", sw.down[slot], host.guid, host.port);
    for (const Edge& e : graph.edges(s))
      out += fmt::format("[{}]\t\"S-{:016x}\"[{}]\n", e.port,
                         switch_at(rail, at_number(t, e.to)).guid, e.to_port);
    out += '\n';
  }
  return out;
}

Result<std::vector<std::pair<std::string, std::string>>> Simulated::environment(
    const std::string& folder, const std::string& socket) {
  const std::string library = find_preload();
  if (library.empty())
    return fail(Code::fabric_tools, "libumad2sim.so is missing: install libumad2sim0");
  return std::vector<std::pair<std::string, std::string>>{{"LD_PRELOAD", library},
                                                          {"IBSIM_SOCKNAME", socket},
                                                          {"OSM_TMP_DIR", folder},
                                                          {"OSM_CACHE_DIR", folder}};
}

Result<std::unique_ptr<Simulated>> Simulated::start(const Fabric& fabric, std::string folder,
                                                    std::string socket) {
  if (fabric.rails.size() != 1)
    return fail(Code::fabric_tools, "ibsim: one rail at a time is simulated");
  const Rail& rail = fabric.rails[0];
  if (!rail.hosts[0].reserved)
    return fail(Code::fabric_tools, "ibsim: the first host must be reserved for the manager");
  std::unique_ptr<Simulated> out(new Simulated(fabric, std::move(folder), std::move(socket)));
  if (auto good = prepare_opensm(rail, out->folder_); !good)
    return tl::make_unexpected(good.error());
  if (auto good = replace_file(out->folder_ + "/fabric.net", ibsim_net(rail)); !good)
    return tl::make_unexpected(good.error());
  if (auto started = out->start_ibsim(); !started) return tl::make_unexpected(started.error());
  return out;
}

Result<void> Simulated::start_ibsim() {
  Child child;
  const std::string program = find_program("ibsim");
  if (program.empty()) return fail(Code::fabric_tools, "ibsim is missing: install ibsim-utils");
  const Tree& t = fabric_.tree();
  const std::size_t switches = switch_count(t), nodes = t.hosts() + switches;
  std::size_t ports = 2 * t.hosts();
  for (std::uint32_t s = 0; s < switches; ++s)
    ports += switch_at(fabric_.rails[0], at_number(t, s)).ports + 1U;
  const std::string output = folder_ + "/ibsim.out";
  child.arguments = {program,
                     "-s",
                     "-N",
                     fmt::format("{}", nodes + 64),
                     "-S",
                     fmt::format("{}", switches + 64),
                     "-P",
                     fmt::format("{}", ports + 1'024),
                     folder_ + "/fabric.net"};
  child.environment = plain_environment();
  child.environment.push_back("IBSIM_SOCKNAME=" + socket_);
  child.folder = folder_;
  child.output = output;
  int pipe[2];
  if (::pipe2(pipe, O_CLOEXEC) != 0)
    return fail(Code::os_error, fmt::format("pipe: {}", std::strerror(errno)));
  child.input = pipe[0];
  ibsim_ = spawn(child);
  ::close(pipe[0]);
  console_ = pipe[1];
  if (ibsim_ < 0) return fail(Code::os_error, fmt::format("fork: {}", std::strerror(errno)));
  const auto until = std::chrono::steady_clock::now() + ibsim_start_max;
  while (true) {
    const auto said = whole_file(output);
    if (said && said->find("sim>") != std::string::npos) return {};
    if (::waitpid(ibsim_, nullptr, WNOHANG) != 0) {
      ibsim_ = 0;
      return fail(Code::fabric_tools, "ibsim has ended: " + said.value_or("").substr(0, 500));
    }
    if (std::chrono::steady_clock::now() > until)
      return fail(Code::fabric_tools, "ibsim does not get ready");
    std::this_thread::sleep_for(5ms);
  }
}

Simulated::~Simulated() {
  kill_manager();
  if (console_ >= 0) ::close(console_);
  end(ibsim_, SIGTERM, 500ms);
}

Result<void> Simulated::start_manager() {
  kill_manager();
  Child child;
  const std::string program = find_program("opensm");
  if (program.empty()) return fail(Code::fabric_tools, "opensm is missing: install opensm");
  const auto special = environment(folder_, socket_);
  if (!special) return tl::make_unexpected(special.error());
  child.arguments = {program, "-F", folder_ + "/osm.conf", "-f", folder_ + "/osm.log"};
  child.environment = plain_environment();
  for (const auto& [name, value] : *special) child.environment.push_back(name + "=" + value);
  child.folder = folder_;
  child.output = folder_ + "/osm.out";
  manager_ = spawn(child);
  if (manager_ < 0) return fail(Code::os_error, fmt::format("fork: {}", std::strerror(errno)));
  // Before that the child is this program still, or would be ended by a HUP.
  const auto until = std::chrono::steady_clock::now() + 10s;
  while (!Manager(manager_, "").hears() && std::chrono::steady_clock::now() < until)
    std::this_thread::sleep_for(1ms);
  return replace_file(folder_ + "/opensm.pid", fmt::format("{}\n", manager_));
}

void Simulated::kill_manager() { end(manager_, SIGKILL, 1s); }

Result<void> Simulated::console(const std::string& line) {
  const std::string text = line + "\n";
  if (::write(console_, text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    return fail(Code::os_error, fmt::format("ibsim's console: {}", std::strerror(errno)));
  return {};
}

std::string Simulated::end_of(At at, std::uint8_t port) const {
  return fmt::format("\"S-{:016x}\"[{}]", switch_at(fabric_.rails[0], at).guid, port);
}

Result<void> Simulated::unlink(At below, std::uint32_t up) {
  return console("Unlink " + end_of(below, port_of(fabric_.rails[0], below, {Hop::Way::up, up})));
}

Result<void> Simulated::relink(At below, std::uint32_t up) {
  return console("ReLink " + end_of(below, port_of(fabric_.rails[0], below, {Hop::Way::up, up})));
}

}  // namespace weft::broker
