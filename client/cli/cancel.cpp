// weft cancel: stop a job, or only send its ranks a signal.
#include <fmt/format.h>

#include <csignal>
#include <cstring>

#include "client/cli/output.hpp"
#include "client/cli/session.hpp"
#include "client/cli/verbs.hpp"

namespace weft::cli {
namespace {

Result<std::uint32_t> parse_signal(std::string text) {
  if (text.starts_with("SIG")) text.erase(0, 3);
  for (int number = 1; number < NSIG; ++number) {
    const char* name = sigabbrev_np(number);
    if ((name != nullptr && text == name) || text == std::to_string(number)) return number;
  }
  return fail(Code::usage, fmt::format("'{}' is not a signal; e.g. TERM, USR1 or 10", text));
}

}  // namespace

int verb_cancel(const Arguments& arguments) {
  Flags flags("cancel", "JOB... [--signal SIGNAL [--rank RANK]] [flags]",
              "Stops jobs: TERM, a grace time, KILL. With --signal the ranks get that signal and "
              "the job goes on.");
  Common common;
  std::vector<std::string> texts;
  std::uint32_t signal = 0, rank = 0;
  flags.rest("JOB...", "ids of the jobs", texts);
  flags.option("-s,--signal", "SIGNAL", "only send this signal, e.g. USR1",
               [&signal](const std::string& text) -> Result<void> {
                 auto number = parse_signal(text);
                 if (!number) return tl::make_unexpected(number.error());
                 signal = *number;
                 return {};
               });
  flags.number("-r,--rank", rank, 0, limits::ranks_per_job_max - 1,
               "with --signal: to this rank only", "RANK");
  if (const int code = begin(flags, common, arguments); code >= 0) return code;
  if (texts.empty())
    return refuse("cancel", {Code::usage, "JOB is missing; usage: weft cancel JOB..."});
  if (flags.given("--rank") && signal == 0)
    return refuse("cancel", {Code::usage, "--rank: only with --signal; a gang is cancelled whole"});
  if (common.has_request_key && texts.size() > 1)
    return refuse("cancel", {Code::usage, "--key: one key is for one job; give one JOB"});
  std::vector<JobId> jobs;
  for (const std::string& text : texts) {
    auto id = parse_id(text, '\0');
    if (!id) return refuse("cancel", {Code::usage, "JOB: " + id.error().detail});
    jobs.push_back({*id});
  }

  auto client = connect(common, {"customer", "operator"});
  if (!client) return refuse("cancel", client.error());
  int worst = exit_done;
  for (const JobId job : jobs) {
    RequestBody request = CancelJob{job};
    if (signal != 0)
      request =
          SignalJob{job, flags.given("--rank") ? static_cast<std::int32_t>(rank) : -1, signal};
    auto reply = (*client)->call(std::move(request), common.mutating());
    if (!reply) {
      worst = std::max(worst, refuse("cancel", reply.error()));
    } else if (common.json) {
      print_json(*reply);
    } else if (signal != 0) {
      fmt::print("job {}: sent {}\n", job.value, signal_name(static_cast<int>(signal)));
    } else {
      fmt::print("job {}: being cancelled\n", job.value);
    }
  }
  return worst;
}

}  // namespace weft::cli
