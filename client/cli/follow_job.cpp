#include "client/cli/follow_job.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <csignal>
#include <numeric>

#include "client/cli/output.hpp"
#include "client/cli/session.hpp"

namespace weft::cli {
namespace {

constexpr Duration long_poll = seconds(20);
constexpr Duration output_grace = seconds(2);  // for the last output, once the job has ended
constexpr Duration lost_said = seconds(5), lost_max = minutes(10);
constexpr std::uint32_t ranks_shown_max = 64;

volatile std::sig_atomic_t interrupt_count = 0;

void on_interrupt(int) { interrupt_count = interrupt_count + 1; }

// Without SA_RESTART: a signal ends the wait in poll().
void catch_interrupts() {
  struct sigaction action{};
  action.sa_handler = on_interrupt;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

std::vector<std::uint32_t> ranks_to_show(const JobSpec& spec, const FollowOptions& options) {
  if (!options.ranks.empty()) return options.ranks;
  if (!spec.console_ranks.empty()) return spec.console_ranks;
  const std::uint64_t all = static_cast<std::uint64_t>(spec.nodes) * spec.ranks_per_node;
  if (all > ranks_shown_max) return {0};
  std::vector<std::uint32_t> ranks(static_cast<std::size_t>(all));
  std::iota(ranks.begin(), ranks.end(), 0U);
  return ranks;
}

bool before_launch(JobState state) { return state == JobState::queued || state == JobState::held; }

}  // namespace

JobFollow::JobFollow(client::Client& client, JobId job, const JobSpec& spec, JobState state,
                     FollowOptions options)
    : client_(client),
      job_(job),
      options_(std::move(options)),
      console_(ranks_to_show(spec, options_).size() > 1),
      ranks_(ranks_to_show(spec, options_)),
      began_(now()),
      waiting_(before_launch(state)) {
  if (!options_.nodes.empty()) console_.set_nodes(options_.nodes, spec.ranks_per_node);
  wait_for_end();
  if (options_.output && !waiting_) read_logs(options_.attempt);
  attempt_wanted_ = options_.attempt;
  if (waiting_ && options_.reasons) ask<Why>(WhyJob{job_}, &JobFollow::take_why);
  if (waiting_) watch();
}

JobFollow::~JobFollow() {
  for (const RequestKey& key : own_) client_.drop(key);
}

template <class R>
void JobFollow::ask(RequestBody body, void (JobFollow::*take)(R&)) {
  auto done = [this, take](Result<ReplyBody> reply) {
    if (!reply) {
      if (!error_) error_ = reply.error();
    } else if (R* arm = std::get_if<R>(&*reply)) {
      (this->*take)(*arm);
    }
  };
  own_.push_back(
      client_.start(std::move(body), {.key = {}, .timeout = client::no_deadline}, std::move(done)));
}

void JobFollow::wait_for_end() { ask<JobView>(WaitJob{job_, long_poll}, &JobFollow::take_end); }

void JobFollow::take_end(JobView& view) {
  if (!ended(view.job.state)) return wait_for_end();
  end_ = std::move(view);
  ended_at_ = now();
  if (console_.needs_nodes()) take_nodes(*end_);
  const std::uint32_t last = end_->attempts.empty() ? 0 : end_->attempts.back().number;
  if (options_.output && last > attempt_) read_logs(last);
  if (logs_) logs_->finish();
  if (last == 0) logs_.reset();
}

void JobFollow::read_logs(std::uint32_t attempt) {
  attempt_ = attempt_wanted_ = attempt;
  logs_.reset();
  logs_ = std::make_unique<client::LogFollower>(
      client_, client::LogFollower::What{job_, attempt, ranks_, !end_},
      [this](std::uint32_t rank, bool errors, std::span<const std::uint8_t> data) {
        clear_line();
        waiting_ = false;
        if (options_.take) return options_.take(rank, errors, data);
        console_.take(rank, errors, data);
        if (!console_.needs_nodes() || asked_nodes_) return;
        asked_nodes_ = true;
        ask<JobView>(ShowJob{job_}, &JobFollow::take_nodes);
      });
}

void JobFollow::take_nodes(JobView& view) {
  console_.set_nodes(view.nodes, view.job.spec.ranks_per_node);
}

// The attempt's output is read, or could not be. The job may go on with another attempt.
void JobFollow::logs_ended() {
  logs_failed_ = logs_->error().code != Code::none;
  attempt_wanted_ = logs_failed_ ? attempt_ : attempt_ + 1;
  logs_.reset();
  if (!end_) watch();
}

void JobFollow::watch() {
  if (watching_ || end_) return;
  watching_ = true;
  ask<Events>(ReadEvents{events_seen_, job_, 1'000, long_poll}, &JobFollow::take_events);
}

void JobFollow::take_events(Events& events) {
  watching_ = false;
  events_seen_ = events.last;
  if (end_) return;
  if (waiting_ && options_.reasons) ask<Why>(WhyJob{job_}, &JobFollow::take_why);
  if (options_.output && !logs_ && !events.events.empty())
    ask<JobView>(ShowJob{job_}, &JobFollow::take_progress);
  if (waiting_ || (options_.output && !logs_)) watch();
}

void JobFollow::take_progress(JobView& view) {
  if (end_ || logs_ || view.attempts.empty() || view.attempts.back().number < attempt_wanted_)
    return;
  asked_nodes_ = true;
  take_nodes(view);  // another attempt may be on other nodes
  read_logs(view.attempts.back().number);
}

void JobFollow::take_why(Why& why) {
  waiting_ = before_launch(why.state);
  if (!waiting_) return clear_line();
  if (why.summary == reason_) return;
  reason_ = why.summary;
  if (isatty(STDERR_FILENO) == 0 && !options_.quiet)
    fmt::print(stderr, "weft: job {} waits: {}\n", job_.value, reason_);
}

void JobFollow::take_any(Done&) {}

void JobFollow::say_waiting() {
  if (!waiting_ || reason_.empty() || options_.quiet || isatty(STDERR_FILENO) == 0) return;
  fmt::print(stderr, "\r\033[Kweft: job {} waits {}: {}", job_.value, took(now() - began_),
             reason_);
  std::fflush(stderr);
  line_shown_ = true;
}

void JobFollow::clear_line() {
  if (!line_shown_) return;
  fmt::print(stderr, "\r\033[K");
  line_shown_ = false;
}

bool JobFollow::follow_interrupts() {
  const int count = interrupt_count;
  if (count == interrupts_) return true;
  interrupts_ = count;
  clear_line();
  if (!options_.cancel_on_interrupt) return false;
  if (count == 1) {
    fmt::print(stderr, "weft: cancelling job {}; interrupt again to leave it to itself\n",
               job_.value);
    ask<Done>(CancelJob{job_}, &JobFollow::take_any);
    return true;
  }
  fmt::print(stderr, "weft: left job {}; `weft wait {}` returns its exit code\n", job_.value,
             job_.value);
  return false;
}

bool JobFollow::lost_for_good() {
  const Duration lost = client_.lost_for();
  if (lost < lost_said) {
    said_lost_ = false;
    return false;
  }
  if (!said_lost_ && !options_.quiet) {
    clear_line();
    fmt::print(stderr,
               "weft: the broker does not answer; job {} does not need it to go on; still trying\n",
               job_.value);
  }
  said_lost_ = true;
  return lost > lost_max;
}

int JobFollow::run() {
  catch_interrupts();
  for (;;) {
    if (logs_ && logs_->done()) logs_ended();
    if (end_ && (!logs_ || now() - ended_at_ > output_grace)) break;
    if (error_) break;
    if (!follow_interrupts()) return 128 + SIGINT;
    if (lost_for_good()) {
      error_ = Error{Code::broker_unreachable,
                     fmt::format("no answer for {}; `weft wait {}` goes on waiting", took(lost_max),
                                 job_.value)};
      break;
    }
    say_waiting();
    client_.poll(milliseconds(end_ ? 50 : 500));
  }
  clear_line();
  console_.finish();
  if (!end_) return refuse(options_.verb, *error_);
  return report();
}

int JobFollow::report() {
  const Job& job = end_->job;
  const int code = exit_code_of(job);
  std::fflush(stdout);
  if (job.state == JobState::succeeded) {
    if (!options_.quiet && isatty(STDERR_FILENO) == 1)
      fmt::print(stderr, "weft: job {} succeeded in {}\n", job.id.value,
                 took(job.ended_at - job.started_at));
    return code;
  }
  std::string text = fmt::format("weft: job {} {}", job.id.value, to_string(job.state));
  if (job.cause != Cause::none && job.state != JobState::cancelled)
    text += fmt::format(" ({})", to_string(job.cause));
  if (job.state == JobState::failed) text += fmt::format(", exit code {}", code);
  text += "\n";
  if (!end_->attempts.empty()) {
    const std::string blame = blame_text(end_->attempts.back().blame, end_->attempts.back().number);
    if (!blame.empty()) text += "weft: " + blame;
  } else if (!job.timeline.empty()) {
    text += fmt::format("weft: {}\n", job.timeline.back().text);
  }
  fmt::print(stderr, "{}", text);
  return code;
}

int exit_code_of(const Job& job) {
  switch (job.state) {
    case JobState::succeeded: return exit_done;
    case JobState::unplaced: return exit_unplaced;
    case JobState::preempted: return exit_reclaimed;
    case JobState::expired: return exit_time_limit;
    case JobState::cancelled: return job.exit_code != 0 ? job.exit_code : 128 + SIGTERM;
    default: return job.exit_code > 0 && job.exit_code < 256 ? job.exit_code : exit_weft;
  }
}

}  // namespace weft::cli
