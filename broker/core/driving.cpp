// The fabric driver: what it is asked, and what follows from its answers. See
// broker/core/slices.hpp.
#include <fmt/format.h>

#include <algorithm>

#include "broker/core/driving.hpp"
#include "broker/core/gang.hpp"
#include "broker/core/link_sets.hpp"
#include "broker/core/probing.hpp"
#include "broker/core/renting.hpp"
#include "broker/core/slices.hpp"

namespace weft::broker {
namespace {

constexpr std::uint32_t tries_max = 2;  // of a transition that differs; then quarantine
constexpr Duration pause_min = seconds(1), pause_max = seconds(10);

// What has just been verified is used from now.
void ready(Tx& tx, LeaseId id, const DriverAnswered& answer) {
  const Lease& lease = tx.d.leases.at(id).lease;
  const SliceState before = lease.slice.state;
  const AttemptId attempt = tx.d.jobs.using_lease(id);
  if (before != SliceState::programming && before != SliceState::degraded) {
    if (attempt) go_when_ready(tx, attempt);  // it may have waited for this
    return;
  }
  const std::string text = fmt::format(
      "{} pairs walked and {} negative probes, planned in {}, applied in {}, read back "
      "in {}, verified in {}",
      answer.pairs, answer.negative_probes, to_string(answer.plan), to_string(answer.apply),
      to_string(answer.read_back), to_string(answer.verify));
  // One that is healed has ranks on it, which a probe would slow down.
  if (before == SliceState::programming) return probe_before_use(tx, id, text);
  hand_over(tx, id, text);
}

// By slice. What is told of none in particular may be anybody's: nothing new is handed over on it,
// nothing is taken as free, and the driver is asked again.
std::map<LeaseId, std::string> attribute(Tx& tx, const DriverAnswered& answer, bool& anybodys) {
  Driving& driving = tx.soft.driving;
  std::map<LeaseId, std::string> differs;
  std::string of_none;
  for (const SliceDiffers& d : answer.differences)
    if (d.slice != 0)
      differs.try_emplace({d.slice}, d.what);
    else if (of_none.empty())
      of_none = d.what;
  anybodys = !of_none.empty() || (answer.more_differences > 0 && differs.empty());
  if (!anybodys) return differs;
  driving.dirty = driving.all = driving.unknown = true;
  tx.soft.timers.set({TimerKind::driver, 0}, tx.now + pause_min);
  tx.note(Note::Level::warn, "the fabric differs from what was asked for: " + of_none);
  for (const LeaseId id : driving.fresh)
    if (const market::LeaseBook* book = tx.d.leases.find(id);
        book && book->lease.slice.state == SliceState::programming)
      differs.try_emplace(id, of_none);
  return differs;
}

// The slices that were to be gone, read back without them.
void take_out(Tx& tx, const std::set<LeaseId>& asked,
              const std::map<LeaseId, std::string>& differs) {
  const std::vector<LeaseId> live(tx.d.leases.live().begin(), tx.d.leases.live().end());
  for (const LeaseId id : live) {
    if (tx.d.leases.at(id).lease.slice.state != SliceState::returning || asked.contains(id))
      continue;
    if (const auto it = differs.find(id); it != differs.end())
      quarantine(tx, id, "still there after its return: " + it->second);
    else
      put_slice(tx, id, SliceState::returned, "links read back free");
    tx.soft.driving.tries.erase(id);
    close_returned(tx, id);
  }
}

void transition_done(Tx& tx, const DriverAnswered& answer) {
  Driving& driving = tx.soft.driving;
  bool anybodys = false;
  const auto differs = attribute(tx, answer, anybodys);
  const std::set<LeaseId> asked = std::move(driving.asked), fresh = std::move(driving.fresh);
  driving.asked.clear();
  driving.fresh.clear();
  if (driving.asked_all && !driving.all) driving.unknown = false;
  for (const auto& [id, what] : differs) {
    const market::LeaseBook* book = tx.d.leases.find(id);
    if (!book || !to_be_there(book->lease.slice)) continue;
    driving.dirty = true;
    if (++driving.tries[id] < tries_max)
      put_slice(tx, id, book->lease.slice.state, "tried again, because it differed: " + what);
    else
      quarantine(tx, id, what);
  }
  if (anybodys) return;
  for (const LeaseId id : fresh) {
    const market::LeaseBook* book = tx.d.leases.find(id);
    if (differs.contains(id) || !book || !to_be_there(book->lease.slice)) continue;
    driving.tries.erase(id);
    ready(tx, id, answer);
  }
  take_out(tx, asked, differs);
}

void check_done(Tx& tx, const DriverAnswered& answer) {
  Driving& driving = tx.soft.driving;
  const Driving::Check check = driving.checks.front();
  driving.checks.pop_front();
  if (answer.code != Code::none)
    return tx.reply(check.session, check.key, Refused{answer.code, answer.detail});
  SliceVerified reply;
  reply.lease = check.lease;
  reply.enforced = true;
  reply.pairs = answer.pairs;
  reply.negative_probes = answer.negative_probes;
  for (const SliceDiffers& d : answer.differences) reply.differences.push_back(d.what);
  reply.more_differences = answer.more_differences;
  reply.read_back = answer.read_back;
  reply.verify = answer.verify;
  tx.reply(check.session, check.key, std::move(reply));
  if (answer.differences.empty()) return;
  const market::LeaseBook* book = tx.d.leases.find(check.lease);
  if (!book || !to_be_there(book->lease.slice)) return;
  put_slice(tx, check.lease, book->lease.slice.state,
            "programmed again, because it differed: " + answer.differences.front().what);
  driving.dirty = driving.all = driving.unknown = true;
}

void answered(Tx& tx, const DriverAnswered& answer) {
  Driving& driving = tx.soft.driving;
  if (answer.ticket != driving.ticket) return;  // from before a restart
  driving.ticket = 0;
  if (driving.checking) {
    driving.checking = false;
    return check_done(tx, answer);
  }
  if (answer.code == Code::none) {
    driving.failures = 0;
    return transition_done(tx, answer);
  }
  driving.dirty = true;
  driving.all = driving.unknown = true;  // how far it came is not known
  const Duration pause = std::min(pause_max, pause_min * (std::int64_t{1} << driving.failures));
  if (driving.failures < 4) ++driving.failures;
  tx.soft.timers.set({TimerKind::driver, 0}, tx.now + pause);
  tx.note(Note::Level::error, fmt::format("the fabric driver failed, again in {}: {}: {}",
                                          to_string(pause), to_string(answer.code), answer.detail));
}

ApplySlices order_for(Tx& tx) {
  Driving& driving = tx.soft.driving;
  ApplySlices order;
  order.epoch = tx.d.epoch;
  order.failed = tx.d.fabric.failed;
  driving.asked.clear();
  driving.fresh.clear();
  for (const LeaseId id : tx.d.leases.live()) {
    const Slice& slice = tx.d.leases.at(id).lease.slice;
    const bool leaving = slice.state == SliceState::returning && probed_at_return(tx, id);
    if (!to_be_there(slice) && !leaving) continue;
    order.slices.push_back({id.value, slice.key, slice.links});
    driving.asked.insert(id);
    const bool known =
        !driving.all && slice.state == SliceState::ready && !driving.tries.contains(id);
    if (leaving || known) continue;
    order.fresh.push_back(id.value);
    driving.fresh.insert(id);
  }
  return order;
}

}  // namespace

void hand_over(Tx& tx, LeaseId id, const std::string& text) {
  put_slice(tx, id, SliceState::ready, text);
  if (const AttemptId attempt = tx.d.jobs.using_lease(id)) return go_when_ready(tx, attempt);
  const Lease& lease = tx.d.leases.at(id).lease;
  if (!lease.job && lease.state == LeaseState::preparing) start_billing(tx, id);
}

bool to_be_there(const Slice& slice) {
  return slice.enforced &&
         (slice.state == SliceState::programming || slice.state == SliceState::ready ||
          slice.state == SliceState::degraded);
}

void put_slice(Tx& tx, LeaseId id, SliceState state, std::string text) {
  Slice slice = tx.d.leases.at(id).lease.slice;
  slice.state = state;
  slice.at = tx.now;
  slice.text = std::move(text);
  if (slice.text.size() > limits::text_bytes_max) slice.text.resize(limits::text_bytes_max);
  tx.emit(SlicePut{id, std::move(slice)});
}

void quarantine(Tx& tx, LeaseId id, const std::string& text) {
  FabricState state = tx.d.fabric;
  merge(state.quarantined, tx.d.leases.at(id).lease.slice.links);
  put_slice(tx, id, SliceState::quarantined, text);
  tx.emit(FabricPut{std::move(state), "quarantined: " + text.substr(0, 400)});
  tx.soft.driving.dirty = true;
  tx.soft.driving.tries.erase(id);
  slice_lost(tx, id, Cause::not_delivered, Code::slice_differs, text);
}

void program(Tx& tx) {
  Driving& driving = tx.soft.driving;
  const auto& ground = tx.machine.config.ground;
  if (!ground || !ground->enforced) {
    driving.dirty = false;
    return;
  }
  if (!driving.here || driving.ticket != 0) return;
  if (tx.soft.timers.set_already({TimerKind::driver, 0})) return;  // it failed just now
  if (driving.dirty) {
    ApplySlices order = order_for(tx);
    order.ticket = driving.ticket = driving.next_ticket++;
    driving.asked_all = driving.all;
    driving.dirty = driving.all = false;
    tx.out.effects.emplace_back(AskDriver{DriverOrderBody{std::move(order)}});
  } else if (!driving.checks.empty()) {
    driving.checking = true;
    driving.ticket = driving.next_ticket++;
    tx.out.effects.emplace_back(AskDriver{
        DriverOrderBody{CheckSlices{driving.ticket, {driving.checks.front().lease.value}}}});
  }
}

void program_again(Tx& tx) { tx.soft.driving.dirty = true; }

void driver_started(Tx& tx) {
  Driving& driving = tx.soft.driving;
  driving.here = driving.dirty = driving.all = driving.unknown = true;
  driving.ticket = 0;
  if (driving.checking) {
    driving.checking = false;
    const Driving::Check check = driving.checks.front();
    driving.checks.pop_front();
    tx.reply(check.session, check.key,
             Refused{Code::fabric_driver, "the fabric driver was restarted; ask again"});
  }
  tx.soft.timers.cancel({TimerKind::driver, 0});
}

void driver_said(Tx& tx, const DriverSaysBody& body) {
  if (const auto* answer = std::get_if<DriverAnswered>(&body)) answered(tx, *answer);
  if (const auto* change = std::get_if<FabricChanged>(&body)) fabric_changed(tx, *change);
}

}  // namespace weft::broker
