// The records themselves: chain, order, time, life cycles. Money and meter: money.cpp.
#include "client/verify/verifier.hpp"

#include "client/verify/life_cycles.hpp"
#include "client/verify/state.hpp"
#include "schemas/journal_chain.hpp"

namespace weft::client {
namespace {

constexpr std::size_t findings_kept = 20;

}  // namespace

Verifier::Verifier(Scope scope) : state_(new State(scope)) {}
Verifier::~Verifier() = default;
void Verifier::assume_units(NodeId node, std::uint32_t units) { state_->nodes[node].units = units; }
const Report& Verifier::report() const { return state_->report; }
void Verifier::add(const StoredRecord& record) { state_->record(record); }

void Verifier::State::problem(const std::string& what) {
  if (report.findings.size() < findings_kept) report.findings.push_back({at_seq, what});
  ++report.findings_total;
}

void Verifier::State::record(const StoredRecord& stored) {
  at_seq = stored.seq;
  if (scope == Scope::whole) {
    if (stored.seq.value != report.last.value + 1)
      problem(fmt::format("record {} follows record {}: some are missing", stored.seq.value,
                          report.last.value));
    const Digest sum = chain_sum(report.head, stored.seq, stored.body);
    if (sum != stored.sum)
      problem(fmt::format("its sum is {}..., the chain gives {}...",
                          to_hex(stored.sum).substr(0, 12), to_hex(sum).substr(0, 12)));
    report.head = stored.sum;  // go on from what is stored: one changed record is one finding
  } else if (stored.seq <= report.last) {
    problem(fmt::format("record {} follows record {}", stored.seq.value, report.last.value));
  }
  report.last = stored.seq;
  ++report.records;
  auto decoded = decode_record(stored.body);
  if (!decoded) return problem("cannot be read: " + to_string(decoded.error()));
  if (decoded->seq != stored.seq)
    problem(fmt::format("says that it is record {}", decoded->seq.value));
  if (decoded->at < at)
    problem(
        fmt::format("time runs backwards, from {} to {}", to_string(at), to_string(decoded->at)));
  if (decoded->epoch < epoch)
    problem(fmt::format("epoch {} after epoch {}", decoded->epoch.value, epoch.value));
  at = decoded->at;
  epoch = decoded->epoch;
  facts(*decoded);
}

void Verifier::State::facts(const JournalRecord& record) {
  for (const FactBox& box : record.facts) {
    ++report.facts;
    std::visit([this](const auto& fact) { on(fact); }, box.fact);
  }
  // Between two records nothing metered is unposted and no customer's balance is negative.
  for (const LeaseId id : unsettled) check_totals(report.leases[id]);
  unsettled.clear();
  if (scope == Scope::lease) return;
  for (const FactBox& box : record.facts)
    if (const auto* posted = std::get_if<Posted>(&box.fact))
      for (const Leg& leg : posted->legs)
        if (leg.account.starts_with("customer:") && report.balances[leg.account].micros < 0)
          problem(fmt::format("{} is negative: {}", leg.account,
                              to_string(report.balances[leg.account])));
}

void Verifier::State::check_new_id(const char* kind, std::uint64_t& last, std::uint64_t id) {
  if (id <= last)
    problem(fmt::format("{} {} after {} {}: an id is used again", kind, id, kind, last));
  last = std::max(last, id);
}

void Verifier::State::on(const EpochBegan& f) {
  if (f.epoch != epoch)
    problem(fmt::format("epoch {} begins in a record of epoch {}", f.epoch.value, epoch.value));
}

void Verifier::State::on(const JobSubmitted& f) {
  check_new_id("job", last_job, f.job.id.value);
  if (f.job.state != JobState::queued && f.job.state != JobState::held)
    problem(fmt::format("job {} begins as {}", f.job.id.value, to_string(f.job.state)));
  jobs[f.job.id] = f.job.state;
}

void Verifier::State::on(const JobMoved& f) {
  const auto found = jobs.find(f.job);
  if (found == jobs.end()) {
    if (scope == Scope::whole)
      problem(fmt::format("job {} moves, but was never submitted", f.job.value));
    jobs[f.job] = f.state;  // a lease's part begins somewhere in the middle
    return;
  }
  if (!may_follow(found->second, f.state) && scope == Scope::whole)
    problem(fmt::format("job {} goes from {} to {}", f.job.value, to_string(found->second),
                        to_string(f.state)));
  found->second = f.state;
}

void Verifier::State::on(const AttemptMade& f) {
  check_new_id("attempt", last_attempt, f.attempt.id.value);
  const VerifiedLease* lease = lease_of(f.attempt.lease, "an attempt");
  if (lease != nullptr)
    for (const NodeId node : f.attempt.nodes)
      if (std::find(lease->lease.nodes.begin(), lease->lease.nodes.end(), node) ==
          lease->lease.nodes.end())
        problem(fmt::format("attempt {} runs on node {}, which is not in lease {}",
                            f.attempt.id.value, node.value, f.attempt.lease.value));
  attempts[f.attempt.id] = f.attempt.state;
}

void Verifier::State::on(const AttemptMoved& f) {
  const auto found = attempts.find(f.attempt);
  if (found == attempts.end()) {
    if (scope == Scope::whole)
      problem(fmt::format("attempt {} moves, but was never made", f.attempt.value));
    return;
  }
  if (!may_follow(found->second, f.state))
    problem(fmt::format("attempt {} goes from {} to {}", f.attempt.value, to_string(found->second),
                        to_string(f.state)));
  found->second = f.state;
}

}  // namespace weft::client
