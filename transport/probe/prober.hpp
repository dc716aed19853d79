// One node's part in an acceptance probe of a slice. It measures the ways to its peers, one a turn:
// first, on idle links, round trips of an empty message; then, turn by turn again, a stream for a
// while, of which the receiver tells what arrived. At all times it answers whoever measures the way
// to it. The stream keeps a few chunks under way and makes them larger only while they are
// acknowledged quickly, so that on a slow link nothing piles up in socket buffers and on a fast one
// the link is full. Owns: the UCX worker. Thread: one. Errors: a way that does not work is a
// measure of 0.
#pragma once
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "schemas/worker.hpp"
#include "transport/ucx/network.hpp"

namespace weft::transport {

class Prober : private NetworkEvents {
 public:
  // `interface`: the one that the node's address is on; see Network::open.
  static Result<std::unique_ptr<Prober>> open(std::uint32_t nodes, const std::string& interface);
  Result<std::vector<std::uint8_t>> address() const { return network_->address(true); }

  Result<void> begin(ProbeRun run);      // in place of one that is under way
  bool step();                           // moves what can be moved; true when something did
  std::optional<ProbeDone> take_done();  // once a run
  bool running() const { return turn_ < 2 * run_.to.size(); }
  Network& network() { return *network_; }

 private:
  enum class Word : std::uint64_t { ping = 1, pong, chunk, ack, end, result };
  enum class Phase : std::uint8_t { ping, stream, end, done };
  struct Hearing {  // what arrives from one peer in one turn
    std::uint32_t run = 0, turn = 0;
    std::int64_t first = 0, from = 0, last = 0;
    std::uint64_t all = 0, counted = 0;  // bytes after `first`, after `from`
  };
  struct Fetch {
    Transfer transfer;
    Header header;
    std::size_t bytes = 0;
  };

  Prober() = default;
  Verdict arrived(const Arrival& arrival) override;
  void peer_failed(std::uint32_t rank, const char* what) override;

  void say(std::uint32_t to, Word word, const Header& about, std::uint64_t count);
  void answered(const Header& header);
  void heard_chunk(const Header& header, std::size_t bytes);
  std::uint64_t heard_bps(std::uint32_t source) const;
  void begin_turn();
  void send_ping();
  void send_chunks();
  bool mine(const Header& header) const;
  Header header_for_turn() const;
  PairMeasure& measure() { return measures_[turn_ % measures_.size()]; }

  std::uint32_t nodes_ = 0;
  std::vector<char> data_;
  ProbeRun run_;
  std::size_t turn_ = 0;  // of twice as many as the run has peers
  bool told_ = true;
  std::vector<PairMeasure> measures_;
  std::int64_t now_ = 0;  // steady clock, in nanoseconds

  // the turn
  Phase phase_ = Phase::done;
  std::uint32_t to_ = 0;
  std::int64_t turn_began_ = 0, asked_ = 0, first_pong_ = 0, stream_began_ = 0;
  std::uint64_t first_half_ = 0;
  std::uint32_t pings_ = 0, acked_ = 0, in_flight_ = 0;
  std::size_t chunk_ = 0;
  std::uint32_t quick_ = 0;           // chunks of this size acknowledged quickly, in a row
  std::deque<std::int64_t> sent_at_;  // of the chunks under way
  std::list<Transfer> sending_;
  std::list<Fetch> fetching_;
  std::map<std::uint32_t, Hearing> heard_;
  std::set<std::pair<std::uint32_t, std::uint32_t>> ended_;  // (run, turn) of who measures us
  // Goes first: until it is closed, UCX writes into the transfers and the data above.
  std::unique_ptr<Network> network_;
};

}  // namespace weft::transport
