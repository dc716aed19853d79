// A node in the simulation: the real worker core and the real holders of attempts (worker/core),
// with simulated processes, disk and clock around them. The worker process may die, freeze or be
// dismissed; holders and ranks live on; a power cut ends them all and leaves the disk.
#pragma once
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/sim/net.hpp"
#include "worker/core/hold.hpp"
#include "worker/core/worker.hpp"

namespace weft::sim {

// A process of a worker that was thought dead: it comes back over a connection of its own, with the
// incarnation and the knowledge of its time, after a newer process was welcomed.
class Zombie : public Peer {
 public:
  Zombie(World& world, const Peer& worker);
  void rise(const Envelope& join, const Envelope& last_words);
  void heard(SessionId session, const Envelope& envelope) override;
  void lost(SessionId session) override;
  [[nodiscard]] bool beating() const override { return true; }

 private:
  World& world_;
  SessionId session_{};
};

class Worker : public Peer {
 public:
  Worker(World& world, int number);
  void start();  // a new process, with a new incarnation
  void crash();  // the process dies, holders and ranks live on
  void hang(Duration time);
  void host_crash();          // the node loses power
  void fix();                 // end of the hostile time
  void replay_stale_order();  // the network delivers an order of an older broker

  void heard(SessionId session, const Envelope& envelope) override;
  void lost(SessionId session) override;
  [[nodiscard]] bool beating() const override { return core_ != nullptr && !hung(); }
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  struct Rank {
    bool alive = false, connected = false;
  };
  struct Holder {  // process, ranks and files of one attempt on this node
    Holder(const Prepare& given, Instant deadline) : order(given), hold(given, deadline) {}
    Prepare order;
    worker::hold::Hold hold;
    HolderState published;  // the file that a later worker finds
    std::map<std::uint32_t, Rank> ranks;
    std::uint64_t timer = 0;
    bool finished = false;
  };

  // ---- the worker process (worker.cpp)
  [[nodiscard]] bool hung() const { return world_now() < hung_until_; }
  [[nodiscard]] Instant world_now() const;
  void process_dies();
  void feed(worker::Event event);  // now, or when the process thaws
  void step(const worker::Event& event);
  void arm_timer();
  void connect();
  void disconnect();
  void report(const ReportBody& body);
  void replay_old_report();
  void raise_zombie();
  void serve_log(const FetchLog& order);
  void probe(const OrderBody& order);
  void carry_out(const worker::Effect& effect);
  void exit(const worker::Exit& exit);

  // ---- the node (holders.cpp)
  void launch(const Prepare& order);
  void tell_holder(AttemptId attempt, HolderOrderBody body);
  void hold(AttemptId attempt, const worker::hold::Event& event);
  void act(AttemptId attempt, worker::hold::Act act);
  void fork_ranks(AttemptId attempt);
  void publish(AttemptId attempt);
  void tell_worker(const Holder& holder);
  void release(AttemptId attempt);
  void plan_end(AttemptId attempt, std::uint32_t rank);
  void rank_dies(AttemptId attempt, std::uint32_t rank, bool killed, std::int32_t status);
  void term(AttemptId attempt);
  void kill_tree(AttemptId attempt);
  void say_hello(AttemptId attempt, std::uint32_t rank);
  void hears(AttemptId attempt, std::uint32_t rank, const RankHearsBody& body);
  void arm_holder(AttemptId attempt);
  // `action` runs unless the node has lost power by then.
  void on_node(Duration delay, std::function<void()> action);
  Holder* find(AttemptId attempt);

  World& world_;
  Random random_;
  std::string name_;
  // the node
  std::map<AttemptId, Holder> holders_;
  std::vector<AttemptId> forgotten_;
  Epoch epoch_file_{};
  std::uint64_t boot_ = 0;
  // the process
  std::unique_ptr<worker::Worker> core_;
  Incarnation incarnation_{};
  std::uint64_t life_ = 0, sequence_ = 0, timer_ = 0;
  SessionId session_{};
  bool joined_ = false;  // this connection was welcomed
  Instant hung_until_{};
  bool obeys_stale_ = false;                       // an order of an old epoch is being given
  std::deque<worker::Event> inbox_;                // while it is frozen
  std::deque<Envelope> old_orders_, old_reports_;  // what a network may still hold
  Envelope join_, join_before_;                    // of this process, of the one before
  Zombie zombie_;
};

}  // namespace weft::sim
