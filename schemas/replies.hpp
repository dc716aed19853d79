// What the broker answers to clients: see schemas/client.hpp for the requests.
#pragma once
#include "schemas/client.hpp"
#include "schemas/journal.hpp"

namespace weft {

struct Refused {
  Code code{};
  std::string detail;  // what, where, what would be right
  WEFT_MESSAGE(Refused, "refused")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("code", s.code);
    v("detail", s.detail, limits::text_bytes_max);
  }
};
WEFT_EMPTY_MESSAGE(Done, "done")
struct Info {
  std::string version;
  Epoch epoch;
  Seq seq;
  Instant now, started_at;
  Role role{};
  std::string key_name, account;
  std::uint64_t jobs_live = 0, nodes_up = 0;
  Digest state;  // digest of the broker's state at seq
  WEFT_MESSAGE(Info, "info")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("version", s.version, limits::name_bytes_max);
    v("epoch", s.epoch);
    v("seq", s.seq);
    v("now", s.now);
    v("started_at", s.started_at);
    v("role", s.role);
    v("key_name", s.key_name, limits::name_bytes_max);
    v("account", s.account, limits::name_bytes_max);
    v("jobs_live", s.jobs_live);
    v("nodes_up", s.nodes_up);
    v("state", s.state);
  }
};
struct Submitted {
  JobId job;
  JobState state{};
  WEFT_MESSAGE(Submitted, "submitted")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("job", s.job);
    v("state", s.state);
  }
};
struct Fix {  // a smallest change of the request that would start it now, tried on a copy of the
              // state
  std::string what;  // "nodes: 2"
  std::string then;  // "starts now at $2.31 per unit-hour"
  bool operator==(const Fix&) const = default;
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("what", s.what, limits::text_bytes_max);
    v("then", s.then, limits::text_bytes_max);
  }
};
struct Why {  // why a job waits, or how it ended
  JobId job;
  JobState state{};
  std::string summary;  // one sentence
  std::vector<Code> blockers;
  std::vector<Fix> fixes;
  std::vector<std::string> clear;  // constraints that do not block
  Blame blame;                     // of the last attempt, when it failed
  WEFT_MESSAGE(Why, "why")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("job", s.job);
    v("state", s.state);
    v("summary", s.summary, limits::text_bytes_max);
    v("blockers", s.blockers, 32);
    v("fixes", s.fixes, 32);
    v("clear", s.clear, 32);
    v("blame", s.blame);
  }
};
struct DryRun {
  JobSpec spec;  // resolved
  bool placeable = false;
  std::vector<std::string> nodes;
  Price price;
  Money cost_max;
  Why why;  // when not placeable now
  WEFT_MESSAGE(DryRun, "dry_run")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("spec", s.spec);
    v("placeable", s.placeable);
    v("nodes", s.nodes, limits::nodes_per_job_max);
    v("price", s.price);
    v("cost_max", s.cost_max);
    v("why", s.why);
  }
};
struct JobLine {  // a line of `weft ps`
  JobId job;
  std::string job_name, account;
  JobState state{};
  std::uint32_t nodes = 0, ranks = 0, attempts = 0;
  Instant submitted_at, started_at, ended_at;
  std::int32_t exit_code = 0;
  std::string note;  // why it waits, or how it ended
  bool operator==(const JobLine&) const = default;
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("job", s.job);
    v("job_name", s.job_name, limits::name_bytes_max);
    v("account", s.account, limits::name_bytes_max);
    v("state", s.state);
    v("nodes", s.nodes);
    v("ranks", s.ranks);
    v("attempts", s.attempts);
    v("submitted_at", s.submitted_at);
    v("started_at", s.started_at);
    v("ended_at", s.ended_at);
    v("exit_code", s.exit_code);
    v("note", s.note, limits::text_bytes_max);
  }
};
struct JobList {
  std::vector<JobLine> jobs;
  bool cut = false;  // there are more
  WEFT_MESSAGE(JobList, "job_list")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("jobs", s.jobs, limits::list_max);
    v("cut", s.cut);
  }
};
struct JobView {
  Job job;
  std::vector<Attempt> attempts;
  std::vector<RankEnd> ends;       // of the last attempt
  std::vector<std::string> nodes;  // names, of the last attempt
  std::vector<KeyValue> progress;  // newest report of a rank: rank, text
  WEFT_MESSAGE(JobView, "job_view")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("job", s.job);
    v("attempts", s.attempts, limits::restarts_max + 1);
    v("ends", s.ends, limits::ranks_per_job_max);
    v("nodes", s.nodes, limits::nodes_per_job_max);
    v("progress", s.progress, limits::ranks_per_job_max);
  }
};
struct LogChunk {
  std::uint64_t offset = 0, next = 0;  // of the first byte here; to ask for next
  std::vector<std::uint8_t> data;
  bool end = false;  // the rank is gone and everything was read
  WEFT_MESSAGE(LogChunk, "log_chunk")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("offset", s.offset);
    v("next", s.next);
    v("data", s.data, limits::chunk_bytes_max);
    v("end", s.end);
  }
};
struct NodeList {
  std::vector<Node> nodes;
  WEFT_MESSAGE(NodeList, "node_list")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("nodes", s.nodes, limits::workers_max);
  }
};
struct OfferList {
  std::vector<Offer> offers;
  WEFT_MESSAGE(OfferList, "offer_list")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("offers", s.offers, limits::list_max);
  }
};
struct QuoteReply {
  Quote quote;
  std::vector<std::string> nodes;
  Money cost_max;
  WEFT_MESSAGE(QuoteReply, "quote_reply")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("quote", s.quote);
    v("nodes", s.nodes, limits::nodes_per_job_max);
    v("cost_max", s.cost_max);
  }
};
struct LeaseList {
  std::vector<Lease> leases;
  WEFT_MESSAGE(LeaseList, "lease_list")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("leases", s.leases, limits::list_max);
  }
};
struct Segment {  // one piece of a node's time
  NodeId node;
  std::string node_name;
  MeterClass meter{};
  Instant from, to;
  Cause cause{};
  std::uint32_t units = 0;
  bool operator==(const Segment&) const = default;
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("node", s.node);
    v("node_name", s.node_name, limits::name_bytes_max);
    v("meter", s.meter);
    v("from", s.from);
    v("to", s.to);
    v("cause", s.cause);
    v("units", s.units);
  }
};
struct LeaseBill {
  Lease lease;
  std::vector<Segment> segments;
  std::vector<Posted> postings;
  Money gross, credits, net, fee;
  std::vector<KeyValue> labels;  // of the job it was taken for; none in a seller's bill
  bool operator==(const LeaseBill&) const = default;
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("lease", s.lease);
    v("segments", s.segments, limits::list_max);
    v("postings", s.postings, limits::list_max);
    v("gross", s.gross);
    v("credits", s.credits);
    v("net", s.net);
    v("fee", s.fee);
    v("labels", s.labels, limits::labels_max);
  }
};
struct Bill {
  std::string account;
  Instant at;
  std::vector<LeaseBill> leases;
  Money total;
  bool cut = false;
  WEFT_MESSAGE(Bill, "bill")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("account", s.account, limits::name_bytes_max);
    v("at", s.at);
    v("leases", s.leases, limits::list_max);
    v("total", s.total);
    v("cut", s.cut);
  }
};
struct StoredRecord {
  Seq seq;
  std::vector<std::uint8_t> body;  // an encoded JournalRecord, byte for byte as stored
  Digest sum;                      // SHA-256(sum of the record before, seq, body)
  bool operator==(const StoredRecord&) const = default;
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("seq", s.seq);
    v("body", s.body, limits::record_bytes_max);
    v("sum", s.sum);
  }
};
struct JournalChunk {
  std::vector<StoredRecord> records;
  Seq next;          // to ask for next
  bool end = false;  // nothing more now
  WEFT_MESSAGE(JournalChunk, "journal_chunk")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("records", s.records, limits::list_max);
    v("next", s.next);
    v("end", s.end);
  }
};
struct KeyList {
  std::vector<KeyEntry> keys;
  WEFT_MESSAGE(KeyList, "key_list")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("keys", s.keys, limits::list_max);
  }
};
struct AccountList {
  std::vector<Account> accounts;
  WEFT_MESSAGE(AccountList, "account_list")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("accounts", s.accounts, limits::list_max);
  }
};
struct EventLine {
  Seq seq;
  Instant at;
  std::string kind;  // "job", "lease", "node", "offer", "key", "money", "broker"
  std::uint64_t object = 0;
  std::string text;
  bool operator==(const EventLine&) const = default;
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("seq", s.seq);
    v("at", s.at);
    v("kind", s.kind, limits::name_bytes_max);
    v("object", s.object);
    v("text", s.text, limits::text_bytes_max);
  }
};
struct Events {
  std::vector<EventLine> events;
  Seq last;  // to pass as `after` next time
  WEFT_MESSAGE(Events, "events")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("events", s.events, limits::list_max);
    v("last", s.last);
  }
};

