// What each fact means: the only place where durable state changes. No decision is made here, so
// that a newer build replays an old journal into the same history.
#include "base/assert.hpp"
#include "base/planted.hpp"
#include "broker/core/durable.hpp"

namespace weft::broker {
namespace {

template <class Tag>
void taken(std::uint64_t& next, Id<Tag> id) {
  if (next <= id.value) next = id.value + 1;
}

struct Apply {
  Durable& d;

  void operator()(const std::monostate&) {}
  void operator()(const EpochBegan& f) { d.epoch = f.epoch; }
  void operator()(const KeyPut& f) { d.keys.put(f.key); }
  void operator()(const NodePut& f) {
    taken(d.next.node, f.node.id);
    d.nodes.put(f.node);
  }
  void operator()(const NodeMetered& f) { d.leases.add(d.nodes.meter(f)); }
  void operator()(const OfferPut& f) {
    taken(d.next.offer, f.offer.id);
    d.offers.put(f.offer);
  }
  void operator()(const QuotePut& f) {
    taken(d.next.quote, f.quote.id);
    d.quotes.put(f.quote);
  }
  void operator()(const LeaseGranted& f) {
    taken(d.next.lease, f.lease.id);
    d.leases.grant(f.lease);
    for (const NodeId node : f.lease.nodes) d.nodes.hold(node, f.lease.id);
  }
  void operator()(const LeaseMoved& f) {
    const auto nodes = d.leases.at(f.lease).lease.nodes;
    d.leases.move(f);
    if (f.state == LeaseState::closed)
      for (const NodeId node : nodes) d.nodes.release(node, f.lease);
  }
  void operator()(const Posted& f) {
    taken(d.next.posting, f.id);
    d.ledger.apply(f);
    d.leases.add(f);
  }
  void operator()(const JobSubmitted& f) {
    taken(d.next.job, f.job.id);
    d.jobs.submit(f.job);
  }
  void operator()(const JobMoved& f) { d.jobs.move(f); }
  void operator()(const AttemptMade& f) {
    taken(d.next.attempt, f.attempt.id);
    d.jobs.make(f.attempt);
  }
  void operator()(const AttemptMoved& f) { d.jobs.move(f); }
  void operator()(const RankEnded& f) { d.jobs.end(f); }
  void operator()(const NodeCleared& f) { d.jobs.clear(f); }
  void operator()(const Answered& f) { d.answers.put(f); }
  void operator()(const SlicePut& f) { d.leases.put(f); }
  void operator()(const FabricPut& f) { d.fabric = f.fabric; }
  void operator()(const Certified& f) { d.leases.put(f); }
};

}  // namespace

void Durable::apply(const Fact& fact) { std::visit(Apply{*this}, fact); }

}  // namespace weft::broker
