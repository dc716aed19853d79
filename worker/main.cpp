// weft-worker: one per node. Joins a broker, launches the ranks of its attempts and watches them.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <climits>
#include <cstdio>
#include <cstdlib>

#include "base/limits.hpp"
#include "worker/shell/program.hpp"

namespace {

std::string absolute(const std::string& path) {
  if (path.empty() || path[0] == '/') return path;
  char here[PATH_MAX];
  return ::getcwd(here, sizeof here) == nullptr ? path : std::string(here) + "/" + path;
}

}  // namespace

int main(int argc, char** argv) {
  weft::worker::Options options;
  CLI::App app(
      "weft-worker: offers this node to a weft broker and runs the ranks of its jobs.\n"
      "SIGTERM: stop what runs here with grace, then leave. Killed otherwise, its ranks run on "
      "and\n"
      "the next worker on the same --state takes them over.");
  app.set_version_flag("--version", WEFT_VERSION);
  app.add_option("--state", options.state, "this worker's own directory (key, logs, attempts)")
      ->required()
      ->envname("WEFT_WORKER_STATE");
  app.add_option("--connection", options.connection, "the broker's connection.yaml")->required();
  app.add_option("--name", options.name, "node name, [a-z0-9-], at most 63")
      ->required()
      ->check([](const std::string& name) {
        const bool ok =
            !name.empty() && name.size() <= weft::limits::name_bytes_max &&
            name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string::npos;
        return ok ? std::string() : "'" + name + "': a node name has 1 to 63 of a-z, 0-9 and -";
      });
  app.add_option("--key", options.key, "key file [STATE/worker.key]");
  app.add_option(
      "--address", options.address,
      "IP address at which ranks of other nodes reach this one [the one that reaches the broker]");
  app.add_option("--job-root", options.job_root,
                 "where jobs' own directories are made [STATE/jobs]");
  app.add_option("--socket", options.socket, "unix socket for ranks [STATE/worker.sock]");
  app.add_option("--job-uid-base", options.job_uid_base,
                 "as root, ranks of job J run as user BASE + J % 100000000")
      ->check(CLI::Range(std::int64_t{1'000}, std::int64_t{2'047'483'647}))
      ->capture_default_str();
  app.add_flag("--trust-workdir", options.trust_workdir,
               "enter a job's workdir before becoming its user, and hand on this PATH: for "
               "customers who are the operator");
  app.add_flag("!--no-cgroup", options.use_cgroups,
               "kill by process tree only, even where the host has cgroups");
  CLI11_PARSE(app, argc, argv);
  options.state = absolute(options.state);
  while (options.state.size() > 1 && options.state.ends_with('/')) options.state.pop_back();
  options.connection = absolute(options.connection);
  options.key = options.key.empty() ? options.state + "/worker.key" : absolute(options.key);
  options.job_root =
      options.job_root.empty() ? options.state + "/jobs" : absolute(options.job_root);
  options.socket =
      options.socket.empty() ? options.state + "/worker.sock" : absolute(options.socket);
  return weft::worker::run_program(std::move(options));
}
