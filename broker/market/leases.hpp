// Leases and their history: what their time was and what was posted for it.
// Changes only by the functions that apply() calls. Closed leases are kept up to
// limits::jobs_ended_kept; older ones are in the journal only. Thread: one.
#pragma once
#include <map>
#include <set>
#include <vector>

#include "broker/fabric/nodes.hpp"
#include "broker/market/ledger.hpp"
#include "broker/market/meter.hpp"
#include "broker/market/states.hpp"

namespace weft::broker::market {

struct LeaseBook {
  Lease lease;
  Sums sums;
  Amounts posted;
  std::vector<MeteredSpan> spans;  // closed; neighbours of the same kind are one
  std::vector<Posted> postings;
  std::map<NodeId, std::size_t> last_of;  // newest span of each node
  std::vector<Certificate> certificates;  // at hand-over, at return: one of each at most
};

class Leases {
 public:
  const std::map<LeaseId, LeaseBook>& all() const { return books_; }
  const std::set<LeaseId>& live() const { return live_; }
  const LeaseBook* find(LeaseId id) const;
  const LeaseBook& at(LeaseId id) const;
  const std::vector<LeaseId>& of_job(JobId job) const;
  const std::set<LeaseId>& of_account(const std::string& account) const;  // paid by it
  const std::set<LeaseId>& of_owner(const std::string& owner) const;
  const std::map<std::string, std::int64_t>& usage() const { return usage_; }

  void grant(const Lease& lease);
  void move(const LeaseMoved& fact);
  void put(const SlicePut& fact);
  void put(const Certified& fact);
  void add(const fabric::ClosedSegment& segment);  // ignores time that is no lease's
  void add(const Posted& posted);
  void note_usage(const Usage& usage) { usage_[usage.account] = usage.quantity; }

  void restore(const std::vector<Lease>& leases, const std::vector<MeterTotals>& meters,
               const std::vector<LeaseHistory>& histories);

 private:
  void index(const Lease& lease);
  void drop_oldest();
  std::map<LeaseId, LeaseBook> books_;
  std::set<LeaseId> live_;
  std::set<std::pair<Instant, LeaseId>> closed_;
  std::map<JobId, std::vector<LeaseId>> of_job_;
  std::map<std::string, std::set<LeaseId>> of_account_, of_owner_;
  std::map<std::string, std::int64_t> usage_;  // billed quantity by account, units x ms
};

}  // namespace weft::broker::market
