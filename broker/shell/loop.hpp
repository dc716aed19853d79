// The broker's loop: takes what has happened, asks the core, gives facts to the journal, and lets
// effects out in order once everything that they may show is durable.
// Thread: the one that calls run(). Owns nothing that it is given.
#pragma once
#include <deque>
#include <vector>

#include "broker/core/core.hpp"
#include "broker/shell/clock.hpp"
#include "broker/shell/driver_process.hpp"
#include "broker/shell/fair_queue.hpp"
#include "broker/shell/gateway_process.hpp"
#include "broker/shell/journal.hpp"
#include "broker/shell/journal_service.hpp"
#include "broker/shell/lease_index.hpp"

namespace weft::broker {

class Loop {
 public:
  struct Parts {
    Core& core;
    LeaseIndex& leases;
    const Clock& clock;
    Journal& journal;
    JournalService& journal_reads;
    GatewayProcess& workers;
    GatewayProcess& clients;
    DriverProcess& driver;
    int signal_fd;  // readable: stop
  };
  Loop(Parts parts, Epoch epoch, Seq last, Seq last_snapshot, std::uint64_t snapshot_every);

  // The first step; returns when its record is durable and its effects are out.
  [[nodiscard]] Result<void> begin(const Began& began);
  // One turn: waits at most until something is due. False: asked to stop.
  [[nodiscard]] Result<bool> turn();
  // Everything durable, a snapshot written. The gateways are stopped already.
  [[nodiscard]] Result<void> finish();

  Digest digest() const { return core_.digest(); }
  Seq last() const { return last_; }

 private:
  struct Held {
    Seq needs;
    Effect effect;
  };
  void collect();
  void take(FairQueue& queue);
  void work();
  void step(const Event& event);
  void append(std::vector<FactBox> facts, Instant now, const Event& event);
  void release();
  void let_out(Effect& effect);
  void die_between_reply_and_order();
  void take_journal_answers();
  void take_driver_answers();
  void snapshot_if_due();
  int wait_ms(std::uint64_t now_ms);
  GatewayProcess& gateway_of(SessionId session) {
    return workers_.owns(session) ? workers_ : clients_;
  }

  Core& core_;
  LeaseIndex& leases_;
  const Clock& clock_;
  Journal& journal_;
  JournalService& reads_;
  GatewayProcess& workers_;
  GatewayProcess& clients_;
  DriverProcess& driver_;
  const int signal_fd_;
  const Epoch epoch_;
  Seq last_, last_snapshot_;
  const std::uint64_t snapshot_every_;
  std::uint64_t snapshot_size_ = 0;  // objects in the newest one
  std::deque<Held> held_;
  std::vector<Event> events_;
  FairQueue from_workers_, from_clients_;
  bool more_ = false;  // events wait in a link's buffer
  std::uint64_t steps_ = 0, next_check_ms_ = 0;
  Seq failpoint_seen_;  // the step looked at last by the failpoint after-reply
};

}  // namespace weft::broker
