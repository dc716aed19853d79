// weft logs: what a job's ranks have printed.
#include <fmt/format.h>

#include <numeric>

#include "client/cli/console.hpp"
#include "client/cli/follow_job.hpp"
#include "client/cli/output.hpp"
#include "client/cli/session.hpp"
#include "client/cli/verbs.hpp"

namespace weft::cli {
namespace {

// One attempt, no more than that: what there is, or with -f until its ranks are gone.
int one_attempt(client::Client& client, const JobView& view, client::LogFollower::What what) {
  Console console(view.job.spec.nodes * view.job.spec.ranks_per_node > 1 && what.ranks.size() != 1);
  console.set_nodes(view.nodes, view.job.spec.ranks_per_node);
  client::LogFollower logs(
      client, std::move(what),
      [&console](std::uint32_t rank, bool errors, std::span<const std::uint8_t> data) {
        console.take(rank, errors, data);
      });
  while (!logs.done()) client.poll(seconds(1));
  console.finish();
  if (logs.error().code != Code::none) return refuse("logs", logs.error());
  return exit_done;
}

}  // namespace

int verb_logs(const Arguments& arguments) {
  Flags flags("logs", "JOB [-f] [--rank RANK] [--attempt NUMBER] [flags]",
              "Prints what the ranks of a job have written to standard output and standard error.");
  Common common(Speaks::asks);
  JobId job;
  bool follow = false;
  std::uint32_t attempt = 0, rank = 0;
  flags.argument("JOB", "id of the job", take_id(job));
  flags.flag("-f,--follow", follow, "go on until the job has ended, through restarts");
  flags.number("-r,--rank", rank, 0, limits::ranks_per_job_max - 1,
               "of this rank only (default: all)", "RANK");
  flags.number("--attempt", attempt, 1, limits::restarts_max + 1,
               "of this attempt (default: the newest)", "NUMBER");
  if (const int code = begin(flags, common, arguments); code >= 0) return code;

  auto client = connect(common, {"customer", "operator"});
  if (!client) return refuse("logs", client.error());
  auto view = (*client)->get<JobView>(ShowJob{job}, common.reading());
  if (!view) return refuse("logs", view.error());
  const JobSpec& spec = view->job.spec;
  const std::uint32_t all = spec.nodes * spec.ranks_per_node;
  const std::uint32_t newest = view->attempts.empty() ? 0 : view->attempts.back().number;
  if (flags.given("--rank") && rank >= all)
    return refuse(
        "logs", {Code::rank_unknown, fmt::format("job {} has ranks 0 to {}", job.value, all - 1)});
  if (attempt > newest)
    return refuse("logs", {Code::rank_unknown,
                           fmt::format("job {} has {} attempts so far", job.value, newest)});

  std::vector<std::uint32_t> ranks{rank};
  if (!flags.given("--rank")) {
    ranks.resize(all);
    std::iota(ranks.begin(), ranks.end(), 0U);
  }
  if (follow && attempt == 0 && !ended(view->job.state)) {
    FollowOptions options;
    options.cancel_on_interrupt = false;
    options.quiet = true;
    options.verb = "logs";
    options.ranks = ranks;
    options.attempt = std::max(1U, newest);
    if (newest != 0) options.nodes = view->nodes;
    JobFollow job_follow(**client, job, spec, view->job.state, std::move(options));
    const int code = job_follow.run();
    return job_follow.end() ? exit_done : code;
  }
  if (newest == 0) return exit_done;  // nothing was printed yet
  return one_attempt(**client, *view, {job, attempt == 0 ? newest : attempt, ranks, follow});
}

}  // namespace weft::cli
