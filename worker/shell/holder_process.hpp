// The holder's process: what run_holder() runs. Private to holder*.cpp.
#pragma once
#include <array>
#include <map>

#include "worker/core/environment.hpp"
#include "worker/core/hold.hpp"
#include "worker/shell/log_pipe.hpp"
#include "worker/shell/rank_process.hpp"

namespace weft::worker {

class Holder {
 public:
  Holder(const Options& options, const Prepare& order, Instant deadline, Fd link);
  int run();

 private:
  Result<void> make_places();
  Result<void> make_job_dir();
  Place place() const;
  RankStart start_of(std::uint32_t rank, std::vector<std::string> argv,
                     std::vector<std::string> environment);
  void feed(const hold::Event& event);
  void perform(hold::Act act);
  pid_t fork_child();
  void run_setup();
  void fork_ranks();
  void publish();
  void tell_worker();
  void release();
  void term();
  void kill_tree();
  void signal(const hold::Signal& s);
  void reap();
  void child_ended(pid_t pid, int status);
  void read_words();
  void read_link();
  void accept_link();
  void drain(std::size_t bytes_max);
  void finish();
  bool nothing_left() const;

  const Options& options_;
  const Prepare order_;
  hold::Hold hold_;
  Fd link_, listener_, signals_, report_in_, report_out_, go_in_, go_out_;
  std::map<std::uint32_t, std::array<LogPipe, 2>> logs_;  // out, err
  std::map<pid_t, std::uint32_t> ranks_;                  // that live
  pid_t setup_ = 0;
  bool untold_ = false, finished_ = false;
};

}  // namespace weft::worker
