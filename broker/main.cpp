// weft-broker: the broker, and (as `weft-broker gateway`, started by itself) its gateways.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/log.hpp"
#include "broker/fabric/import/load.hpp"
#include "broker/shell/broker.hpp"
#include "broker/shell/failpoint.hpp"
#include "broker/shell/gateway/gateway.hpp"
#include "schemas/yaml/broker_config.hpp"

namespace {

using namespace weft;

std::string default_state_dir() {
  if (const char* dir = std::getenv("WEFT_STATE"); dir != nullptr && *dir != '\0') return dir;
  if (const char* dir = std::getenv("XDG_STATE_HOME"); dir != nullptr && *dir != '\0')
    return std::string(dir) + "/weft";
  const char* home = std::getenv("HOME");
  return std::string(home == nullptr ? "/var/lib" : home) +
         (home == nullptr ? "/weft" : "/.local/state/weft");
}

struct Options {
  std::string state_dir = default_state_dir(), config_file, failpoint;
  std::vector<std::string> listen_clients, listen_workers;
  bool check = false, verbose = false;
  std::uint64_t snapshot_every = limits::snapshot_every_records;
  int gateway_fd = -1, parent = 0;
  std::string gateway_name;
};

int complain(const Error& error) {
  fmt::print(stderr, "weft-broker: {}\n", to_string(error));
  return 2;
}

// The configuration file, when there is one, else what an empty one means. False: told what is
// wrong.
bool read_config(const Options& options, yaml::BrokerConfig& config) {
  std::string path = options.config_file;
  if (path.empty()) {
    path = options.state_dir + "/broker/broker.yaml";
    if (access(path.c_str(), F_OK) != 0) return true;
  }
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  if (!file) {
    complain({Code::state_dir, fmt::format("{}: cannot be read", path)});
    return false;
  }
  auto read = yaml::read_broker_config(text.str());
  for (const yaml::Problem& problem : read.problems)
    fmt::print(stderr, "{}\n", yaml::to_string(problem, path));
  config = std::move(read.config);
  return read.problems.empty();
}

std::string folder_of_this_program() {
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  return error ? std::string(".") : self.parent_path().string();
}

// Options of fabric.options that are for the ranks, not for weft-driver.
bool of_ranks(const std::string& option) {
  return option == "net-device" || option == "traffic-class";
}

std::vector<std::pair<std::string, std::string>> rank_environment(const yaml::FabricUse& use) {
  // All its hosts are on one machine, where shared memory would go around the fabric.
  if (use.driver == "linux") return {{"UCX_NET_DEVICES", "eth0"}, {"UCX_TLS", "tcp,self"}};
  std::vector<std::pair<std::string, std::string>> out;
  for (const auto& [name, value] : use.options) {
    if (name == "net-device") out.emplace_back("UCX_NET_DEVICES", value);
    if (name == "traffic-class") out.emplace_back("UCX_IB_TRAFFIC_CLASS", value);
  }
  return out;
}

// Links of the simulated fabric are limited by software, and any host fills the slower ones.
constexpr std::uint64_t any_host_fills_bps = 2'000'000'000;

broker::GroundProbe probe_of(const yaml::FabricUse& use, const broker::fabric::Fabric& fabric) {
  broker::GroundProbe probe{use.probe.always && use.driver != "none", use.probe.expect_bps,
                            use.probe.share};
  const std::uint64_t rate = fabric.link_rate_bps;
  if (use.driver == "linux" && probe.expected_bps == 0 && rate <= any_host_fills_bps)
    probe.expected_bps = rate;
  return probe;
}

// The fabric that broker.yaml names: what the core rents, and who drives it. False: told what is
// wrong.
bool read_fabric(const yaml::BrokerConfig& config, broker::Settings& settings) {
  const yaml::FabricUse& use = config.fabric;
  if (use.file.empty()) return true;
  std::ifstream file(use.file);
  std::stringstream text;
  text << file.rdbuf();
  if (!file) {
    complain({Code::state_dir, fmt::format("fabric.file: {}: cannot be read", use.file)});
    return false;
  }
  auto loaded = broker::fabric::load(text.str(), use.file);
  for (const auto& problems : {loaded.problems, loaded.warnings})
    for (const yaml::Problem& problem : problems)
      fmt::print(stderr, "{}\n", yaml::to_string(problem, use.file));
  if (!loaded.fabric) return false;
  auto ground = std::make_shared<broker::Ground>(*std::move(loaded.fabric), use.driver, text.str());
  ground->environment = rank_environment(use);
  ground->probe = probe_of(use, ground->fabric);
  settings.core.ground = ground;
  if (!ground->enforced) return true;
  settings.driver.program = folder_of_this_program() + "/weft-driver";
  settings.driver.arguments = {"serve", "--fabric", use.file, "--driver", use.driver};
  for (const auto& [name, value] : use.options) {
    if (!of_ranks(name)) settings.driver.arguments.push_back(fmt::format("--{}={}", name, value));
  }
  for (const auto& [name, value] : use.environment)
    settings.driver.environment.push_back(name + "=" + value);
  return true;
}

int serve(const Options& options) {
  yaml::BrokerConfig config;
  if (!read_config(options, config)) return 2;
  broker::Settings settings;
  settings.state_dir = options.state_dir;
  settings.listen_clients =
      options.listen_clients.empty() ? config.listen_clients : options.listen_clients;
  settings.listen_workers =
      options.listen_workers.empty() ? config.listen_workers : options.listen_workers;
  settings.core.price_default = config.price;
  settings.core.fee_bps = config.fee_bps;
  settings.core.heartbeat = config.heartbeat_period;
  settings.core.silence_max = config.heartbeat_silence;
  settings.core.recovery_grace = config.recovery_grace;
  settings.snapshot_every = options.snapshot_every;
  if (!read_fabric(config, settings)) return 2;
  for (const yaml::OperatorKey& key : config.operators)
    settings.keys.push_back({key.principal, Role::operator_, key.name, "house", false});
  if (!options.failpoint.empty())
    if (auto armed = broker::arm_failpoint(options.failpoint); !armed)
      return complain(armed.error());
  log::start("weft-broker", options.verbose ? log::Level::debug : config.log_level);
  const auto done = broker::run_broker(settings);
  return done ? 0 : complain(done.error());
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app(
      "The broker of weft: rents slices of surplus nodes to training jobs.\n"
      "Runs in the foreground until SIGTERM or SIGINT; prints one line that begins with "
      "\"ready:\" once it serves.",
      "weft-broker");
  app.set_version_flag("--version", "weft-broker " WEFT_VERSION);
  app.add_option("--state", options.state_dir,
                 "directory of everything that it keeps (default: $WEFT_STATE)")
      ->capture_default_str();
  app.add_option("--config", options.config_file,
                 "configuration (default: STATE/broker/broker.yaml, if it is there)");
  app.add_option(
      "--listen-clients", options.listen_clients,
      "ZeroMQ endpoint for clients, tcp://IP:PORT or ipc://PATH; port 0: any free one; repeatable");
  app.add_option("--listen-workers", options.listen_workers, "the same for workers");
  app.add_option("--snapshot-every", options.snapshot_every, "records between two snapshots")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  app.add_flag("--check-journal", options.check,
               "verify every record of the journal, print the result, end");
  app.add_flag("--verbose", options.verbose, "log what only developers read, too");
  app.add_option("--failpoint", options.failpoint,
                 "NAME[:HITS]: die there as by kill -9 (for tests)")
      ->group("");
  CLI::App* gateway = app.add_subcommand("gateway", "started by the broker itself")->group("");
  gateway->add_option("--fd", options.gateway_fd)->required();
  gateway->add_option("--parent", options.parent)->required();
  gateway->add_option("--name", options.gateway_name);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  }
  if (gateway->parsed()) return broker::run_gateway(options.gateway_fd, options.parent);
  if (options.check) {
    const auto sound = broker::check_journal(options.state_dir);
    return sound ? 0 : complain(sound.error());
  }
  return serve(options);
}
