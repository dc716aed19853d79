// A world of two nodes and two jobs around the real broker core, small enough that every history up
// to some length can be tried. A value: a copy is a branch of history.
#pragma once
#include <array>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "broker/core/core.hpp"

namespace weft::model {

enum class Move : std::uint8_t {
  submit_wide,    // a job of both nodes; again: the same request
  submit_narrow,  // a job of one node that may be restarted; again: the same request
  cancel_wide,
  cancel_narrow,
  tick,         // time passes until the next timer
  restart,      // the broker is killed and started again by replay
  lose_orders,  // what the broker says in the next step is lost, with the connections
  // per node, in this order, node 0 first
  prepared,
  refused,
  rank_well,   // the first rank that runs here exits with 0
  rank_badly,  // ... with 3
  attempt_gone,
  session_closed,
  rejoin,        // the same process, with what it holds
  reboot,        // another incarnation, which holds nothing
  stale_report,  // of the incarnation before: the attempt is gone
};
inline constexpr int nodes = 2, moves_common = 7, moves_per_node = 9;
inline constexpr int moves = moves_common + nodes * moves_per_node;
std::string move_name(int move);

struct Holding {
  AttemptId id;
  std::uint32_t first_rank = 0, ranks = 1;
  bool prepared = false, released = false, stopped = false, gone = false;
  std::vector<int> ended;  // per rank: -1 runs, else its exit code
};

struct NodeState {
  SessionId session;
  Incarnation incarnation, before;
  std::uint64_t sequence = 0;
  Epoch epoch;
  std::map<AttemptId, Holding> held;
};

class World {
 public:
  World();
  // False: that move is not possible here, and nothing happened.
  bool make(int move);
  [[nodiscard]] const std::string& broken() const { return broken_; }
  // Two worlds with one mark behave alike, as far as can be seen from outside.
  [[nodiscard]] Digest mark() const;
  // From here on nothing goes wrong any more: do both jobs end, is every lease closed?
  [[nodiscard]] std::string comes_to_rest() const;

 private:
  struct Record {  // the journal, shared among branches
    JournalRecord record;
    std::shared_ptr<const Record> before;
  };
  void step(const broker::Event& event);
  void order(NodeState& node, const Envelope& envelope);
  void replied(const Envelope& envelope);
  void ask(std::uint32_t who, std::uint8_t key, RequestBody body);
  void report(NodeState& node, ReportBody body);
  void join(int node);
  bool node_move(NodeState& node, int number, Move move);
  bool rank_ends(NodeState& node, int code);
  void go(NodeState& node, const Go& order);
  void restart();
  void fail(const std::string& what) {
    if (broken_.empty()) broken_ = what;
  }

  broker::Core core_;
  Instant now_;
  Epoch epoch_{1};
  std::uint64_t next_session_ = 1, seq_ = 0;
  std::shared_ptr<const Record> journal_;
  std::array<NodeState, nodes> nodes_;
  std::array<JobId, 2> jobs_;          // as acknowledged
  std::map<AttemptId, int> prepared_;  // how many nodes have ever prepared it
  std::map<AttemptId, std::size_t> gang_;
  std::map<AttemptId, bool> went_;
  bool lose_ = false, lost_ = false, settling_ = false;
  int ticks_ = 0, restarts_ = 0, reboots_ = 0;
  std::string broken_;
};

}  // namespace weft::model
