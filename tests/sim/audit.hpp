// A second book over the durable records, kept without any code of the core: who holds which node,
// what was answered, where the money is, how each millisecond was metered. Every record is checked
// as it becomes durable; compare() checks the core's own state against it.
// The numbers in its findings are the promises of docs/ARCHITECTURE.md.
#pragma once
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/money.hpp"
#include "schemas/codec.hpp"

namespace weft::sim {

class World;

class Audit {
 public:
  explicit Audit(World& world) : world_(world) {}
  void record(const JournalRecord& record);
  void compare(const Snapshot& snapshot);  // of the core, when everything is durable
  void look(Instant calm_since);           // once a second, when no faults happen any more
  void at_rest();                          // nothing runs, nothing is leased, no escrow is held

  struct Answer {
    Digest request;
    std::vector<std::uint8_t> reply;
  };
  [[nodiscard]] const Answer* answer(const Principal& principal, const RequestKey& key) const;
  [[nodiscard]] bool went(AttemptId attempt) const;                      // its GO is durable
  [[nodiscard]] std::vector<std::string> gang(AttemptId attempt) const;  // names of its nodes
  [[nodiscard]] LeaseId lease_of(AttemptId attempt) const;
  [[nodiscard]] std::string unrest() const;  // what still lives, in words; empty: nothing

 private:
  struct NodeBook {
    Node node;
    Instant born{never};
    std::set<Incarnation> past;
    LeaseId payer;               // whose time the open segment is
    Cause cause{};               // of the open segment
    std::int64_t spent[4] = {};  // ms per meter class
  };
  struct LeaseBook {
    Lease lease;
    bool measured = false;                                        // its slice, and it passed
    Int128 gross = 0, by_owner = 0, by_house = 0;                 // quantity x price
    std::int64_t escrow = 0, metered = 0, credits = 0, fees = 0;  // from the postings
  };
  struct AttemptBook {
    Attempt attempt;
    bool went = false;
    Instant stopping_at{never};  // by the ideal clock
    std::set<NodeId> cleared;
  };

  void fact(const EpochBegan& fact);
  void fact(const KeyPut& fact);
  void fact(const NodePut& fact);
  void fact(const NodeMetered& fact);
  void fact(const OfferPut& fact);
  void fact(const QuotePut& fact);
  void fact(const LeaseGranted& fact);
  void fact(const LeaseMoved& fact);
  void fact(const Posted& fact);
  void fact(const JobSubmitted& fact);
  void fact(const JobMoved& fact);
  void fact(const AttemptMade& fact);
  void fact(const AttemptMoved& fact);
  void fact(const RankEnded& fact);
  void fact(const NodeCleared& fact);
  void fact(const Answered& fact);
  void fact(const SlicePut& fact);
  void fact(const FabricPut&) {}
  void fact(const Certified& fact);
  void fact(const std::monostate&) { broken("2: a record holds a fact of no kind"); }
  void incarnation(const JournalRecord& record);
  void settle(const LeaseBook& book);
  void broken(const std::string& what);
  template <class Tag>
  void fresh(Id<Tag> id, std::uint64_t& newest, const char* what);

  World& world_;
  Seq seq_{};
  Instant at_{};
  Epoch epoch_{};
  std::map<Principal, KeyEntry> keys_;
  std::map<NodeId, NodeBook> nodes_;
  std::map<OfferId, Offer> offers_;
  std::map<QuoteId, Quote> quotes_;
  std::map<LeaseId, LeaseBook> leases_;
  std::map<JobId, Job> jobs_;
  std::map<AttemptId, AttemptBook> attempts_;
  std::map<std::string, std::int64_t> balances_;
  std::map<std::pair<Principal, RequestKey>, Answer> answers_;
  std::uint64_t node_ = 0, offer_ = 0, quote_ = 0, lease_ = 0, job_ = 0, attempt_ = 0, posting_ = 0;
};

}  // namespace weft::sim
