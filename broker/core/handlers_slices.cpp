#include <fmt/format.h>

#include "broker/core/handlers.hpp"
#include "broker/core/size.hpp"
#include "broker/core/slices.hpp"

namespace weft::broker {
namespace {

constexpr std::size_t checks_waiting_max = 64;

SliceLine line_of(const Tx& tx, const Lease& lease) {
  SliceLine line{lease.id, lease.job, lease.account, lease.state, lease.slice, {}};
  for (const NodeId node : lease.nodes) line.nodes.push_back(tx.d.nodes.at(node).name);
  return line;
}

}  // namespace

Answer handle(Tx& tx, const Caller& caller, const ListSlices&) {
  SliceList out;
  const auto& ground = tx.machine.config.ground;
  if (!ground) return ReplyBody{std::move(out)};
  out.driver = ground->driver;
  out.enforced = ground->enforced;
  out.state = tx.d.fabric;
  // Which links others have is not a customer's business.
  if (caller.entry.role != Role::customer) out.fabric = ground->text;
  Room room(limits::reply_bytes_max - out.fabric.size());
  for (const LeaseId id : tx.d.leases.live()) {
    const Lease& lease = tx.d.leases.at(id).lease;
    const bool sees = caller.sees(lease.account) || lease.owner == caller.entry.account;
    if (!sees || lease.slice.state == SliceState::none) continue;
    SliceLine line = line_of(tx, lease);
    if (!room.take(line)) break;
    out.slices.push_back(std::move(line));
  }
  return ReplyBody{std::move(out)};
}

Answer handle(Tx& tx, const Caller& caller, const VerifySlice& ask) {
  const market::LeaseBook* book = tx.d.leases.find(ask.lease);
  if (!book || !caller.sees(book->lease.account))
    return fail(Code::lease_unknown, fmt::format("lease {} is not known", ask.lease.value));
  const Slice& slice = book->lease.slice;
  if (slice.state == SliceState::none)
    return fail(Code::slice_unknown,
                fmt::format("lease {} has no slice: this broker knows no fabric", ask.lease.value));
  if (!slice.enforced) return ReplyBody{SliceVerified{ask.lease, false, 0, 0, {}, 0, {}, {}}};
  if (slice.state != SliceState::ready && slice.state != SliceState::degraded)
    return fail(Code::state_illegal, fmt::format("slice s{} is {}: {}", ask.lease.value,
                                                 to_string(slice.state), slice.text));
  auto& checks = tx.soft.driving.checks;
  if (checks.size() >= checks_waiting_max)
    return fail(Code::limit_reached, fmt::format("{} verifications are waiting", checks.size()));
  checks.push_back({caller.session, caller.key, ask.lease});
  return ReplyBody{};
}

Answer handle(Tx& tx, const Caller& caller, const ReadCertificates& ask) {
  const market::LeaseBook* book = tx.d.leases.find(ask.lease);
  const auto& ground = tx.machine.config.ground;
  const bool sees =
      book && (caller.sees(book->lease.account) || book->lease.owner == caller.entry.account);
  if (!sees || !ground || book->lease.slice.state == SliceState::none)
    return fail(Code::slice_unknown, fmt::format("slice s{} is not known", ask.lease.value));
  Certificates out;
  out.driver = ground->driver;
  out.link_rate_bps = ground->fabric.link_rate_bps;
  out.slice = line_of(tx, book->lease);
  out.certificates = book->certificates;
  return ReplyBody{std::move(out)};
}

Answer handle(Tx& tx, const Caller& caller, const ClearQuarantine&) {
  if (!tx.machine.config.ground)
    return fail(Code::slice_unknown, "this broker knows no fabric, so nothing is in quarantine");
  FabricState state = tx.d.fabric;
  state.quarantined = {};
  tx.emit(FabricPut{std::move(state), "quarantine cleared by " + caller.entry.name});
  return ReplyBody{Done{}};
}

}  // namespace weft::broker
