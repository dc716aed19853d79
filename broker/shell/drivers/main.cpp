// weft-driver: serves one fabric driver to the broker that started it; and, for those who try weft
// on one machine, builds a fabric out of network namespaces.
#include <fmt/format.h>

#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/log.hpp"
#include "broker/fabric/import/load.hpp"
#include "broker/shell/drivers/linux/driver.hpp"
#include "broker/shell/drivers/linux/namespaces.hpp"
#include "broker/shell/drivers/linux/places.hpp"
#include "broker/shell/drivers/opensm/opensm_driver.hpp"
#include "broker/shell/drivers/opensm/simulated.hpp"
#include "broker/shell/drivers/serve.hpp"

namespace {

using namespace weft;

struct Options {
  std::string fabric, driver, tag, simulate;
  broker::OpenSmOptions opensm;
  int fd = -1;
};

int complain(const Error& error) {
  fmt::print(stderr, "weft-driver: {}\n", to_string(error));
  return 2;
}

Result<broker::fabric::Fabric> read_fabric(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  if (!file) return fail(Code::state_dir, path + ": cannot be read");
  auto loaded = broker::fabric::load(text.str(), path);
  if (!loaded.fabric) return tl::make_unexpected(yaml::to_error(loaded.problems, path));
  return *std::move(loaded.fabric);
}

// Started once more, with the library that takes the kernel's place for ibsim. Returns on failure.
Error start_again(const std::string& folder, const std::string& socket, char** argv) {
  const auto environment = broker::Simulated::environment(folder, socket);
  if (!environment) return environment.error();
  for (const auto& [name, value] : *environment) setenv(name.c_str(), value.c_str(), 1);
  execv("/proc/self/exe", argv);
  return {Code::os_error, fmt::format("/proc/self/exe: {}", std::strerror(errno))};
}

// An empty folder, ibsim and OpenSM in it; both end with this process.
Result<std::unique_ptr<broker::Simulated>> simulate(const Options& options,
                                                    const broker::fabric::Fabric& fabric,
                                                    const std::string& socket) {
  std::error_code error;
  std::filesystem::remove_all(options.simulate, error);
  std::filesystem::create_directories(options.simulate, error);
  if (error) return fail(Code::os_error, options.simulate + ": " + error.message());
  auto made = broker::Simulated::start(fabric, options.simulate, socket);
  if (!made) return made;
  if (auto started = (*made)->start_manager(); !started)
    return tl::make_unexpected(started.error());
  return made;
}

Result<std::unique_ptr<broker::Driver>> open_driver(const Options& options,
                                                    const broker::fabric::Fabric& fabric) {
  if (options.driver == "linux") return broker::open_linux_driver(fabric, options.tag);
  if (options.driver == "opensm") return broker::open_opensm(fabric, options.opensm);
  return fail(Code::usage, fmt::format("'{}' is not a fabric driver", options.driver));
}

int serve(Options& options, const broker::fabric::Fabric& fabric, char** argv) {
  log::start("weft-driver", log::Level::info);
  std::unique_ptr<broker::Simulated> simulated;
  if (!options.simulate.empty()) {
    const std::string socket = "weft-" + options.tag;
    if (const char* now = std::getenv("IBSIM_SOCKNAME"); now == nullptr || socket != now)
      return complain(start_again(options.simulate, socket, argv));
    auto made = simulate(options, fabric, socket);
    if (!made) return complain(made.error());
    simulated = std::move(*made);
    options.opensm.folder = options.simulate;
    options.opensm.pid_file = options.simulate + "/opensm.pid";
  }
  auto driver = open_driver(options, fabric);
  if (!driver) return complain(driver.error());
  // A simulated OpenSM has no service manager that would start it again.
  const auto alive = [&] {
    int status = 0;
    return !simulated || waitpid(simulated->manager(), &status, WNOHANG) == 0;
  };
  return broker::serve_driver(**driver, fabric.tree(), options.fd, alive);
}

// What the fabric holds beside what weft would program without any slice; touches nothing.
int check(Options& options, const broker::fabric::Fabric& fabric) {
  options.opensm.read_only = true;
  if (options.driver != "opensm")
    return complain({Code::usage, "only driver opensm can look without touching"});
  auto driver = open_driver(options, fabric);
  if (!driver) return complain(driver.error());
  broker::Transition nothing;
  nothing.epoch = {UINT64_MAX};  // fences nobody: it is not written down
  const auto seen = (*driver)->apply(nothing);
  if (!seen) return complain(seen.error());
  const auto& report = seen->report;
  for (const auto& difference : report.differences) fmt::print("differs: {}\n", difference.what);
  fmt::print("{} differences\n", report.differences.size() + report.more_differences);
  return report.differences.empty() ? 0 : 5;
}

// One line a host that may be rented: name, namespace, address.
int print_hosts(const Options& options, const broker::fabric::Fabric& fabric) {
  const broker::netns::Places places(fabric, options.tag);
  for (const std::uint32_t host : places.hosts())
    if (!fabric.rails.front().hosts[host].reserved)
      fmt::print("{} {} {}\n", fabric.rails.front().hosts[host].name, places.space(host),
                 broker::netns::dotted(places.address(host)));
  return 0;
}

void declare_opensm(CLI::App& serving, Options& options) {
  auto& opensm = options.opensm;
  serving.add_option("--folder", opensm.folder,
                     "opensm: where its partition and table files are, absolute");
  serving.add_option("--pid-file", opensm.pid_file, "opensm: with the process id of OpenSM");
  serving.add_option("--device", opensm.device, "opensm: adapter to ask the fabric through");
  serving.add_option("--simulate", options.simulate,
                     "opensm: start OpenSM on a fabric of ibsim in this folder, which is emptied");
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Fabric drivers of weft. `weft up --fabric` and weft-broker start it.",
               "weft-driver");
  app.require_subcommand(1);
  CLI::App* serving = app.add_subcommand("serve", "program a fabric for the broker at --fd");
  CLI::App* checking =
      app.add_subcommand("check", "read a fabric, say what differs, touch nothing");
  CLI::App* hosts = app.add_subcommand("hosts", "print the hosts of a fabric");
  CLI::App* build = app.add_subcommand("build", "build a fabric out of network namespaces");
  CLI::App* demolish = app.add_subcommand("demolish", "remove what build has made");
  for (CLI::App* verb : {serving, checking, hosts, build})
    verb->add_option("--fabric", options.fabric, "description of the fabric")->required();
  for (CLI::App* verb : {serving, hosts, build, demolish})
    verb->add_option("--tag", options.tag, "name of the namespaces: weft-TAG-...");
  for (CLI::App* verb : {serving, checking}) {
    verb->add_option("--driver", options.driver, "linux or opensm")->required();
    declare_opensm(*verb, options);
  }
  serving->add_option("--fd", options.fd, "link to the broker")->required();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  }
  if (demolish->parsed()) {
    const auto gone = broker::netns::demolish(options.tag);
    return gone ? 0 : complain(gone.error());
  }
  auto fabric = read_fabric(options.fabric);
  if (!fabric) return complain(fabric.error());
  if (serving->parsed()) return serve(options, *fabric, argv);
  if (checking->parsed()) return check(options, *fabric);
  if (hosts->parsed()) return print_hosts(options, *fabric);
  const auto built = broker::netns::build(*fabric, options.tag);
  return built ? 0 : complain(built.error());
}
