#include "broker/shell/lease_index.hpp"

#include <algorithm>

namespace weft::broker {
namespace {

// The lease that a fact names; 0: none.
struct NamedLease {
  LeaseId operator()(const NodeMetered& f) const { return f.lease; }
  LeaseId operator()(const QuotePut& f) const { return f.quote.lease; }
  LeaseId operator()(const LeaseGranted& f) const { return f.lease.id; }
  LeaseId operator()(const LeaseMoved& f) const { return f.lease; }
  LeaseId operator()(const Posted& f) const { return f.lease; }
  LeaseId operator()(const JobMoved& f) const { return f.lease; }
  LeaseId operator()(const AttemptMade& f) const { return f.attempt.lease; }
  template <class Other>
  LeaseId operator()(const Other&) const {
    return {};
  }
};

}  // namespace

void LeaseIndex::restore(const Snapshot& snapshot) {
  metered_.clear();
  for (const Node& node : snapshot.nodes)
    if (node.lease && node.meter != MeterClass::idle) metered_[node.id] = node.lease;
}

std::vector<LeaseFact> LeaseIndex::add(const std::vector<FactBox>& facts) {
  std::vector<LeaseFact> found;
  for (std::uint32_t i = 0; i < facts.size(); ++i) {
    const LeaseId lease = std::visit(NamedLease{}, facts[i].fact);
    if (const auto* metered = std::get_if<NodeMetered>(&facts[i].fact)) {
      // It opens a segment of `lease` and closes the one before, which may be another's.
      auto& open = metered_[metered->node];
      if (open && open != lease) found.push_back({open, i});
      open = lease;
    }
    if (lease) found.push_back({lease, i});
  }
  return found;
}

JournalRecord reduced_to(LeaseId lease, const JournalRecord& record,
                         const std::vector<std::uint32_t>& positions) {
  JournalRecord reduced;
  reduced.seq = record.seq;
  reduced.epoch = record.epoch;
  reduced.at = record.at;
  for (const std::uint32_t position : positions) {
    if (position >= record.facts.size()) continue;
    FactBox box = record.facts[position];
    // Whoever has the node next is none of this customer's business: only that its own time ended.
    if (auto* metered = std::get_if<NodeMetered>(&box.fact);
        metered != nullptr && metered->lease != lease) {
      metered->lease = {};
      metered->meter = MeterClass::idle;
    }
    reduced.facts.push_back(std::move(box));
  }
  return reduced;
}

}  // namespace weft::broker
