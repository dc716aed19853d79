// weft submit: queue a job that a file describes; --dry-run shows what would happen.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "client/cli/job_file.hpp"
#include "client/cli/output.hpp"
#include "client/cli/session.hpp"
#include "client/cli/verbs.hpp"

namespace weft::cli {
namespace {

void print(const DryRun& plan) {
  fmt::print("{}\n", yaml::print_job(plan.spec));
  if (!plan.placeable) {
    fmt::print("# would wait\n{}", why_text(plan.why));
    return;
  }
  fmt::print("# would start now on {} at {} a unit-hour, at most {} for {}\n",
             fmt::join(plan.nodes, " "), dollars(plan.price), dollars(plan.cost_max),
             to_string(plan.spec.time));
}

}  // namespace

int verb_submit(const Arguments& arguments) {
  Flags flags(
      "submit", "FILE [--dry-run] [flags]",
      "Queues the job that FILE describes: YAML, or a script with `#WEFT key=value` lines; '-' is\n"
      "standard input. Prints the job's id.");
  Common common;
  std::string file;
  std::vector<std::string> sets;
  SubmitJob request;
  flags.argument("FILE", "job file", take_text(file));
  flags.flag("--dry-run", request.dry_run,
             "print the resolved job, price and place; queue nothing");
  flags.option("--set", sets, "KEY=VALUE",
               "replace a key of the file, e.g. lease.max_price=2.40 (repeat for more)");
  if (const int code = begin(flags, common, arguments); code >= 0) return code;

  yaml::Overrides overrides;
  for (const std::string& text : sets) {
    const auto equals = text.find('=');
    if (equals == std::string::npos || equals == 0)
      return refuse("submit", {Code::usage, fmt::format("--set: '{}' is not KEY=VALUE", text)});
    overrides.settings.push_back({text.substr(0, equals), text.substr(equals + 1)});
  }
  auto spec = read_job_file(file, overrides, {});
  if (!spec) return refuse("submit", spec.error());
  if (!*spec) return exit_usage;
  request.spec = std::move(**spec);

  auto client = connect(common, {"customer", "operator"});
  if (!client) return refuse("submit", client.error());
  const bool dry_run = request.dry_run;
  auto reply = (*client)->call(std::move(request), common.mutating());
  if (!reply) return refuse("submit", reply.error());
  if (common.json) {
    print_json(*reply);
  } else if (const auto* plan = std::get_if<DryRun>(&*reply)) {
    print(*plan);
    return plan->placeable ? exit_done : exit_not_placed;
  } else if (const auto* submitted = std::get_if<Submitted>(&*reply);
             submitted != nullptr && !dry_run) {
    fmt::print("job {}: {}\n", submitted->job.value, painted(submitted->state));
  }
  return exit_done;
}

}  // namespace weft::cli
