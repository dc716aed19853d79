// What clients say to the broker, and what it answers. A mutating request carries an idempotency
// key in its envelope: repeated with the same key it gets the same reply, with another body
// idem.conflict. Every request is answered by exactly one Reply with the same key.
#pragma once
#include <variant>

#include "schemas/state.hpp"

namespace weft {

#define WEFT_MESSAGE(Name, text)            \
  static constexpr const char* name = text; \
  bool operator==(const Name&) const = default;
#define WEFT_EMPTY_MESSAGE(Name, text) \
  struct Name {                        \
    WEFT_MESSAGE(Name, text)           \
    template <class S, class V>        \
    static void fields(S&, V&&) {}     \
  };

// ---- requests
WEFT_EMPTY_MESSAGE(Hello, "hello")  // who am I, who are you: answered by Info
struct SubmitJob {
  JobSpec spec;
  bool hold = false, dry_run = false;
  WEFT_MESSAGE(SubmitJob, "submit_job")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("spec", s.spec);
    v("hold", s.hold);
    v("dry_run", s.dry_run);
  }
};
#define WEFT_JOB_MESSAGE(Name, text)  \
  struct Name {                       \
    JobId job;                        \
    WEFT_MESSAGE(Name, text)          \
    template <class S, class V>       \
    static void fields(S& s, V&& v) { \
      v("job", s.job);                \
    }                                 \
  };
