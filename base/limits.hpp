// Every bound of weft, in one place. Exceeding one is a refusal with a Code, never a crash.
#pragma once
#include <cstddef>
#include <cstdint>

#include "base/money.hpp"
#include "base/time.hpp"

namespace weft::limits {

// Names and texts
inline constexpr std::size_t name_bytes_max = 63;
inline constexpr std::size_t text_bytes_max = 4'096;      // a message to a person
inline constexpr std::size_t argument_bytes_max = 8'192;  // one argv entry or environment value
inline constexpr std::size_t arguments_max = 1'024;
inline constexpr std::size_t environment_max = 512;
inline constexpr std::size_t labels_max = 32;
inline constexpr std::size_t last_lines_bytes_max = 2'048;  // kept of a rank that died

// Wire
inline constexpr std::size_t message_bytes_max = 1 << 20;
inline constexpr std::size_t chunk_bytes_max = 256 << 10;  // a piece of a log or of the journal
inline constexpr std::uint32_t requests_per_second_max = 20'000;  // per principal, at the gateway
inline constexpr std::uint32_t requests_burst_max = 40'000;
inline constexpr std::uint32_t requests_unanswered_max = 1'024;  // per session, at the gateway
inline constexpr std::uint32_t session_offences_max =
    64;  // refusals by the gateway, then it closes
inline constexpr std::size_t connections_silent_max =
    1'024;  // per address, before their first message
inline constexpr std::uint64_t gateway_memory_max = 2ULL << 30;  // address space of a gateway
inline constexpr std::size_t capnp_nesting_max = 16;
inline constexpr std::size_t list_max = 65'536;  // any list that has no smaller bound of its own

// Fleet
inline constexpr std::uint32_t workers_max = 16'384;
// fabric
inline constexpr std::uint32_t fabric_switches_max = 4'096;       // of one tier, on one rail
inline constexpr std::size_t fabric_shown_bytes_max = 512 << 10;  // a description, to clients
inline constexpr std::size_t differences_max = 100;               // named one by one
inline constexpr std::size_t probe_turns_max = 64;             // of one node in one run of a probe
inline constexpr std::size_t probe_address_bytes_max = 2'048;  // 128 of them are in one order
inline constexpr std::size_t certificate_pairs_max = 1'024;    // kept one by one: the slowest
inline constexpr std::uint32_t gpus_per_node_max = 64;
inline constexpr std::uint32_t nodes_per_job_max = 65'536;
inline constexpr std::uint32_t ranks_per_node_max = 256;
inline constexpr std::uint32_t ranks_per_job_max = 65'536;
inline constexpr std::size_t rank_address_bytes_max = 16'384;  // a UCX worker address
inline constexpr Duration heartbeat_period = seconds(1);
inline constexpr Duration heartbeat_silence_max = seconds(5);
inline constexpr Duration recovery_grace = seconds(60);  // after a start nobody is declared dead
static_assert(heartbeat_silence_max.ms >= 3 * heartbeat_period.ms);  // two losses are weather

// Fabrics described from outside
inline constexpr std::size_t fabric_text_bytes_max = std::size_t{64} << 20;
inline constexpr std::size_t fabric_line_bytes_max = 4'096;
inline constexpr std::uint32_t fabric_lids_max = 0xBFFF;  // unicast LIDs of an InfiniBand subnet
inline constexpr std::size_t fabric_nodes_max = 65'536;   // hosts, or nodes of a topology file
inline constexpr std::uint32_t fabric_rails_max = 16;
inline constexpr std::size_t fabric_warnings_max = 1'000;  // kept of one file

// Sessions and launches
inline constexpr std::size_t incarnations_kept = 16;  // superseded processes remembered, per node
inline constexpr Duration order_repeat = seconds(2);  // until the worker shows that it was heard
inline constexpr Duration quarantine = seconds(60);   // of a node that could not launch
inline constexpr Duration blame_patience =
    milliseconds(300);  // for a better explanation of a death
inline constexpr std::uint32_t launch_tries_max = 3;
inline constexpr Duration backoff_max = minutes(5);
inline constexpr Duration lease_broken_max =
    minutes(15);  // a lease with a lost node is closed then

// Requests that wait
inline constexpr std::size_t waits_per_principal_max = 1'024;
inline constexpr Duration wait_max = seconds(60);
inline constexpr std::size_t reply_bytes_max =
    message_bytes_max - (64 << 10);  // lists are cut there

// Jobs
inline constexpr std::size_t jobs_live_max = 1'000'000;
inline constexpr std::size_t jobs_ended_kept = 100'000;  // older ones are in the journal only
inline constexpr std::size_t job_spec_bytes_max = 256 << 10;
inline constexpr int yaml_depth_max = 8;
inline constexpr int yaml_nodes_max = 20'000;
inline constexpr int spec_errors_max = 20;
inline constexpr std::size_t backfill_depth_max = 128;  // jobs looked at behind a blocked head
inline constexpr Duration prepare_time_max = seconds(120);
inline constexpr Duration stop_grace = seconds(5);  // TERM to KILL
inline constexpr Duration job_time_min = minutes(1), job_time_max = hours(24 * 366);
inline constexpr std::uint32_t restarts_max = 1'000;
inline constexpr std::size_t timeline_entries_max = 256;  // per job
inline constexpr std::size_t events_kept = 65'536;        // for `weft events`
inline constexpr std::size_t rank_log_bytes_max = 64 << 20;

// Worker
inline constexpr Duration report_repeat = seconds(2), report_repeat_max = seconds(60);
inline constexpr Duration stop_leave = milliseconds(500);  // to leave by exception, before TERM
inline constexpr Duration progress_period = milliseconds(100);  // per rank, newest wins
inline constexpr std::uint32_t blames_per_rank_max = 16;        // forwarded, per attempt
inline constexpr std::size_t attempt_logs_kept = 200;  // ended attempts whose logs stay readable
inline constexpr std::uint64_t attempt_log_bytes_kept = std::uint64_t{4} << 30;
inline constexpr std::size_t log_waits_max = 1'024;         // long polls held at once, per worker
inline constexpr std::size_t rank_connections_max = 4'096;  // on the worker's unix socket

// Market
inline constexpr Money money_max{1'000'000'000'000'000};  // 10^15 micro-dollars
inline constexpr std::uint32_t quotes_open_max = 4;       // per customer
inline constexpr Duration quote_ttl_default = seconds(60), quote_ttl_max = seconds(300);
inline constexpr Duration quote_reserve_slack = seconds(2);
inline constexpr Duration notice_min = seconds(10), notice_max = hours(24);

// Requests remembered for idempotency
inline constexpr std::size_t requests_kept = 1'000'000;
inline constexpr Duration request_kept_for = hours(24 * 7);

// Journal
inline constexpr std::size_t batch_records_max = 256;
inline constexpr std::size_t batch_bytes_max = 1 << 20;
inline constexpr std::uint64_t snapshot_every_records = 10'000;
inline constexpr std::size_t record_bytes_max = 8 << 20;

}  // namespace weft::limits
