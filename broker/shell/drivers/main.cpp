// weft-driver: serves one fabric driver to the broker that started it. Not for people to start.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <fstream>
#include <map>
#include <sstream>

#include "base/log.hpp"
#include "broker/fabric/import/load.hpp"
#include "broker/shell/drivers/linux/driver.hpp"
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

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Serves a fabric driver to the weft-broker that started it.", "weft-driver");
  app.add_option("--fabric", options.fabric, "description of the fabric")->required();
  app.add_option("--driver", options.driver, "linux or opensm")->required();
  app.add_option("--tag", options.tag, "linux: of the namespaces");
  app.add_option("--fd", options.fd, "link to the broker")->required();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  }
  log::start("weft-driver", log::Level::info);
  auto fabric = read_fabric(options.fabric);
  if (!fabric) return complain(fabric.error());
  auto driver = open_driver(options, *fabric);
  if (!driver) return complain(driver.error());
  return broker::serve_driver(**driver, fabric->tree(), options.fd);
}
