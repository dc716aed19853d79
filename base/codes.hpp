// The closed list of refusals, shared by code, wire and docs/errors.md (a test compares them).
// Numbers are wire format: never reuse or renumber one; append at the end of its group.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

namespace weft {

// X(number, identifier, "dotted.name")
#define WEFT_CODES(X)                             \
  X(1, spec_syntax, "spec.syntax")                \
  X(2, spec_unknown_key, "spec.unknown_key")      \
  X(3, spec_missing, "spec.missing")              \
  X(4, spec_type, "spec.type")                    \
  X(5, spec_range, "spec.range")                  \
  X(6, spec_unit, "spec.unit")                    \
  X(7, spec_version, "spec.version")              \
  X(8, spec_conflict, "spec.conflict")            \
  X(9, spec_reserved, "spec.reserved")            \
  X(10, spec_size, "spec.size")                   \
  X(11, spec_unsupported, "spec.unsupported")     \
  X(12, spec_duplicate, "spec.duplicate")         \
  X(13, spec_price_missing, "spec.price_missing") \
  X(14, spec_class, "spec.class")                 \
  X(15, usage, "usage")                           \
  X(30, auth_unknown_key, "auth.unknown_key")     \
  X(31, auth_denied, "auth.denied")               \
  X(32, auth_exists, "auth.exists")               \
  X(40, wire_malformed, "wire.malformed")         \
  X(41, wire_version, "wire.version")             \
  X(42, wire_limit, "wire.limit")                 \
  X(43, wire_rate, "wire.rate")                   \
  X(44, wire_unknown, "wire.unknown")             \
  X(50, idem_conflict, "idem.conflict")           \
  X(51, epoch_fenced, "epoch.fenced")             \
  X(52, worker_superseded, "worker.superseded")   \
  X(53, broker_busy, "broker.busy")               \
  X(54, broker_unreachable, "broker.unreachable") \
  X(55, broker_not_found, "broker.not_found")     \
  X(56, timeout, "timeout")                       \
  X(60, offer_overlap, "offer.overlap")           \
  X(61, offer_unknown, "offer.unknown")           \
  X(62, node_unknown, "node.unknown")             \
  X(63, quote_limit, "quote.limit")               \
  X(64, quote_unknown, "quote.unknown")           \
  X(65, quote_lapsed, "quote.lapsed")             \
  X(66, quote_used, "quote.used")                 \
  X(67, quote_void, "quote.void")                 \
  X(68, lease_unknown, "lease.unknown")           \
  X(69, lease_busy, "lease.busy")                 \
  X(70, lease_too_short, "lease.too_short")       \
  X(71, job_unknown, "job.unknown")               \
  X(72, job_ended, "job.ended")                   \
  X(73, rank_unknown, "rank.unknown")             \
  X(74, state_illegal, "state.illegal")           \
  X(75, place_nodes, "place.nodes")               \
  X(76, place_price, "place.price")               \
  X(77, place_notice, "place.notice")             \
  X(78, place_window, "place.window")             \
  X(79, place_class, "place.class")               \
  X(80, money_insufficient, "money.insufficient") \
  X(81, money_range, "money.range")               \
  X(82, limit_reached, "limit.reached")           \
  X(83, place_ahead, "place.ahead")               \
  X(84, place_held, "place.held")                 \
  X(85, place_shape, "place.shape")               \
  X(86, place_links, "place.links")               \
  X(87, slice_unknown, "slice.unknown")           \
  X(88, slice_differs, "slice.differs")           \
  X(89, slice_late, "slice.late")                 \
  X(90, launch_refused, "launch.refused")         \
  X(91, launch_timeout, "launch.timeout")         \
  X(92, launch_exec, "launch.exec")               \
  X(93, launch_workdir, "launch.workdir")         \
  X(94, worker_lost, "worker.lost")               \
  X(100, peer_exit, "peer.exit")                  \
  X(101, peer_killed, "peer.killed")              \
  X(102, peer_left, "peer.left")                  \
  X(103, peer_unreachable, "peer.unreachable")    \
  X(104, node_silent, "node.silent")              \
  X(105, op_mismatch, "op.mismatch")              \
  X(106, op_timeout, "op.timeout")                \
  X(107, mesh_stale, "mesh.stale")                \
  X(108, mesh_rendezvous, "mesh.rendezvous")      \
  X(109, op_argument, "op.argument")              \
  X(110, mesh_aborted, "mesh.aborted")            \
  X(111, peer_oom, "peer.oom")                    \
  X(120, journal_corrupt, "journal.corrupt")      \
  X(121, journal_io, "journal.io")                \
  X(122, journal_locked, "journal.locked")        \
  X(123, bill_mismatch, "bill.mismatch")          \
  X(124, state_dir, "state.dir")                  \
  X(125, internal, "internal")                    \
  X(126, os_error, "os.error")                    \
  X(127, up_running, "up.running")                \
  X(130, fabric_link_down, "fabric.link_down")    \
  X(131, fabric_driver, "fabric.driver")          \
  X(132, slice_slow, "slice.slow")                \
  X(140, fabric_plan, "fabric.plan")              \
  X(141, fabric_manager, "fabric.manager")        \
  X(142, fabric_unread, "fabric.unread")          \
  X(143, fabric_tools, "fabric.tools")

enum class Code : std::uint16_t {
  none = 0,
#define WEFT_CODE_ENUM(number, name, text) name = number,
  WEFT_CODES(WEFT_CODE_ENUM)
#undef WEFT_CODE_ENUM
};

// "spec.unit"; "unknown" for a number that is not in the list (a newer peer may send one).
std::string_view to_string(Code code);
std::optional<Code> code_from(std::string_view text);

}  // namespace weft
