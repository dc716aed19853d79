// The heart of a rank: the operations in order, the network below them, the worker beside them, and
// what to do when one of them fails.
//
// Threads. Everything but the queue is used by one thread at a time, the one that holds `drive_`:
// a caller that waits for its operation, or the progress thread (started operations, and a watch on
// the mesh while the program computes). A caller goes first: the progress thread steps aside.
// Waiting is spin, then yield, then sleep, so that ranks that share processors do not starve each
// other.
#pragma once
#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "transport/collectives/executor.hpp"
#include "transport/collectives/inbox.hpp"
#include "transport/mesh/failures.hpp"
#include "transport/mesh/launch.hpp"
#include "transport/mesh/queue.hpp"
#include "transport/mesh/rendezvous.hpp"
#include "transport/mesh/worker_link.hpp"

namespace weft::transport {

class Engine final : private NetworkEvents, private Wire {
 public:
  static Result<std::unique_ptr<Engine>> join(const Launch& launch, const MeshOptions& options);
  ~Engine();

  Operation start(const Call& call, const void* in, void* out, bool blocking);
  Result<void> wait(Work::State& operation);
  Result<void> leave();
  void report_progress(std::uint64_t step, std::string_view text);

  [[nodiscard]] const Launch& launch() const { return launch_; }
  [[nodiscard]] Blame last_failure() const;
  [[nodiscard]] MeshCounters counters() const;
  [[nodiscard]] std::string path_to(std::uint32_t rank);

 private:
  Engine(const Launch& launch, const MeshOptions& options);

  // ---- joining (engine_join.cpp)
  Result<void> open();
  Result<void> meet();
  Result<void> meet_until(std::int64_t end, const std::function<bool()>& met);
  void card_arrived(const Arrival& arrival);
  void table_arrived(const Arrival& arrival);
  [[nodiscard]] std::string join_timeout() const;

  // ---- operations (engine.cpp)
  bool step();
  bool run_operations();
  void begin(Operation operation);
  void complete();
  void cut_short();
  Verdict arrived(const Arrival& arrival) override;
  void peer_failed(std::uint32_t rank, const char* what) override;
  void send(std::uint32_t to, Transfer& transfer, const void* data, std::size_t bytes) override;
  void receive(std::uint32_t from, std::uint64_t message, void* into, std::size_t bytes,
               Transfer& transfer) override;
  void connect(std::uint32_t rank);
  Operation submit(const Call& call, const void* in, void* out);

  // ---- failures (engine_failure.cpp)
  void housekeep(std::int64_t now);
  void hear(const RankHearsBody& body, std::int64_t now);
  void look_for_trouble(std::int64_t now);
  void break_mesh(const Failures::Verdict& verdict);
  void tell_others(const Blame& blame);
  void found_mismatch(const Inbox::Mismatch& mismatch);
  void abort_arrived(const Arrival& arrival);
  [[nodiscard]] Error error_of(const Blame& blame) const;
  [[nodiscard]] Blame blame_for(Code code, std::uint32_t rank, std::string detail) const;
  void flush_progress(std::int64_t now);

  // ---- driving (driver.cpp)
  void drive(const Work::State& until, std::unique_lock<std::mutex>& lock);
  void watch();
  void sleep_until_event(std::unique_lock<std::mutex>& lock, int milliseconds);
  void wake_sleepers();
  void wake_progress_thread();
  static std::int64_t now_ms();

  const Launch launch_;
  const MeshOptions options_;
  const Tuning tuning_;
  Rendezvous rendezvous_;
  Failures failures_;
  Executor executor_;  // outlives the network, which may still point to its transfers
  std::unique_ptr<Network> network_;
  std::unique_ptr<Inbox> inbox_;
  std::unique_ptr<WorkerLink> link_;
  Bytes seed_;                  // rank 0's card, from the worker
  std::string trouble_;         // what went wrong while joining
  std::vector<bool> answered_;  // ranks that know of the failure

  Queue queue_;
  Operation current_;
  std::uint32_t sequence_ = 0;
  std::int64_t started_at_ = 0, deadline_ = 0, next_housekeeping_ = 0;
  std::atomic<std::uint64_t> completed_{0}, stale_{0};
  std::atomic<int> pending_{0};  // started, not finished
  std::int64_t join_end_ = 0;
  bool joined_ = false;
  bool closing_ = false;    // past the first barrier of leave(): endings are no failures
  bool cut_short_ = false;  // somebody had gone when this rank left: no second barrier

  mutable std::mutex failure_mutex_;
  Blame failure_;
  std::atomic<bool> broken_{false};

  std::mutex progress_mutex_;
  RankProgress progress_;
  std::atomic<bool> progress_waits_{false};
  std::int64_t progress_next_ = 0;

  std::mutex drive_;
  std::mutex sleep_mutex_;  // with the two conditions below
  std::condition_variable operation_done_, work_to_do_;
  std::atomic<int> callers_{0}, sleepers_{0}, pollers_{0};
  std::atomic<std::int64_t> last_call_{0};
  std::atomic<bool> stop_{false};
  int wake_fd_ = -1;
  unsigned spins_ = 20;
  std::mutex leave_mutex_;
  bool left_ = false;
  Result<void> leave_result_;
  std::thread progress_thread_;
};

}  // namespace weft::transport
