// Recomputes a journal without the broker: what was rented, used and paid follows from the facts
// alone. Shares no code with the broker's meter and ledger, only the words of schemas/. Two scopes:
//   whole  every record: hash chain, life cycles, segments of every node, totals of every lease,
//   zero
//          sums, balances, conservation (billed + idle + owner + credited = capacity);
//   lease  the facts of one lease, as its customer gets them: the same for that lease; no chain,
//   for
//          the records are cut, and the nodes' units must come from the bill.
// Pure: no clock, no files. Thread: one.
// Example: Verifier v(Verifier::Scope::whole); for (...) v.add(stored); const Report& r =
// v.finish();
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "schemas/codec.hpp"

namespace weft::client {

struct Finding {  // one thing that is wrong
  Seq seq;        // of the record at which it shows; 0: at the end, or in the bill
  std::string what;
  bool operator==(const Finding&) const = default;
};

struct VerifiedLease {                           // recomputed
  Lease lease;                                   // as granted, moved on by its facts
  std::vector<MeteredSpan> spans;                // leased time, in journal order
  Money gross, credit_owner, credit_house, fee;  // totals of the closed spans
  Money posted_gross, posted_owner, posted_house, posted_fee;
  Money escrow_left;  // what its postings have left in escrow
  std::size_t postings = 0;
};

struct Report {
  std::uint64_t records = 0, facts = 0, spans = 0, postings = 0, nodes = 0;
  Int128 billed = 0, idle = 0, owner = 0, credited = 0, capacity = 0;  // unit-ms, whole scope
  std::map<LeaseId, VerifiedLease> leases;
  std::map<std::string, Money> balances;  // whole scope
  Digest head;                            // sum of the last record
  Seq last;
  std::vector<Finding> findings;  // at most 20
  std::uint64_t findings_total = 0;
  bool sound() const { return findings_total == 0; }
};

class Verifier {
 public:
  enum class Scope : std::uint8_t { whole, lease };
  explicit Verifier(Scope scope);
  ~Verifier();
  Verifier(const Verifier&) = delete;
  Verifier& operator=(const Verifier&) = delete;

  // Scope lease: units of each of its nodes, as billed.
  void assume_units(NodeId node, std::uint32_t units);
  void add(const StoredRecord& record);
  // Checks what can be said only at the end. Call once.
  const Report& finish();
  const Report& report() const;
  // After finish(): a bill and balances as the broker states them against what was recomputed.
  // `bill` may reach a little further than the journal that was read: its open segments are not
  // compared.
  void compare(const Bill& bill);
  void compare(const AccountList& accounts);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace weft::client
