// weft ps: jobs, one a line.
#include <fmt/format.h>

#include "client/cli/output.hpp"
#include "client/cli/session.hpp"
#include "client/cli/verbs.hpp"

namespace weft::cli {
namespace {

std::string when(const JobLine& line, Instant at) {
  if (ended(line.state)) return ago(line.ended_at, at);
  return line.started_at.ms != 0 ? ago(line.started_at, at) : ago(line.submitted_at, at);
}

std::string ran(const JobLine& line, Instant at) {
  if (line.started_at.ms == 0) return "-";
  return took((ended(line.state) ? line.ended_at : at) - line.started_at);
}

void print(const JobList& list) {
  Table table({">JOB", "NAME", "STATE", ">NODES", ">RANKS", ">RAN", "SINCE", "ACCOUNT", "NOTE"});
  const Instant at = now();
  for (const JobLine& line : list.jobs)
    table.row({fmt::format("{}", line.job.value), line.job_name, painted(line.state),
               fmt::format("{}", line.nodes), fmt::format("{}", line.ranks), ran(line, at),
               when(line, at), line.account, line.note});
  fmt::print("{}", table.text());
  if (list.cut) fmt::print("... there are more; --count shows more of them\n");
}

}  // namespace

int verb_ps(const Arguments& arguments) {
  Flags flags("ps", "[--all] [flags]", "Lists the jobs of your account; the operator sees all.");
  Common common(Speaks::asks);
  bool all = false;
  ListJobs request;
  flags.flag("-a,--all", all, "also jobs that have ended");
  flags.number("-n,--count", request.count_max, 1, 65'536, "at most so many (default 1000)");
  if (const int code = begin(flags, common, arguments); code >= 0) return code;
  request.ended = all;

  auto client = connect(common, {"customer", "operator"});
  if (!client) return refuse("ps", client.error());
  auto reply = (*client)->get<JobList>(request, common.reading());
  if (!reply) return refuse("ps", reply.error());
  if (common.json)
    print_json(*reply);
  else
    print(*reply);
  return exit_done;
}

}  // namespace weft::cli
