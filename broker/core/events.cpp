#include "broker/core/events.hpp"

#include <fmt/format.h>

#include <bit>

namespace weft::broker {
namespace {

using Line = std::optional<VisibleEvent>;

struct Describe {
  const Durable& d;

  static VisibleEvent line(const char* kind, std::uint64_t object, std::string text) {
    VisibleEvent e;
    e.line.kind = kind;
    e.line.object = object;
    e.line.text = std::move(text);
    return e;
  }
  VisibleEvent of_job(JobId id, std::string text) const {
    const Job& job = d.jobs.at(id);
    VisibleEvent e = line("job", id.value, std::move(text));
    e.account = job.account;
    e.job = id;
    return e;
  }
  VisibleEvent of_lease(const Lease& lease, const char* kind, std::string text) const {
    VisibleEvent e = line(kind, lease.id.value, std::move(text));
    e.account = lease.account;
    e.owner = lease.owner;
    e.job = lease.job;
    return e;
  }

  Line operator()(const auto&) const { return {}; }
  Line operator()(const EpochBegan& f) const {
    auto e = line("broker", f.epoch.value,
                  fmt::format("broker {} started, epoch {}", f.version, f.epoch.value));
    e.everybody = true;
    return e;
  }
  Line operator()(const KeyPut& f) const {
    auto e = line("key", 0,
                  fmt::format("key {} ({}, account {}) {}", f.key.name, to_string(f.key.role),
                              f.key.account, f.key.revoked ? "revoked" : "enrolled"));
    e.account = f.key.account;
    return e;
  }
  Line operator()(const NodePut& f) const {
    auto e = line("node", f.node.id.value,
                  fmt::format("node {} is {}", f.node.name, to_string(f.node.state)));
    e.owner = f.node.owner;
    return e;
  }
  Line operator()(const OfferPut& f) const {
    auto e = line("offer", f.offer.id.value,
                  fmt::format("offer {} of {} nodes is {}", f.offer.id.value, f.offer.nodes.size(),
                              to_string(f.offer.state)));
    e.owner = f.offer.owner;
    return e;
  }
  Line operator()(const LeaseGranted& f) const {
    return of_lease(f.lease, "lease",
                    fmt::format("lease {} granted: {} nodes at ${}", f.lease.id.value,
                                f.lease.nodes.size(), to_string(f.lease.price)));
  }
  Line operator()(const LeaseMoved& f) const {
    return of_lease(d.leases.at(f.lease).lease, "lease",
                    fmt::format("lease {} is {}", f.lease.value, to_string(f.state)));
  }
  Line operator()(const SlicePut& f) const {
    return of_lease(d.leases.at(f.lease).lease, "slice",
                    fmt::format("slice s{} is {}{}{}", f.lease.value, to_string(f.slice.state),
                                f.slice.text.empty() ? "" : ": ", f.slice.text));
  }
  Line operator()(const Certified& f) const {
    const Certificate& c = f.certificate;
    return of_lease(d.leases.at(c.lease).lease, "slice",
                    fmt::format("slice s{} {}: {}", c.lease.value,
                                c.at_return ? "measured at its return" : "measured", c.text));
  }
  Line operator()(const FabricPut& f) const {
    const auto links = [](const Links& l) {
      std::size_t n = 0;
      for (const SliceLeaf& leaf : l.leaves) n += std::popcount(leaf.up);
      for (const SliceL2& l2 : l.l2) n += std::popcount(l2.up);
      return n;
    };
    return line("fabric", 0,
                fmt::format("fabric: {}{}{} links down, {} in quarantine", f.text,
                            f.text.empty() ? "" : "; ", links(f.fabric.failed),
                            links(f.fabric.quarantined)));
  }
  Line operator()(const Posted& f) const {
    const std::string text = fmt::format("{}: {}", to_string(f.kind), f.memo);
    if (const market::LeaseBook* book = d.leases.find(f.lease))
      return of_lease(book->lease, "money", text);
    auto e = line("money", f.id.value, text);
    for (const Leg& leg : f.legs)
      if (leg.account.starts_with("customer:"))
        e.account = leg.account.substr(9, leg.account.rfind(':') - 9);
    return e;
  }
  Line operator()(const JobSubmitted& f) const {
    return of_job(f.job.id, fmt::format("job {} ({}) submitted", f.job.id.value, f.job.spec.name));
  }
  Line operator()(const JobMoved& f) const {
    return of_job(f.job, fmt::format("job {}: {}", f.job.value,
                                     f.text.empty() ? to_string(f.state) : f.text));
  }
};

}  // namespace

void record_event(Machine& machine, const Fact& fact, Seq seq, Instant at) {
  Line line = std::visit(Describe{machine.durable}, fact);
  if (!line) return;
  line->line.seq = seq;
  line->line.at = at;
  auto& events = machine.soft.events;
  events.push_back(std::move(*line));
  if (events.size() > limits::events_kept) events.pop_front();
}

}  // namespace weft::broker
