// Everything that the journal rebuilds. Changes only by apply(fact); a snapshot is a copy of it.
// Nothing here depends on sessions, timers or the configuration.
// Thread: one.
#pragma once
#include <deque>
#include <map>
#include <string>

#include "broker/fabric/nodes.hpp"
#include "broker/jobs/jobs.hpp"
#include "broker/market/leases.hpp"
#include "broker/market/ledger.hpp"
#include "broker/market/offers.hpp"
#include "broker/market/quotes.hpp"
#include "schemas/journal.hpp"

namespace weft::broker {

// What requests got, by (principal, key): a repeat gets the same. Bounded in number and age; both
// are decided by facts alone, so that replay forgets the same ones.
class Answers {
 public:
  const Answered* find(const Principal& principal, const RequestKey& key) const;
  void put(const Answered& answered);
  std::vector<Answered> list() const;  // oldest first
  std::size_t size() const { return order_.size(); }

 private:
  using Key = std::pair<Principal, RequestKey>;
  std::map<Key, Answered> by_key_;
  std::deque<Key> order_;
};

class Keys {
 public:
  const std::map<Principal, KeyEntry>& all() const { return entries_; }
  const KeyEntry* find(const Principal& principal) const;  // revoked ones too
  const KeyEntry* find_live(const Principal& principal) const;
  const KeyEntry* find_live(const std::string& name_or_hex) const;
  bool account_known(const std::string& account) const;
  std::vector<KeyEntry> live() const;
  void put(const KeyEntry& entry);

 private:
  std::map<Principal, KeyEntry> entries_;
};

struct Durable {
  Seq seq;  // of the last record
  Epoch epoch;
  Instant at;  // of the last record
  NextIds next;
  Keys keys;
  fabric::Nodes nodes;
  market::Offers offers;
  market::Quotes quotes;
  market::Leases leases;
  market::Ledger ledger;
  jobs::Jobs jobs;
  Answers answers;
  FabricState fabric;

  void apply(const Fact& fact);
  Snapshot snapshot() const;
  void restore(const Snapshot& snapshot);
  Digest digest() const;  // of everything but seq and at
  // Billed quantity (units x ms) of every account, open segments included.
  std::map<std::string, std::int64_t> usage(Instant now) const;
};

// The first promise that does not hold, in words; else empty. (broker/core/invariants.cpp)
std::string broken_invariant(const Durable& durable);

}  // namespace weft::broker
