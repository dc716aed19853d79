#include "broker/market/leases.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/assert.hpp"

namespace weft::broker::market {
namespace {

constexpr std::size_t closed_pairs_kept = 16;  // of each certificate of a closed lease

}  // namespace

const LeaseBook* Leases::find(LeaseId id) const {
  const auto it = books_.find(id);
  return it == books_.end() ? nullptr : &it->second;
}
const LeaseBook& Leases::at(LeaseId id) const {
  const LeaseBook* book = find(id);
  WEFT_ASSERT(book, fmt::format("lease {}", id.value));
  return *book;
}
const std::vector<LeaseId>& Leases::of_job(JobId job) const {
  static const std::vector<LeaseId> none;
  const auto it = of_job_.find(job);
  return it == of_job_.end() ? none : it->second;
}
namespace {
const std::set<LeaseId>& in(const std::map<std::string, std::set<LeaseId>>& map,
                            const std::string& key) {
  static const std::set<LeaseId> none;
  const auto it = map.find(key);
  return it == map.end() ? none : it->second;
}
}  // namespace
const std::set<LeaseId>& Leases::of_account(const std::string& account) const {
  return in(of_account_, account);
}
const std::set<LeaseId>& Leases::of_owner(const std::string& owner) const {
  return in(of_owner_, owner);
}

void Leases::index(const Lease& lease) {
  if (market::live(lease.state))
    live_.insert(lease.id);
  else
    closed_.insert({lease.closed_at, lease.id});
  if (lease.job) of_job_[lease.job].push_back(lease.id);
  of_account_[lease.account].insert(lease.id);
  of_owner_[lease.owner].insert(lease.id);
}

void Leases::grant(const Lease& lease) {
  WEFT_ASSERT(!find(lease.id), fmt::format("lease {} exists", lease.id.value));
  books_[lease.id].lease = lease;
  index(lease);
}

void Leases::move(const LeaseMoved& fact) {
  const auto it = books_.find(fact.lease);
  WEFT_ASSERT(it != books_.end(), fmt::format("lease {}", fact.lease.value));
  Lease& lease = it->second.lease;
  WEFT_ASSERT(reachable(lease_rows, lease.state, fact.state),
              fmt::format("lease {}: {} to {}", lease.id.value, to_string(lease.state),
                          to_string(fact.state)));
  lease.state = fact.state;
  lease.cause = fact.cause;
  lease.ends_at = fact.ends_at;
  if (fact.state == LeaseState::active) lease.active_at = fact.at;
  if (fact.state != LeaseState::closed) return;
  lease.closed_at = fact.at;
  for (Certificate& c : it->second.certificates)  // in full it is in the journal
    if (c.slowest.size() > closed_pairs_kept) c.slowest.resize(closed_pairs_kept);
  live_.erase(lease.id);
  closed_.insert({lease.closed_at, lease.id});
  if (closed_.size() > limits::jobs_ended_kept) drop_oldest();
}

void Leases::put(const SlicePut& fact) {
  const auto it = books_.find(fact.lease);
  WEFT_ASSERT(it != books_.end(), fmt::format("lease {}", fact.lease.value));
  it->second.lease.slice = fact.slice;
}

void Leases::put(const Certified& fact) {
  const auto it = books_.find(fact.certificate.lease);
  WEFT_ASSERT(it != books_.end(), fmt::format("lease {}", fact.certificate.lease.value));
  auto& all = it->second.certificates;
  std::erase_if(all,
                [&](const Certificate& c) { return c.at_return == fact.certificate.at_return; });
  all.push_back(fact.certificate);
}

void Leases::drop_oldest() {
  const LeaseId id = closed_.begin()->second;
  const Lease lease = at(id).lease;
  closed_.erase(closed_.begin());
  of_account_[lease.account].erase(id);
  of_owner_[lease.owner].erase(id);
  if (const auto it = of_job_.find(lease.job); it != of_job_.end()) {
    std::erase(it->second, id);
    if (it->second.empty()) of_job_.erase(it);
  }
  books_.erase(id);
}

void Leases::add(const fabric::ClosedSegment& s) {
  if (s.meter != MeterClass::billed && s.meter != MeterClass::credited) return;
  const auto it = books_.find(s.lease);
  WEFT_ASSERT(it != books_.end(), fmt::format("leased time of lease {}", s.lease.value));
  if (s.from == s.to) return;
  LeaseBook& book = it->second;
  const bool billed = s.meter == MeterClass::billed;
  book.sums.add(s.units, s.to - s.from, book.lease.price,
                billed ? Payer::customer : payer_of(s.cause));
  if (billed) usage_[book.lease.account] += static_cast<std::int64_t>(s.units) * (s.to - s.from).ms;
  if (const auto last = book.last_of.find(s.node); last != book.last_of.end()) {
    MeteredSpan& before = book.spans[last->second];
    if (before.to == s.from && before.meter == s.meter && before.cause == s.cause &&
        before.units == s.units) {
      before.to = s.to;
      return;
    }
  }
  book.last_of[s.node] = book.spans.size();
  book.spans.push_back({s.node, s.meter, s.cause, s.from, s.to, s.units});
}

void Leases::add(const Posted& posted) {
  const auto it = books_.find(posted.lease);
  if (it == books_.end()) return;  // a deposit
  LeaseBook& book = it->second;
  if (posted.kind == PostingKind::meter) {
    const Amounts d = difference_of(posted);
    book.posted.gross = book.posted.gross + d.gross;
    book.posted.credit_owner = book.posted.credit_owner + d.credit_owner;
    book.posted.credit_house = book.posted.credit_house + d.credit_house;
    book.posted.fee = book.posted.fee + d.fee;
  }
  book.postings.push_back(posted);
}

void Leases::restore(const std::vector<Lease>& leases, const std::vector<MeterTotals>& meters,
                     const std::vector<LeaseHistory>& histories) {
  *this = {};
  for (const Lease& lease : leases) {
    books_[lease.id].lease = lease;
    index(lease);
  }
  for (const MeterTotals& m : meters) {
    books_[m.lease].sums = sums_of(m);
    books_[m.lease].posted = posted_of(m);
  }
  for (const LeaseHistory& h : histories) {
    LeaseBook& book = books_[h.lease];
    book.spans = h.spans;
    book.postings = h.postings;
    for (std::size_t i = 0; i < book.spans.size(); ++i) book.last_of[book.spans[i].node] = i;
  }
}

}  // namespace weft::broker::market