WEFT_JOB_MESSAGE(CancelJob, "cancel_job")
WEFT_JOB_MESSAGE(ShowJob, "show_job")  // answered by JobView
WEFT_JOB_MESSAGE(WhyJob, "why_job")    // answered by Why
struct ListJobs {
  bool ended = false;  // also those that have ended
  std::uint32_t count_max = 1'000;
  WEFT_MESSAGE(ListJobs, "list_jobs")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("ended", s.ended);
    v("count_max", s.count_max);
  }
};
struct WaitJob {  // answered by JobView once it has ended, or when wait is over
  JobId job;
  Duration wait;
  WEFT_MESSAGE(WaitJob, "wait_job")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("job", s.job);
    v("wait", s.wait);
  }
};
struct SignalJob {
  JobId job;
  std::int32_t rank = -1;  // -1: all
  std::uint32_t signal = 0;
  WEFT_MESSAGE(SignalJob, "signal_job")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("job", s.job);
    v("rank", s.rank);
    v("signal", s.signal);
  }
};
struct ReadLog {  // answered by LogChunk: at once when there are bytes, at the end, or when wait is
                  // over
  JobId job;
  std::uint32_t attempt = 0;  // number; 0: the newest
  std::uint32_t rank = 0;
  bool errors = false;  // its standard error instead of its standard output
  std::uint64_t offset = 0;
  std::uint32_t bytes_max = 64 << 10;
  Duration wait;
  WEFT_MESSAGE(ReadLog, "read_log")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("job", s.job);
    v("attempt", s.attempt);
    v("rank", s.rank);
    v("errors", s.errors);
    v("offset", s.offset);
    v("bytes_max", s.bytes_max);
    v("wait", s.wait);
  }
};
WEFT_EMPTY_MESSAGE(ListNodes, "list_nodes")
struct PutOffer {
  std::vector<std::string> nodes;  // names; empty: all of the caller's
  Price floor;
  Duration notice;
  Instant from, until;  // 0: now; 0: open end
  WEFT_MESSAGE(PutOffer, "put_offer")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("nodes", s.nodes, limits::workers_max);
    v("floor", s.floor);
    v("notice", s.notice);
    v("from", s.from);
    v("until", s.until);
  }
};
WEFT_EMPTY_MESSAGE(ListOffers, "list_offers")
struct WithdrawOffer {
  OfferId offer;
  WEFT_MESSAGE(WithdrawOffer, "withdraw_offer")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("offer", s.offer);
  }
};
struct AskQuote {
  std::uint32_t nodes = 1, gpus_per_node = 0;
  Duration term, notice, ttl;
  Price price_max;
  bool has_price_max = false;
  SliceWithin within{};
  SliceExclusive exclusive{};
  WEFT_MESSAGE(AskQuote, "ask_quote")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("nodes", s.nodes);
    v("gpus_per_node", s.gpus_per_node);
    v("term", s.term);
    v("notice", s.notice);
    v("ttl", s.ttl);
    v("price_max", s.price_max);
    v("has_price_max", s.has_price_max);
    v("within", s.within);
    v("exclusive", s.exclusive);
  }
};
WEFT_EMPTY_MESSAGE(ListSlices, "list_slices")  // those of the caller, and the fabric they are on
WEFT_EMPTY_MESSAGE(ClearQuarantine, "clear_quarantine")  // what is in it may be rented again
struct ReadCertificates {  // of a lease, live or over: answered by Certificates
  LeaseId lease;
  WEFT_MESSAGE(ReadCertificates, "read_certificates")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("lease", s.lease);
  }
};
struct VerifySlice {  // reads the fabric again: answered by SliceVerified
  LeaseId lease;
  WEFT_MESSAGE(VerifySlice, "verify_slice")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("lease", s.lease);
  }
};
struct AcceptQuote {
  QuoteId quote;
  WEFT_MESSAGE(AcceptQuote, "accept_quote")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("quote", s.quote);
  }
};
struct DeclineQuote {
  QuoteId quote;
  WEFT_MESSAGE(DeclineQuote, "decline_quote")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("quote", s.quote);
  }
};
WEFT_EMPTY_MESSAGE(ListLeases, "list_leases")
struct ReleaseLease {
  LeaseId lease;
  WEFT_MESSAGE(ReleaseLease, "release_lease")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("lease", s.lease);
  }
};
struct AskBill {  // one job, one lease, or (both 0) everything of the caller's account
  JobId job;
  LeaseId lease;
  WEFT_MESSAGE(AskBill, "ask_bill")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("job", s.job);
    v("lease", s.lease);
  }
};
struct ReadJournal {  // answered by JournalChunk. Operators: whole records; others: their leases'
                      // facts
  Seq from;
  LeaseId lease;  // 0: all (operator only)
  WEFT_MESSAGE(ReadJournal, "read_journal")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("from", s.from);
    v("lease", s.lease);
  }
};
struct EnrollKey {
  KeyEntry key;
  WEFT_MESSAGE(EnrollKey, "enroll_key")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("key", s.key);
  }
};
WEFT_EMPTY_MESSAGE(ListKeys, "list_keys")
struct RevokeKey {
  std::string key_name;  // or the key in hexadecimal
  WEFT_MESSAGE(RevokeKey, "revoke_key")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("key_name", s.key_name, limits::name_bytes_max + 1);
  }
};
struct Deposit {
  std::string account;
  Money amount;
  WEFT_MESSAGE(Deposit, "deposit")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("account", s.account, limits::name_bytes_max);
    v("amount", s.amount);
  }
};
WEFT_EMPTY_MESSAGE(ListAccounts, "list_accounts")
struct ReadEvents {  // answered by Events: at once when there are any after `after`, else when wait
                     // is over
  Seq after;
  JobId job;  // 0: all that the caller may see
  std::uint32_t count_max = 1'000;
  Duration wait;
  WEFT_MESSAGE(ReadEvents, "read_events")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("after", s.after);
    v("job", s.job);
    v("count_max", s.count_max);
    v("wait", s.wait);
  }
};

using RequestBody =
    std::variant<std::monostate, Hello, SubmitJob, CancelJob, ShowJob, WhyJob, ListJobs, WaitJob,
                 SignalJob, ReadLog, ListNodes, PutOffer, ListOffers, WithdrawOffer, AskQuote,
                 AcceptQuote, DeclineQuote, ListLeases, ReleaseLease, AskBill, ReadJournal,
                 EnrollKey, ListKeys, RevokeKey, Deposit, ListAccounts, ReadEvents, ListSlices,
                 VerifySlice, ClearQuarantine, ReadCertificates>;
struct Request {
  static constexpr const char* name = "request";
  RequestBody body;
  bool operator==(const Request&) const = default;
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v.choice(s.body);
  }
};

}  // namespace weft
