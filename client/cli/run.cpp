// weft run: submit, stream what the ranks print, return the job's exit code.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "client/cli/follow_job.hpp"
#include "client/cli/job_file.hpp"
#include "client/cli/output.hpp"
#include "client/cli/session.hpp"
#include "client/cli/verbs.hpp"

namespace weft::cli {
namespace {

// Flags that set a key of the job file; the file's own decoder judges their values.
const std::vector<FlagKey> flag_keys{{"--nodes", "nodes"},
                                     {"--ranks-per-node", "ranks_per_node"},
                                     {"--gpus-per-node", "gpus_per_node"},
                                     {"--time", "time"},
                                     {"--max-price", "lease.max_price"},
                                     {"--notice", "lease.notice"},
                                     {"--lease", "lease.use"},
                                     {"--within", "slice.within"},
                                     {"--exclusive", "slice.exclusive"},
                                     {"--workdir", "workdir"},
                                     {"--name", "name"},
                                     {"--restart", "restart.max"},
                                     {"--checkpoint-dir", "checkpoint.dir"},
                                     {"--env", "env"},
                                     {"COMMAND", "run"}};

struct RunFlags {
  std::string file;
  std::vector<std::string> env, command, ranks;
  yaml::Overrides overrides;
  bool quiet = false, detach = false;
};

void declare(Flags& flags, RunFlags& run) {
  const auto setting = [&](const char* names, const char* value, const char* key,
                           const char* help) {
    flags.option(names, value, help, [&run, key](const std::string& text) -> Result<void> {
      run.overrides.settings.push_back({key, text});
      return {};
    });
  };
  setting("-N,--nodes", "COUNT", "nodes", "nodes (default 1)");
  setting("--ranks-per-node", "COUNT", "ranks_per_node",
          "processes on each node (default: GPUs asked for, else 1)");
  setting("--gpus-per-node", "COUNT", "gpus_per_node", "least GPUs that a node must have");
  setting("-t,--time", "DURATION", "time",
          "lease term and hard limit, e.g. 90s, 1h30m (default 1h)");
  setting("-p,--max-price", "PRICE", "lease.max_price",
          "most to pay, dollars per unit-hour, e.g. 2.40");
  setting("--notice", "DURATION", "lease.notice",
          "accept nodes that are reclaimed after this notice (default never)");
  setting("--within", "LEVEL", "slice.within",
          "lowest level that holds all nodes: leaf, block or any (default any)");
  setting("--exclusive", "WHAT", "slice.exclusive",
          "what nobody else touches: links, switches or none (default links)");
  setting("--lease", "LEASE", "lease.use", "run on this lease of yours instead of renting one");
  setting("-w,--workdir", "DIR", "workdir", "working directory of the ranks (default: this one)");
  flags.option("--env", run.env, "NAME=VALUE",
               "environment variable of the ranks (repeat for more)");
  setting("--name", "NAME", "name", "name of the job (default: of the command)");
  setting("--restart", "COUNT", "restart.max",
          "restarts after a bad exit of a rank or the loss of a node");
  setting("--checkpoint-dir", "DIR", "checkpoint.dir", "told to the ranks as WEFT_CKPT_DIR");
  flags.option("-f,--file", run.file, "FILE", "job file; flags given here override it");
  flags.option("--rank", run.ranks, "RANK", "show the output of this rank only (repeat for more)");
  flags.flag("-q,--quiet", run.quiet, "print nothing but the ranks' output and failures");
  flags.flag("-d,--detach", run.detach, "print the job's id and return");
  flags.command(run.command);
  flags.example("weft run -N 2 -t 1h -p 2.40 -- python3 train.py",
                "two nodes, one process on each");
  flags.example("weft run -N 4 -f job.yaml", "a job file, on four nodes whatever it says");
}

// --env, --restart and the command, and the defaults that `run` has where a file must be explicit.
Result<void> complete(const Flags& flags, RunFlags& run) {
  auto& settings = run.overrides.settings;
  for (const std::string& text : run.env) {
    const auto equals = text.find('=');
    if (equals == std::string::npos || equals == 0)
      return fail(Code::usage, fmt::format("--env: '{}' is not NAME=VALUE", text));
    settings.push_back({"env." + text.substr(0, equals), text.substr(equals + 1)});
  }
  if (flags.given("--restart")) settings.push_back({"restart.when", "[node, exit]"});
  run.overrides.run = run.command;
  if (!run.file.empty()) return {};
  if (run.command.empty())
    return fail(Code::usage, "no command; put it after --, e.g. `weft run -N 2 -- hostname`");
  if (!flags.given("--nodes")) settings.push_back({"nodes", "1"});
  if (!flags.given("--time")) settings.push_back({"time", "1h"});
  return {};
}

Result<std::vector<std::uint32_t>> ranks_of(const std::vector<std::string>& texts) {
  std::vector<std::uint32_t> ranks;
  for (const std::string& text : texts) {
    std::uint32_t rank = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), rank);
    if (error != std::errc() || end != text.data() + text.size())
      return fail(Code::usage,
                  fmt::format("--rank: '{}' is not a rank; a rank is a number from 0", text));
    ranks.push_back(rank);
  }
  return ranks;
}

}  // namespace

int verb_run(const Arguments& arguments) {
  Flags flags(
      "run", "[-N COUNT] [-t DURATION] [-p PRICE] [flags] -- COMMAND...",
      "Submits a job, streams the output of its ranks and returns its exit code. Ctrl-C cancels\n"
      "the job, a second one leaves it to itself. 69: could not be placed; 75: reclaimed;\n"
      "124: time limit; 125: weft failed.");
  Common common;
  RunFlags run;
  declare(flags, run);
  std::vector<std::string> stray;
  flags.rest("-- COMMAND...", "what every rank runs", stray);
  if (const int code = begin(flags, common, arguments); code >= 0) return code;
  if (!stray.empty())
    return refuse("run",
                  {Code::usage, fmt::format("'{}' stands before --; the command goes after it: "
                                            "`weft run -N 2 -- {}`",
                                            stray.front(), stray.front())});
  auto ranks = ranks_of(run.ranks);
  if (!ranks) return refuse("run", ranks.error());
  if (auto done = complete(flags, run); !done) return refuse("run", done.error());
  auto read = read_job_file(run.file, run.overrides, flag_keys);
  if (!read) return refuse("run", read.error());
  if (!*read) return exit_usage;
  JobSpec spec = std::move(**read);
  if (run.file.empty()) spec.console_ranks.clear();  // all

  auto client = connect(common, {"customer", "operator"});
  if (!client) return refuse("run", client.error());
  auto submitted = (*client)->get<Submitted>(SubmitJob{spec, false, false}, common.mutating());
  if (!submitted) return refuse("run", submitted.error());
  if (run.detach) {
    if (common.json)
      print_json(*submitted);
    else
      fmt::print("{}\n", submitted->job.value);
    return exit_done;
  }
  FollowOptions options;
  options.quiet = run.quiet;
  options.ranks = std::move(*ranks);
  return JobFollow(**client, submitted->job, spec, submitted->state, std::move(options)).run();
}

}  // namespace weft::cli
