// The journal: a list of records, each the outcome of one step of the broker's core. A record holds
// the message that caused it, byte for byte as received, and the *facts* that were decided. Replay
// applies facts and never decides again. Facts are the only thing that changes broker state.
// On disk: docs/specs/004-journal.md.
#pragma once
#include <variant>

#include "schemas/state.hpp"

namespace weft {

#define WEFT_FACT(Name, text)               \
  static constexpr const char* name = text; \
  bool operator==(const Name&) const = default;

struct EpochBegan {  // first record of every broker start
  Epoch epoch;
  Instant at;
  std::string version;
  WEFT_FACT(EpochBegan, "epoch_began")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("epoch", s.epoch);
    v("at", s.at);
    v("version", s.version, limits::name_bytes_max);
  }
};
struct KeyPut {  // enrolled or revoked
  KeyEntry key;
  WEFT_FACT(KeyPut, "key_put")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("key", s.key);
  }
};
struct NodePut {  // joined, came back with another incarnation or inventory, fell silent, left
  Node node;      // meter, since and lease are not taken from here: see NodeMetered, NodeLeased
  WEFT_FACT(NodePut, "node_put")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("node", s.node);
  }
};
struct NodeMetered {  // closes the open segment of the node at `at` and opens the next
  NodeId node;
  MeterClass meter{};
  LeaseId lease;  // whose time it is, when billed or credited
  Instant at;
  Cause cause{};
  WEFT_FACT(NodeMetered, "node_metered")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("node", s.node);
    v("meter", s.meter);
    v("lease", s.lease);
    v("at", s.at);
    v("cause", s.cause);
  }
};
struct OfferPut {
  Offer offer;
  WEFT_FACT(OfferPut, "offer_put")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("offer", s.offer);
  }
};
struct QuotePut {
  Quote quote;
  WEFT_FACT(QuotePut, "quote_put")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("quote", s.quote);
  }
};
struct LeaseGranted {  // its nodes belong to it from here
  Lease lease;
  WEFT_FACT(LeaseGranted, "lease_granted")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("lease", s.lease);
  }
};
struct LeaseMoved {  // closed: its nodes are free again
  LeaseId lease;
  LeaseState state{};
  Cause cause{};
  Instant at, ends_at;
  WEFT_FACT(LeaseMoved, "lease_moved")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("lease", s.lease);
    v("state", s.state);
    v("cause", s.cause);
    v("at", s.at);
    v("ends_at", s.ends_at);
  }
};
struct Leg {
  std::string account;  // world, customer:X:cash, customer:X:escrow, owner:Y:earned, house:fees,
                        // house:credits
  Money amount;
  bool operator==(const Leg&) const = default;
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("account", s.account, 2 * limits::name_bytes_max);
    v("amount", s.amount);
  }
};
struct Posted {  // one ledger transaction; the legs sum to zero
  PostingId id;
  PostingKind kind{};
  LeaseId lease;
  Instant at;
  std::vector<Leg> legs;
  std::string memo;
  WEFT_FACT(Posted, "posted")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("id", s.id);
    v("kind", s.kind);
    v("lease", s.lease);
    v("at", s.at);
    v("legs", s.legs, 16);
    v("memo", s.memo, 255);
  }
};
struct JobSubmitted {
  Job job;
  WEFT_FACT(JobSubmitted, "job_submitted")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("job", s.job);
  }
};
struct JobMoved {
  JobId job;
  JobState state{};
  Cause cause{};
  Instant at, retry_at;
  LeaseId lease;
  AttemptId attempt;
  std::uint32_t restarts = 0;
  std::int32_t exit_code = 0;
  std::string text;  // its line in the timeline
  WEFT_FACT(JobMoved, "job_moved")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("job", s.job);
    v("state", s.state);
    v("cause", s.cause);
    v("at", s.at);
    v("retry_at", s.retry_at);
    v("lease", s.lease);
    v("attempt", s.attempt);
    v("restarts", s.restarts);
    v("exit_code", s.exit_code);
    v("text", s.text, limits::text_bytes_max);
  }
};
struct AttemptMade {
  Attempt attempt;
  WEFT_FACT(AttemptMade, "attempt_made")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("attempt", s.attempt);
  }
};
struct AttemptMoved {  // running: this is GO, journaled and then sent
  AttemptId attempt;
  AttemptState state{};
  Outcome outcome{};
  Cause cause{};
  Blame blame;
  Instant at;
  WEFT_FACT(AttemptMoved, "attempt_moved")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("attempt", s.attempt);
    v("state", s.state);
    v("outcome", s.outcome);
    v("cause", s.cause);
    v("blame", s.blame);
    v("at", s.at);
  }
};
struct RankEnded {
  AttemptId attempt;
  RankEnd end;
  Instant at;
  WEFT_FACT(RankEnded, "rank_ended")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("attempt", s.attempt);
    v("end", s.end);
    v("at", s.at);
  }
};
struct NodeCleared {  // nothing of the attempt is left on the node
  AttemptId attempt;
  NodeId node;
  Instant at;
  WEFT_FACT(NodeCleared, "node_cleared")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("attempt", s.attempt);
    v("node", s.node);
    v("at", s.at);
  }
};
struct Answered {  // what a request got: a repeat with the same key gets the same
  Principal principal;
  RequestKey key;
  Digest request;                   // of its body; another body with this key: idem.conflict
  std::vector<std::uint8_t> reply;  // encoded Reply
  Instant at;
  WEFT_FACT(Answered, "answered")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("principal", s.principal);
    v("key", s.key);
    v("request", s.request);
    v("reply", s.reply, limits::message_bytes_max);
    v("at", s.at);
  }
};
struct SlicePut {  // a lease's slice: another state, or other links
  LeaseId lease;
  Slice slice;
  WEFT_FACT(SlicePut, "slice_put")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("lease", s.lease);
    v("slice", s.slice);
  }
};
struct FabricPut {  // what of the fabric is not rented, and what happened to it
  FabricState fabric;
  std::string text;  // for people
  WEFT_FACT(FabricPut, "fabric_put")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("fabric", s.fabric);
    v("text", s.text, limits::text_bytes_max);
  }
};
struct Certified {
  Certificate certificate;
  WEFT_FACT(Certified, "certified")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("certificate", s.certificate);
  }
};
#undef WEFT_FACT

