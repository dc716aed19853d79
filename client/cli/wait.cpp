// weft wait: until a job has ended; returns its exit code.
#include <fmt/format.h>

#include "client/cli/follow_job.hpp"
#include "client/cli/output.hpp"
#include "client/cli/session.hpp"
#include "client/cli/verbs.hpp"

namespace weft::cli {

int verb_wait(const Arguments& arguments) {
  Flags flags("wait", "JOB [flags]",
              "Waits until the job has ended and returns its exit code, as `weft run` does. "
              "--timeout bounds\n"
              "the search for the broker, not the wait.");
  Common common(Speaks::asks);
  JobId job;
  FollowOptions options;
  options.verb = "wait";
  flags.argument("JOB", "id of the job", take_id(job));
  flags.flag("-q,--quiet", options.quiet, "print nothing but failures");
  if (const int code = begin(flags, common, arguments); code >= 0) return code;

  auto client = connect(common, {"customer", "operator"});
  if (!client) return refuse("wait", client.error());
  auto view = (*client)->get<JobView>(ShowJob{job}, common.reading());
  if (!view) return refuse("wait", view.error());
  options.output = false;
  options.cancel_on_interrupt = false;
  JobFollow follow(**client, job, view->job.spec, view->job.state, std::move(options));
  const int code = follow.run();
  if (common.json && follow.end()) print_json(*follow.end());
  return code;
}

}  // namespace weft::cli
