// weft show: everything about one job.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "client/cli/output.hpp"
#include "client/cli/session.hpp"
#include "client/cli/verbs.hpp"

namespace weft::cli {
namespace {

void line(const std::string& name, const std::string& value) {
  if (value.empty()) return;
  fmt::print("{}{}{}\n", painted(name, Colour::dim), std::string(11 - name.size(), ' '), value);
}

std::string state_text(const Job& job) {
  std::string out = painted(job.state);
  const bool told =
      job.cause == Cause::none || job.cause == Cause::done || job.state == JobState::cancelled;
  if (!told) out += fmt::format(" ({})", to_string(job.cause));
  if (ended(job.state)) out += fmt::format(", exit code {}", job.exit_code);
  return out;
}

std::string shape_text(const JobSpec& spec) {
  std::string out = fmt::format("{}, {} a node", counted(spec.nodes, "node"),
                                counted(spec.ranks_per_node, "rank"));
  if (spec.gpus_per_node > 0) out += fmt::format(", {} GPUs a node", spec.gpus_per_node);
  out += fmt::format(", at most {}", to_string(spec.time));
  if (spec.has_price_max) out += fmt::format(", at most {} a unit-hour", dollars(spec.price_max));
  return out;
}

std::string attempt_text(const Attempt& attempt) {
  std::string out(to_string(attempt.state));
  if (attempt.state == AttemptState::ended) out = std::string(to_string(attempt.outcome));
  if (attempt.cause != Cause::none && attempt.cause != Cause::done)
    out += fmt::format(" ({})", to_string(attempt.cause));
  return out;
}

void print_attempts(const JobView& view) {
  if (view.attempts.empty()) return;
  fmt::print("\n");
  Table table({">ATTEMPT", "OUTCOME", "MADE", ">START-UP", ">RAN", "CULPRIT"});
  for (const Attempt& attempt : view.attempts) {
    const Instant end = attempt.ended_at.ms != 0 ? attempt.ended_at : now();
    std::string culprit;
    if (attempt.blame.code != Code::none)
      culprit = fmt::format("rank {} on {}: {}", attempt.blame.rank, attempt.blame.node_name,
                            to_string(attempt.blame.code));
    table.row({fmt::format("{}", attempt.number), attempt_text(attempt),
               clock_time(attempt.made_at),
               attempt.go_at.ms != 0 ? took(attempt.go_at - attempt.made_at) : "-",
               attempt.go_at.ms != 0 ? took(end - attempt.go_at) : "-", culprit});
  }
  fmt::print("{}", table.text());
}

void print_ranks(const JobView& view) {
  if (view.ends.empty() && view.progress.empty()) return;
  fmt::print("\n");
  Table table({">RANK", "NODE", "END", "LAST REPORT"});
  const std::uint32_t ranks = view.job.spec.nodes * view.job.spec.ranks_per_node;
  for (std::uint32_t rank = 0; rank < ranks; ++rank) {
    std::string end = "running", report;
    for (const RankEnd& e : view.ends)
      if (e.rank == rank) end = end_text(e);
    for (const KeyValue& p : view.progress)
      if (p.name == std::to_string(rank)) report = p.value;
    const std::size_t node = rank / std::max(1U, view.job.spec.ranks_per_node);
    table.row(
        {fmt::format("{}", rank), node < view.nodes.size() ? view.nodes[node] : "-", end, report});
  }
  fmt::print("{}", table.text());
}

void print(const JobView& view) {
  const Job& job = view.job;
  line("job", fmt::format("{} {}", job.id.value, painted(job.spec.name, Colour::bold)));
  line("state", state_text(job));
  line("account", job.account);
  line("shape", shape_text(job.spec));
  line("run", fmt::format("{}", fmt::join(job.spec.run, " ")));
  line("workdir", job.spec.workdir);
  if (job.lease) line("lease", fmt::format("{}", job.lease.value));
  if (!view.nodes.empty()) line("nodes", fmt::format("{}", fmt::join(view.nodes, " ")));
  if (job.restarts > 0)
    line("restarts", fmt::format("{} of {}", job.restarts, job.spec.restart.max));
  if (!ended(job.state) && job.retry_at.ms > now().ms) line("next try", ago(job.retry_at, now()));

  fmt::print("\n{}\n", painted("timeline", Colour::dim));
  for (const TimelineEntry& entry : job.timeline)
    fmt::print("  {}  {:>8}  {}\n", clock_time(entry.at), "+" + took(entry.at - job.submitted_at),
               entry.text);
  print_attempts(view);
  print_ranks(view);
  if (!view.attempts.empty()) {
    const Attempt& last = view.attempts.back();
    const std::string blame = blame_text(last.blame, last.number);
    if (!blame.empty()) fmt::print("\n{}", painted(blame, Colour::red));
  }
}

}  // namespace

int verb_show(const Arguments& arguments) {
  Flags flags("show", "JOB [flags]",
              "Shows one job: its state, timeline, attempts, ranks, and who broke it.");
  Common common(Speaks::asks);
  ShowJob request;
  flags.argument("JOB", "id of the job", take_id(request.job));
  if (const int code = begin(flags, common, arguments); code >= 0) return code;

  auto client = connect(common, {"customer", "operator"});
  if (!client) return refuse("show", client.error());
  auto reply = (*client)->get<JobView>(request, common.reading());
  if (!reply) return refuse("show", reply.error());
  if (common.json)
    print_json(*reply);
  else
    print(*reply);
  return exit_done;
}

}  // namespace weft::cli
