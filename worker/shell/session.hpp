// The worker's connection to the broker: joins, beats, and comes again after a full-jitter delay
// when it closes. The connection file is read anew each time, as a restarted broker may have other
// ports. Owns: the dealer. Thread: the worker's.
#pragma once
#include <functional>
#include <memory>

#include "base/net/dealer.hpp"
#include "schemas/worker.hpp"
#include "worker/shell/options.hpp"

namespace weft::worker {

class Session {
 public:
  struct Hooks {
    std::function<void()> up, down;
    std::function<void(Epoch, OrderBody)> order;
  };
  Session(net::Context& context, const Options& options, net::CurveKeys keys, Hooks hooks);

  void turn(Instant now);  // reads, connects, beats: call after every wait
  Instant next_timer() const;
  void send(const ReportBody& body);  // dropped without a link; Join tells all
  void set_pace(Duration heartbeat, Duration reconnect_max);
  net::Dealer* dealer() const { return dealer_.get(); }

 private:
  void connect(Instant now);
  void lost(Instant now, const Error& why);
  void read(Instant now);

  net::Context& context_;
  const Options& options_;
  net::CurveKeys keys_;
  Hooks hooks_;
  std::unique_ptr<net::Dealer> dealer_;
  bool up_ = false, welcomed_ = false, broken_ = false;
  Incarnation incarnation_;
  std::uint64_t sequence_ = 0;  // of the last report of this process, over all its connections
  std::uint32_t tries_ = 0;
  std::string last_reason_;  // logged once, not at each try
  Instant connect_at_, give_up_at_ = never, beat_at_ = never;
  Duration heartbeat_ = limits::heartbeat_period, reconnect_max_ = seconds(10);
};

}  // namespace weft::worker