// Order is wire format; position 0 is an arm that this build does not know.
using Fact =
    std::variant<std::monostate, EpochBegan, KeyPut, NodePut, NodeMetered, OfferPut, QuotePut,
                 LeaseGranted, LeaseMoved, Posted, JobSubmitted, JobMoved, AttemptMade,
                 AttemptMoved, RankEnded, NodeCleared, Answered, SlicePut, FabricPut, Certified>;

struct FactBox {
  Fact fact;
  bool operator==(const FactBox&) const = default;
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v.choice(s.fact);
  }
};

struct JournalRecord {
  Seq seq;
  Epoch epoch;
  Instant at;
  Principal principal;              // of the message that caused it; zero: a timer
  std::vector<std::uint8_t> input;  // that message as received; empty: a timer
  std::vector<FactBox> facts;
  bool operator==(const JournalRecord&) const = default;
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("seq", s.seq);
    v("epoch", s.epoch);
    v("at", s.at);
    v("principal", s.principal);
    v("input", s.input, limits::message_bytes_max);
    v("facts", s.facts, limits::list_max);
  }
};

// Everything that replay would have built, at one position of the journal.
struct MeterTotals {  // running sums of the cumulative rounding rule, per lease
  LeaseId lease;
  std::uint64_t gross_high = 0, gross_low = 0;   // quantity x price, 128 bits
  std::uint64_t owner_high = 0, owner_low = 0;   // the part credited by the owner
  std::uint64_t house_high = 0, house_low = 0;   // the part credited by the house
  Money gross, credit_owner, credit_house, fee;  // posted so far
  bool operator==(const MeterTotals&) const = default;
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("lease", s.lease);
    v("gross_high", s.gross_high);
    v("gross_low", s.gross_low);
    v("owner_high", s.owner_high);
    v("owner_low", s.owner_low);
    v("house_high", s.house_high);
    v("house_low", s.house_low);
    v("gross", s.gross);
    v("credit_owner", s.credit_owner);
    v("credit_house", s.credit_house);
    v("fee", s.fee);
  }
};
struct Balance {  // one ledger account
  std::string account;
  Money amount;
  bool operator==(const Balance&) const = default;
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("account", s.account, 2 * limits::name_bytes_max);
    v("amount", s.amount);
  }
};
struct Cleared {
  AttemptId attempt;
  std::vector<NodeId> nodes;
  std::vector<RankEnd> ends;
  bool operator==(const Cleared&) const = default;
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("attempt", s.attempt);
    v("nodes", s.nodes, limits::nodes_per_job_max);
    v("ends", s.ends, limits::ranks_per_job_max);
  }
};
struct NextIds {  // the next number of each kind; taken in the record that announces the object
  std::uint64_t node = 1, offer = 1, quote = 1, lease = 1, job = 1, attempt = 1, posting = 1;
  bool operator==(const NextIds&) const = default;
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("node", s.node);
    v("offer", s.offer);
    v("quote", s.quote);
    v("lease", s.lease);
    v("job", s.job);
    v("attempt", s.attempt);
    v("posting", s.posting);
  }
};
struct MeteredSpan {  // a node's time in a lease; neighbours of the same kind are one span
  NodeId node;
  MeterClass meter{};
  Cause cause{};     // of a credited span: who pays for it follows from it
  Instant from, to;  // [from, to)
  std::uint32_t units = 0;
  bool operator==(const MeteredSpan&) const = default;
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("node", s.node);
    v("meter", s.meter);
    v("cause", s.cause);
    v("from", s.from);
    v("to", s.to);
    v("units", s.units);
  }
};
struct LeaseHistory {  // what its bill is made of
  LeaseId lease;
  std::vector<MeteredSpan> spans;
  std::vector<Posted> postings;
  bool operator==(const LeaseHistory&) const = default;
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("lease", s.lease);
    v("spans", s.spans, limits::jobs_live_max);
    v("postings", s.postings, limits::jobs_live_max);
  }
};
struct NodeBook {  // a node's whole time, by class: billed + idle + owner + credited = capacity
  NodeId node;
  Instant enrolled_at;
  Instant units_since;        // capacity counts up to here; the rest is units x time since
  std::int64_t capacity = 0;  // units x ms, as the four below: closed segments only
  std::int64_t idle = 0, billed = 0, owner = 0, credited = 0;
  Cause cause{};                        // of the open segment
  std::vector<Incarnation> superseded;  // worker processes that may not come back, newest last
  bool operator==(const NodeBook&) const = default;
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("node", s.node);
    v("enrolled_at", s.enrolled_at);
    v("units_since", s.units_since);
    v("capacity", s.capacity);
    v("idle", s.idle);
    v("billed", s.billed);
    v("owner", s.owner);
    v("credited", s.credited);
    v("cause", s.cause);
    v("superseded", s.superseded, limits::incarnations_kept);
  }
};
struct Usage {  // what an account has been billed for so far: the measure of fair share
  std::string account;
  std::int64_t quantity = 0;  // units x ms
  bool operator==(const Usage&) const = default;
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("account", s.account, limits::name_bytes_max);
    v("quantity", s.quantity);
  }
};
struct Snapshot {
  Seq seq;
  Epoch epoch;
  NextIds next;
  std::vector<KeyEntry> keys;
  std::vector<Node> nodes;
  std::vector<Offer> offers;
  std::vector<Quote> quotes;
  std::vector<Lease> leases;
  std::vector<Job> jobs;
  std::vector<Attempt> attempts;
  std::vector<Cleared> cleared;
  std::vector<MeterTotals> meters;
  std::vector<Balance> balances;
  std::vector<Answered> answers;
  Instant at;  // of the last record
  std::vector<LeaseHistory> histories;
  std::vector<NodeBook> node_books;
  std::vector<Usage> usages;
  FabricState fabric;
  std::vector<Certificate> certificates;
  bool operator==(const Snapshot&) const = default;
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("seq", s.seq);
    v("epoch", s.epoch);
    v("next", s.next);
    v("keys", s.keys, limits::list_max);
    v("nodes", s.nodes, limits::workers_max);
    v("offers", s.offers, limits::list_max);
    v("quotes", s.quotes, limits::jobs_live_max);
    v("leases", s.leases, limits::jobs_live_max);
    v("jobs", s.jobs, limits::jobs_live_max);
    v("attempts", s.attempts, limits::jobs_live_max);
    v("cleared", s.cleared, limits::jobs_live_max);
    v("meters", s.meters, limits::jobs_live_max);
    v("balances", s.balances, limits::list_max);
    v("answers", s.answers, limits::requests_kept);
    v("at", s.at);
    v("histories", s.histories, limits::jobs_live_max);
    v("node_books", s.node_books, limits::workers_max);
    v("usages", s.usages, limits::list_max);
    v("fabric", s.fabric);
    v("certificates", s.certificates, limits::jobs_live_max);
  }
};

}  // namespace weft