struct SliceLine {
  LeaseId lease;
  JobId job;
  std::string account;
  LeaseState lease_state{};
  Slice slice;
  std::vector<std::string> nodes;
  bool operator==(const SliceLine&) const = default;
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("lease", s.lease);
    v("job", s.job);
    v("account", s.account, limits::name_bytes_max);
    v("lease_state", s.lease_state);
    v("slice", s.slice);
    v("nodes", s.nodes, limits::nodes_per_job_max);
  }
};
struct SliceList {
  std::string driver;  // none, linux, opensm; empty: the broker knows no fabric
  bool enforced = false;
  std::string fabric;  // its description, as the broker read it; for operators and sellers
  FabricState state;
  std::vector<SliceLine> slices;
  WEFT_MESSAGE(SliceList, "slice_list")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("driver", s.driver, limits::name_bytes_max);
    v("enforced", s.enforced);
    v("fabric", s.fabric, limits::fabric_shown_bytes_max);
    v("state", s.state);
    v("slices", s.slices, limits::list_max);
  }
};
struct SliceVerified {  // by tables, keys and routes read from the fabric just now
  LeaseId lease;
  bool enforced = false;
  std::uint64_t pairs = 0, negative_probes = 0;  // walked inside; tried with others
  std::vector<std::string> differences;
  std::uint64_t more_differences = 0;
  Duration read_back, verify;
  WEFT_MESSAGE(SliceVerified, "slice_verified")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("lease", s.lease);
    v("enforced", s.enforced);
    v("pairs", s.pairs);
    v("negative_probes", s.negative_probes);
    v("differences", s.differences, limits::differences_max);
    v("more_differences", s.more_differences);
    v("read_back", s.read_back);
    v("verify", s.verify);
  }
};
struct Certificates {
  std::string driver;
  std::uint64_t link_rate_bps = 0;  // of one link as the fabric file says; 0: it does not
  SliceLine slice;
  std::vector<Certificate> certificates;  // at hand-over, at return: as far as there are
  WEFT_MESSAGE(Certificates, "certificates")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("driver", s.driver, limits::name_bytes_max);
    v("link_rate_bps", s.link_rate_bps);
    v("slice", s.slice);
    v("certificates", s.certificates, 2);
  }
};

using ReplyBody =
    std::variant<std::monostate, Refused, Done, Info, Submitted, DryRun, JobList, JobView, Why,
                 LogChunk, NodeList, OfferList, QuoteReply, LeaseList, Bill, JournalChunk, KeyList,
                 AccountList, Events, SliceList, SliceVerified, Certificates>;
struct Reply {
  static constexpr const char* name = "reply";
  ReplyBody body;
  bool operator==(const Reply&) const = default;
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v.choice(s.body);
  }
};

}  // namespace weft
