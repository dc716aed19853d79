// A broker of its own, without workers, in a temporary directory: for tests of what reaches it over
// the network. Owns: the directory and the process. Thread: one, but client() and connection().
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "client/client.hpp"
#include "tests/process/support/program.hpp"
#include "tests/support/wait.hpp"

namespace weft::test {

class LoneBroker {
 public:
  // Flags beside --state.
  explicit LoneBroker(std::vector<std::string> flags = {});
  ~LoneBroker();
  LoneBroker(const LoneBroker&) = delete;
  LoneBroker& operator=(const LoneBroker&) = delete;

  bool start(std::vector<std::string> more_flags = {});  // waits for "ready:"
  void kill_now();
  int stop();  // SIGTERM; the exit code
  bool running() { return process_ && process_->running(); }
  const Output& wait() { return process_->wait(); }

  const std::string& state() const { return state_; }
  yaml::Connection connection() const;
  net::CurveKeys operator_keys() const;
  net::CurveKeys enroll(Role role, const std::string& name);
  std::unique_ptr<client::Client> client(const net::CurveKeys& keys) const;

  pid_t pid() const { return process_ ? process_->pid() : 0; }
  pid_t gateway(const std::string& name) const;  // "clients" or "workers"
  static std::uint64_t resident_bytes(pid_t pid);
  // What the last process wrote to its log; once it has ended.
  const std::string& last_log() const { return last_log_; }

 private:
  const std::vector<std::string> flags_;
  std::string directory_, state_, last_log_;
  std::unique_ptr<Background> process_;
};

// An honest client that asks and waits, over and over: what others' attacks must not change.
class Victim {
 public:
  Victim(const yaml::Connection& where, const net::CurveKeys& keys);
  // Median of the round trips of Hello, in microseconds; 0 when one was not answered within 10 s.
  double median_us(int count);

 private:
  bool ask();
  net::Context context_;
  std::unique_ptr<net::Dealer> dealer_;
  std::uint8_t number_ = 0;
};

}  // namespace weft::test
