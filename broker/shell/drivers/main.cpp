// weft-driver: serves one fabric driver to the broker that started it; and, for those who try weft
// on one machine, builds a fabric out of network namespaces.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <fstream>
#include <sstream>

#include "base/log.hpp"
#include "broker/fabric/import/load.hpp"
#include "broker/shell/drivers/linux/driver.hpp"
#include "broker/shell/drivers/linux/namespaces.hpp"
#include "broker/shell/drivers/linux/places.hpp"
#include "broker/shell/drivers/serve.hpp"

namespace {

using namespace weft;

struct Options {
  std::string fabric, driver, tag;
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

Result<std::unique_ptr<broker::Driver>> open_driver(const Options& options,
                                                    const broker::fabric::Fabric& fabric) {
  if (options.driver == "linux") return broker::open_linux_driver(fabric, options.tag);
  return fail(Code::usage, fmt::format("'{}' is not a fabric driver", options.driver));
}

int serve(const Options& options, const broker::fabric::Fabric& fabric) {
  log::start("weft-driver", log::Level::info);
  auto driver = open_driver(options, fabric);
  if (!driver) return complain(driver.error());
  return broker::serve_driver(**driver, fabric.tree(), options.fd);
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

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Fabric drivers of weft. `weft up --fabric` and weft-broker start it.",
               "weft-driver");
  app.require_subcommand(1);
  CLI::App* serving = app.add_subcommand("serve", "program a fabric for the broker at --fd");
  CLI::App* hosts = app.add_subcommand("hosts", "print the hosts of a fabric");
  CLI::App* build = app.add_subcommand("build", "build a fabric out of network namespaces");
  CLI::App* demolish = app.add_subcommand("demolish", "remove what build has made");
  for (CLI::App* verb : {serving, hosts, build})
    verb->add_option("--fabric", options.fabric, "description of the fabric")->required();
  for (CLI::App* verb : {serving, hosts, build, demolish})
    verb->add_option("--tag", options.tag, "name of the namespaces: weft-TAG-...");
  serving->add_option("--driver", options.driver, "linux or opensm")->required();
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
  if (serving->parsed()) return serve(options, *fabric);
  if (hosts->parsed()) return print_hosts(options, *fabric);
  const auto built = broker::netns::build(*fabric, options.tag);
  return built ? 0 : complain(built.error());
}
