// Closed sets of words that cross a process border or reach disk. The order is wire format (it is
// the order of the enumerants in enums.capnp): append only.
#pragma once
#include <array>
#include <cstdint>
#include <string_view>

namespace weft {

// WEFT_ENUM(Name, first, second, ...) declares the enum, `names(Name)` and `to_string`.
#define WEFT_ENUM(Name, Names, ...)                                   \
  enum class Name : std::uint16_t { __VA_ARGS__ };                    \
  constexpr auto& names(Name) { return Names; }                       \
  constexpr std::string_view to_string(Name value) {                  \
    const auto i = static_cast<std::size_t>(value);                   \
    return i < Names.size() ? Names[i] : std::string_view("unknown"); \
  }

namespace enum_names {
inline constexpr std::array<std::string_view, 4> role{"operator", "seller", "customer", "worker"};
inline constexpr std::array<std::string_view, 3> node{"up", "silent", "left"};
inline constexpr std::array<std::string_view, 5> offer{"scheduled", "open", "paused", "closing",
                                                       "closed"};
inline constexpr std::array<std::string_view, 5> quote{"open", "accepted", "lapsed", "declined",
                                                       "void"};
inline constexpr std::array<std::string_view, 6> lease{"granted", "preparing", "active",
                                                       "closing", "returning", "closed"};
inline constexpr std::array<std::string_view, 12> job{
    "held",      "queued", "placing",   "starting", "running",  "stopping",
    "succeeded", "failed", "cancelled", "expired",  "unplaced", "preempted"};
inline constexpr std::array<std::string_view, 4> attempt{"preparing", "running", "stopping",
                                                         "ended"};
inline constexpr std::array<std::string_view, 7> outcome{"none",    "succeeded", "failed", "lost",
                                                         "aborted", "cancelled", "expired"};
inline constexpr std::array<std::string_view, 4> meter{"idle", "billed", "owner", "credited"};
inline constexpr std::array<std::string_view, 7> rank_end{
    "running", "exited", "killed", "left_early", "not_started", "lost", "stopped"};
inline constexpr std::array<std::string_view, 7> posting{
    "deposit", "escrow", "escrow_return", "meter", "credit", "penalty", "payout"};
inline constexpr std::array<std::string_view, 11> cause{
    "none",      "done",          "cancel",  "time_limit",    "rank_failed", "node_lost",
    "lease_end", "launch_failed", "reclaim", "not_delivered", "link_lost"};
inline constexpr std::array<std::string_view, 7> slice{
    "none", "programming", "ready", "degraded", "quarantined", "returning", "returned"};
inline constexpr std::array<std::string_view, 3> within{"any", "block", "leaf"};
inline constexpr std::array<std::string_view, 3> slice_exclusive{"links", "switches", "none"};
}  // namespace enum_names

WEFT_ENUM(Role, enum_names::role, operator_, seller, customer, worker)
WEFT_ENUM(NodeState, enum_names::node, up, silent, left)
WEFT_ENUM(OfferState, enum_names::offer, scheduled, open, paused, closing, closed)
WEFT_ENUM(QuoteState, enum_names::quote, open, accepted, lapsed, declined, voided)
WEFT_ENUM(LeaseState, enum_names::lease, granted, preparing, active, closing, returning, closed)
WEFT_ENUM(JobState, enum_names::job, held, queued, placing, starting, running, stopping, succeeded,
          failed, cancelled, expired, unplaced, preempted)
WEFT_ENUM(AttemptState, enum_names::attempt, preparing, running, stopping, ended)
WEFT_ENUM(Outcome, enum_names::outcome, none, succeeded, failed, lost, aborted, cancelled, expired)
WEFT_ENUM(MeterClass, enum_names::meter, idle, billed, owner, credited)
WEFT_ENUM(RankState, enum_names::rank_end, running, exited, killed, left_early, not_started, lost,
          stopped)
WEFT_ENUM(PostingKind, enum_names::posting, deposit, escrow, escrow_return, meter, credit, penalty,
          payout)
// Why something is being stopped or has ended.
WEFT_ENUM(Cause, enum_names::cause, none, done, cancel, time_limit, rank_failed, node_lost,
          lease_end, launch_failed, reclaim, not_delivered, link_lost)
// Of a lease's part of the fabric. none: nobody knows a fabric. programming: asked of the driver,
// not verified. degraded: a link is lost. quarantined: what was read back differs. returning: no
// ranks are left, the fabric still holds it.
WEFT_ENUM(SliceState, enum_names::slice, none, programming, ready, degraded, quarantined, returning,
          returned)
// The lowest switch level that must contain all nodes of a slice; `block` is a pod.
WEFT_ENUM(SliceWithin, enum_names::within, any, block, leaf)
// What nobody else touches.
WEFT_ENUM(SliceExclusive, enum_names::slice_exclusive, links, switches, none)

constexpr bool ended(JobState state) { return state >= JobState::succeeded; }

}  // namespace weft
