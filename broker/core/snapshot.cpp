#include "broker/core/core.hpp"
#include "broker/core/durable.hpp"
#include "schemas/digest.hpp"

namespace weft::broker {

Snapshot Durable::snapshot() const {
  Snapshot s;
  s.seq = seq;
  s.epoch = epoch;
  s.at = at;
  s.next = next;
  for (const auto& [principal, entry] : keys.all()) s.keys.push_back(entry);
  s.nodes = nodes.list();
  s.node_books = nodes.books();
  for (const auto& [id, offer] : offers.all()) s.offers.push_back(offer);
  for (const auto& [id, quote] : quotes.all()) s.quotes.push_back(quote);
  for (const auto& [id, book] : leases.all()) {
    s.leases.push_back(book.lease);
    s.meters.push_back(market::to_wire(id, book.sums, book.posted));
    s.histories.push_back({id, book.spans, book.postings});
    for (const Certificate& c : book.certificates) s.certificates.push_back(c);
  }
  for (const auto& [account, quantity] : leases.usage()) s.usages.push_back({account, quantity});
  for (const auto& [id, job] : jobs.all()) s.jobs.push_back(job);
  for (const auto& [id, book] : jobs.attempts()) {
    s.attempts.push_back(book.attempt);
    Cleared c;
    c.attempt = id;
    c.nodes = {book.cleared.begin(), book.cleared.end()};
    for (const auto& [rank, end] : book.ends) c.ends.push_back(end);
    s.cleared.push_back(std::move(c));
  }
  s.balances = ledger.balances();
  s.answers = answers.list();
  s.fabric = fabric;
  return s;
}

void Durable::restore(const Snapshot& s) {
  *this = {};
  seq = s.seq;
  epoch = s.epoch;
  at = s.at;
  next = s.next;
  for (const KeyEntry& entry : s.keys) keys.put(entry);
  nodes.restore(s.nodes, s.node_books);
  for (const Offer& offer : s.offers) offers.put(offer);
  for (const Quote& quote : s.quotes) quotes.put(quote);
  leases.restore(s.leases, s.meters, s.histories);
  for (const Certificate& c : s.certificates) leases.put(Certified{c});
  for (const Usage& usage : s.usages) leases.note_usage(usage);
  jobs.restore(s.jobs, s.attempts, s.cleared);
  ledger.restore(s.balances);
  for (const Answered& answered : s.answers) answers.put(answered);
  fabric = s.fabric;
}

Digest Durable::digest() const { return state_digest(snapshot()); }

Digest state_digest(Snapshot s) {
  s.seq = {};
  s.at = {};
  return digest_of(s);
}

std::map<std::string, std::int64_t> Durable::usage(Instant now) const {
  auto out = leases.usage();
  for (const LeaseId id : leases.live()) {
    const Lease& lease = leases.at(id).lease;
    for (const NodeId n : lease.nodes) {
      const Node& node = nodes.at(n);
      if (node.meter == MeterClass::billed && node.lease == id)
        out[lease.account] += static_cast<std::int64_t>(node.units) *
                              std::max<std::int64_t>(0, (now - node.since).ms);
    }
  }
  return out;
}

}  // namespace weft::broker
