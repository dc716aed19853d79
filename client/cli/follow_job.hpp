// Follows one job to its end: output of its ranks through all attempts, why it waits, Ctrl-C, and
// the exit code. Used by `run`, `wait` and `logs -f`. Owns: its requests on the client. Thread: the
// client's.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <span>

#include "client/cli/console.hpp"
#include "client/client.hpp"
#include "client/logs.hpp"
#include "schemas/replies.hpp"

namespace weft::cli {

struct FollowOptions {
  bool output = true;                // stream the ranks' output
  bool reasons = true;               // say on stderr what a queued job waits for
  bool cancel_on_interrupt = true;   // else an interrupt only ends the watching
  bool quiet = false;                // nothing of our own on stderr but failures
  std::vector<std::uint32_t> ranks;  // empty: those of the spec's console, else all (at most 64)
  std::uint32_t attempt = 1;         // where the output begins
  std::vector<std::string> nodes;    // names by node index, when known already
  std::string verb = "run";          // in whose name an error is told
  // Takes the output in place of the console.
  std::function<void(std::uint32_t rank, bool errors, std::span<const std::uint8_t> data)> take;
};

class JobFollow {
 public:
  JobFollow(client::Client& client, JobId job, const JobSpec& spec, JobState state,
            FollowOptions options);
  ~JobFollow();
  // Until the job has ended and its output is printed, the wait was interrupted, or the broker is
  // lost. The value is the exit code of `run`.
  int run();
  const std::optional<JobView>& end() const { return end_; }

 private:
  template <class R>
  void ask(RequestBody body, void (JobFollow::*take)(R&));
  void wait_for_end();
  void read_logs(std::uint32_t attempt);
  void watch();  // the job's events, while it waits or is between two attempts
  void take_end(JobView& view);
  void take_nodes(JobView& view);
  void take_progress(JobView& view);
  void take_why(Why& why);
  void take_events(Events& events);
  void take_any(Done& done);
  void logs_ended();
  bool follow_interrupts();  // false: detached
  void say_waiting();
  void clear_line();
  bool lost_for_good();
  int report();

  client::Client& client_;
  JobId job_;
  FollowOptions options_;
  Console console_;
  std::vector<std::uint32_t> ranks_;
  std::unique_ptr<client::LogFollower> logs_;
  std::uint32_t attempt_ = 0, attempt_wanted_ = 1;  // being read; to be read next
  std::optional<JobView> end_;                      // once it has ended
  std::optional<Error> error_;
  std::string reason_;        // what it waits for
  Instant began_, ended_at_;  // wall clock
  bool waiting_ = false, watching_ = false, asked_nodes_ = false, line_shown_ = false;
  bool said_lost_ = false, logs_failed_ = false;
  int interrupts_ = 0;  // handled so far
  Seq events_seen_;
  std::vector<RequestKey> own_;  // requests that may be outstanding when this goes
};

// 0, the code of the user's program, or one of 69, 75, 124, 125.
int exit_code_of(const Job& job);

}  // namespace weft::cli
