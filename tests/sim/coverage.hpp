// Counts of how often each fault and each rare branch happened. A long run in which one of them
// never happened fails: a search that does not reach a branch says nothing about it.
#pragma once
#include <array>
#include <cstdint>
#include <string_view>

namespace weft::sim {

// X(identifier, "what happened"). Grouped: network, broker, disk, workers, clients, outcomes.
#define WEFT_SIM_BRANCHES(X)                                              \
  X(lost_up, "message to the broker lost")                                \
  X(lost_down, "message to a peer lost")                                  \
  X(repeated_up, "message to the broker delivered twice")                 \
  X(repeated_down, "message to a peer delivered twice")                   \
  X(overtaken, "message overtaken by a later one")                        \
  X(cut_up, "one-way partition, peer to broker")                          \
  X(cut_down, "one-way partition, broker to peer")                        \
  X(session_broken, "session broken by the network")                      \
  X(gateway_lost, "gateway lost, all sessions closed")                    \
  X(crash_any, "broker crash at a random moment")                         \
  X(crash_not_durable, "broker crash before the commit")                  \
  X(crash_durable, "broker crash after the commit, nothing sent")         \
  X(crash_between, "broker crash between two effects of a commit")        \
  X(crash_replied, "broker crash after a reply, before an order")         \
  X(crash_snapshot, "broker crash while a snapshot is written")           \
  X(crash_in_start, "broker crash while it starts")                       \
  X(records_lost, "records lost in a crash")                              \
  X(batch_survived, "commit in flight survived the crash")                \
  X(long_outage, "broker down for more than a minute")                    \
  X(restart_snapshot, "restart from a snapshot")                          \
  X(restart_records, "restart from the first record")                     \
  X(clock_forward, "wall clock stepped forward")                          \
  X(clock_back, "wall clock stepped back")                                \
  X(slow_disk, "slow commit")                                             \
  X(big_batch, "commit of several records")                               \
  X(worker_crash, "worker process killed, its ranks live on")             \
  X(worker_adopted, "worker re-adopted running ranks")                    \
  X(worker_hang, "worker frozen")                                         \
  X(host_crash, "node power-cycled, its ranks died")                      \
  X(worker_refused, "worker refused to prepare")                          \
  X(worker_slow, "worker too slow to prepare")                            \
  X(rank_failed, "rank exited badly")                                     \
  X(rank_killed, "rank killed by a signal")                               \
  X(rank_early, "rank left early with exit 0")                            \
  X(rank_stubborn, "rank ignored TERM until KILL")                        \
  X(rank_blamed, "rank blamed another rank")                              \
  X(gone_before_go, "prepared ranks vanished before Go")                  \
  X(deadline_kill, "worker ended an attempt by its own clock")            \
  X(stale_epoch, "order of an older epoch reached a worker")              \
  X(old_incarnation, "report of an older incarnation reached the broker") \
  X(superseded, "worker dismissed as superseded")                         \
  X(zombie, "superseded process of a worker joined again")                \
  X(zombie_dismissed, "superseded process of a worker was sent away")     \
  X(driver_died, "fabric driver died with an order")                      \
  X(driver_failed, "fabric driver could not do it")                       \
  X(slice_differed, "slice differed from what was asked")                 \
  X(fabric_differed, "fabric differed, of no slice in particular")        \
  X(link_down, "link of a slice lost")                                    \
  X(probe_refused, "no probe possible on a node")                         \
  X(probe_silent, "probe without an answer")                              \
  X(slice_slow, "slice too slow when measured")                           \
  X(slice_measured, "slice measured before use")                          \
  X(returned_measured, "slice measured after use")                        \
  X(mesh_seed, "seed of the mesh relayed")                                \
  X(retried, "request sent again with its key")                           \
  X(replayed, "answered request sent again")                              \
  X(conflict, "key used again with another body")                         \
  X(key_shared, "two principals used the same key")                       \
  X(stranger, "request from a key that is not enrolled")                  \
  X(revoked_used, "request from a revoked key")                           \
  X(foreign_object, "request about another tenant's object")              \
  X(cancel_queued, "cancel of a queued job")                              \
  X(cancel_starting, "cancel of a starting job")                          \
  X(cancel_running, "cancel of a running job")                            \
  X(cancel_ended, "cancel of an ended job")                               \
  X(accept_in_time, "quote accepted")                                     \
  X(accept_late, "quote accepted too late")                               \
  X(quote_declined, "quote declined")                                     \
  X(quote_lapsed, "quote lapsed by itself")                               \
  X(release_idle, "lease without a job released")                         \
  X(release_busy, "release of a lease that a job uses")                   \
  X(lease_expired, "lease ended by its term")                             \
  X(offer_withdrawn, "offer withdrawn")                                   \
  X(insufficient, "money did not suffice")                                \
  X(deposited, "deposit acknowledged")                                    \
  X(job_succeeded, "job succeeded")                                       \
  X(job_failed, "job failed")                                             \
  X(job_cancelled, "job cancelled")                                       \
  X(job_expired, "job hit its time limit")                                \
  X(job_unplaced, "job gave up waiting")                                  \
  X(job_restarted, "job launched again after a failure")                  \
  X(node_silent, "node fell silent")                                      \
  X(node_back, "silent node came back")                                   \
  X(gang_wide, "gang of four nodes or more ran")                          \
  X(fleet_wide, "world of fifty workers or more")

enum class Branch : std::uint16_t {
#define WEFT_SIM_ENUM(name, text) name,
  WEFT_SIM_BRANCHES(WEFT_SIM_ENUM)
#undef WEFT_SIM_ENUM
};
inline constexpr std::array branch_names{
#define WEFT_SIM_NAME(name, text) std::string_view(text),
    WEFT_SIM_BRANCHES(WEFT_SIM_NAME)
#undef WEFT_SIM_NAME
};

struct Coverage {
  std::array<std::uint64_t, branch_names.size()> hits{};
  void hit(Branch branch) { ++hits[static_cast<std::size_t>(branch)]; }
  void add(const Coverage& other) {
    for (std::size_t i = 0; i < hits.size(); ++i) hits[i] += other.hits[i];
  }
};

}  // namespace weft::sim
