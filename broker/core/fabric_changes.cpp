// What happens to the fabric by itself: links that die and come back, attempts that it refused.
#include "broker/core/driving.hpp"
#include "broker/core/link_sets.hpp"
#include "broker/core/slices.hpp"
#include "broker/fabric/heal/heal.hpp"

namespace weft::broker {
namespace {

constexpr Duration remarks_period = seconds(1);

// With its hosts held fixed, on other links or on fewer; a gang that would have to move starts
// again elsewhere.
void heal(Tx& tx, LeaseId id, const std::string& text) {
  const Lease lease = tx.d.leases.at(id).lease;
  const auto healed = fabric::heal(free_but_for(tx.machine, id, tx.now), cut_of(lease.slice));
  using fabric::Healing;
  if (!healed || healed->how == Healing::hosts || healed->how == Healing::whole)
    return slice_lost(tx, id, Cause::link_lost, Code::fabric_link_down,
                      text + "; its hosts have no other links for it");
  Slice slice = lease.slice;
  slice.links = links_of(healed->cut);
  if (slice.state != SliceState::programming) slice.state = SliceState::degraded;
  slice.at = tx.now;
  slice.text = text + (healed->how == Healing::links
                           ? "; other links were found"
                           : "; it goes on with fewer links: traffic may meet itself");
  tx.emit(SlicePut{id, std::move(slice)});
}

}  // namespace

void fabric_changed(Tx& tx, const FabricChanged& change) {
  FabricState state = tx.d.fabric;
  merge(state.failed, change.down);
  remove(state.failed, change.up);
  if (!change.text.empty()) tx.note(Note::Level::warn, "fabric: " + change.text);
  Driving& driving = tx.soft.driving;
  const bool news = !(state == tx.d.fabric);
  driving.dirty |= news || change.program_again;
  driving.all |= change.program_again;
  driving.unknown |= change.program_again;
  // What changes nothing (an attempt that was refused) is journaled now and then, not every time.
  if (news || tx.now >= driving.next_remark) {
    driving.next_remark = tx.now + remarks_period;
    tx.emit(FabricPut{std::move(state), change.text});
  }
  const std::vector<LeaseId> live(tx.d.leases.live().begin(), tx.d.leases.live().end());
  for (const LeaseId id : live) {
    const Slice& slice = tx.d.leases.at(id).lease.slice;
    if (to_be_there(slice) && touches(slice.links, change.down)) heal(tx, id, change.text);
  }
}

}  // namespace weft::broker
