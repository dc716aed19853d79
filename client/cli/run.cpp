// weft run: submit, stream what the ranks print, return the job's exit code.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

#include "client/cli/follow_job.hpp"
#include "client/cli/job_file.hpp"
#include "client/cli/output.hpp"
#include "client/cli/session.hpp"
#include "client/cli/verbs.hpp"

namespace weft::cli {
namespace {

struct RunFlags {
  std::uint32_t nodes = 1, ranks_per_node = 1, gpus = 0, restarts = 0;
  Duration time = hours(1), notice;
  Price price;
  std::string file, workdir, name, checkpoint_dir;
  std::vector<std::string> env, command, ranks;
  bool quiet = false, detach = false;
};

void declare(Flags& flags, RunFlags& run) {
  flags.number("-N,--nodes", run.nodes, 1, limits::nodes_per_job_max, "nodes (default 1)");
  flags.number("--ranks-per-node", run.ranks_per_node, 1, limits::ranks_per_node_max,
               "processes on each node (default 1)");
  flags.number("--gpus-per-node", run.gpus, 0, limits::gpus_per_node_max,
               "least GPUs that a node must have");
  flags.duration("-t,--time", run.time, "lease term and hard limit, e.g. 90s, 1h30m (default 1h)");
  flags.price("-p,--max-price", run.price, "most to pay, dollars per unit-hour, e.g. 2.40");
  flags.duration("--notice", run.notice,
                 "accept nodes that can be reclaimed after this notice (default: firm)");
  flags.option("-w,--workdir", run.workdir, "DIR",
               "working directory of the ranks (default: this one)");
  flags.option("--env", run.env, "NAME=VALUE",
               "environment variable of the ranks (repeat for more)");
  flags.option("--name", run.name, "NAME", "name of the job (default: of the command)");
  flags.number("--restart", run.restarts, 0, limits::restarts_max,
               "restarts after a rank's bad exit or a lost node (default 0 and 3)");
  flags.option("--checkpoint-dir", run.checkpoint_dir, "DIR", "told to the ranks as WEFT_CKPT_DIR");
  flags.option("-f,--file", run.file, "FILE", "job file; flags given here override it");
  flags.option("--rank", run.ranks, "RANK", "show the output of this rank only (repeat for more)");
  flags.flag("-q,--quiet", run.quiet, "print nothing but the ranks' output and failures");
  flags.flag("-d,--detach", run.detach, "print the job's id and return");
  flags.command(run.command);
  flags.example("weft run -N 2 -t 1h -p 2.40 -- python3 train.py",
                "two nodes, one process on each");
  flags.example("weft run -N 4 -f job.yaml", "a job file, on four nodes whatever it says");
}

Result<KeyValue> variable(const std::string& text) {
  const auto equals = text.find('=');
  if (equals == std::string::npos || equals == 0)
    return fail(Code::usage, fmt::format("--env: '{}' is not NAME=VALUE", text));
  const std::string name = text.substr(0, equals);
  if (name.starts_with("WEFT_"))
    return fail(
        Code::spec_reserved,
        fmt::format("--env: {} is set by weft; choose a name that does not begin with WEFT_",
                    name));
  return KeyValue{name, text.substr(equals + 1)};
}

std::string absolute(const std::string& path) {
  char here[4096];
  if (path.starts_with("/") || getcwd(here, sizeof here) == nullptr) return path;
  return path.empty() || path == "." ? here : fmt::format("{}/{}", here, path);
}

// Flags given override the file's values, or the defaults when there is no file.
Result<JobSpec> make_spec(const Flags& flags, const RunFlags& run) {
  JobSpec spec;
  if (!run.file.empty()) {
    auto read = read_job_file(run.file);
    if (!read) return read;
    spec = std::move(*read);
  }
  const bool fresh = run.file.empty();
  if (fresh || flags.given("--nodes")) spec.nodes = run.nodes;
  if (fresh || flags.given("--ranks-per-node")) spec.ranks_per_node = run.ranks_per_node;
  if (fresh || flags.given("--gpus-per-node")) spec.gpus_per_node = run.gpus;
  if (fresh || flags.given("--time")) spec.time = run.time;
  if (fresh || flags.given("--notice")) spec.notice = run.notice;
  if (flags.given("--max-price")) {
    spec.price_max = run.price;
    spec.has_price_max = true;
  }
  if (fresh || flags.given("--workdir")) spec.workdir = absolute(run.workdir);
  if (flags.given("--checkpoint-dir")) spec.checkpoint_dir = absolute(run.checkpoint_dir);
  if (flags.given("--restart")) {
    spec.restart.max = run.restarts;
    spec.restart.on_exit = run.restarts > 0;
  }
  if (!run.command.empty()) spec.run = run.command;
  if (spec.run.empty())
    return fail(Code::usage, "no command; put it after --, e.g. `weft run -N 2 -- hostname`");
  if (!run.name.empty()) spec.name = run.name;
  if (spec.name.empty()) spec.name = name_from(spec.run.front());
  if (fresh) spec.backend = "weft";
  for (const std::string& text : run.env) {
    auto pair = variable(text);
    if (!pair) return tl::make_unexpected(pair.error());
    std::erase_if(spec.env, [&](const KeyValue& old) { return old.name == pair->name; });
    spec.env.push_back(std::move(*pair));
  }
  if (spec.time < limits::job_time_min || spec.time > limits::job_time_max)
    return fail(Code::spec_range,
                fmt::format("--time: {} is out of range; {} to {}", to_string(spec.time),
                            to_string(limits::job_time_min), to_string(limits::job_time_max)));
  return spec;
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
  auto spec = make_spec(flags, run);
  if (!spec) return refuse("run", spec.error());

  auto client = connect(common, {"customer", "operator"});
  if (!client) return refuse("run", client.error());
  auto submitted = (*client)->get<Submitted>(SubmitJob{*spec, false, false}, common.mutating());
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
  return JobFollow(**client, submitted->job, *spec, submitted->state, std::move(options)).run();
}

}  // namespace weft::cli
