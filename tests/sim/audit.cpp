#include "tests/sim/audit.hpp"

#include <algorithm>

#include "tests/sim/watch.hpp"
#include "tests/sim/world.hpp"

namespace weft::sim {

void Audit::broken(const std::string& what) {
  world_.fail(fmt::format("{} (record {})", what, seq_.value));
}

// Ids of one kind grow and none comes twice.
template <class Tag>
void Audit::fresh(Id<Tag> id, std::uint64_t& newest, const char* what) {
  if (id.value <= newest) broken(fmt::format("3: {} {} was used before", what, id.value));
  newest = id.value;
}

void Audit::record(const JournalRecord& record) {
  if (record.seq.value != seq_.value + 1) broken("2: a record is missing");
  if (record.at < at_) broken("7: ledger time runs backwards");
  if (record.epoch < epoch_) broken("5: a record of an older epoch was stored");
  seq_ = record.seq;
  at_ = record.at;
  incarnation(record);
  for (const FactBox& box : record.facts) {
    std::visit([this](const auto& held) { fact(held); }, box.fact);
    world_.mix(box.fact.index());
  }
  epoch_ = record.epoch;
}

// A report of another incarnation than the one that joined last changes nothing. (A record may also
// hold what timers did in the same step: only what such a report would have caused counts.)
void Audit::incarnation(const JournalRecord& record) {
  if (record.input.empty()) return;
  const auto envelope = decode_envelope(record.input);
  if (!envelope) return broken("2: a record's input does not decode");
  const auto* report = std::get_if<Report>(&envelope->body);
  if (!report || std::holds_alternative<Join>(report->body)) return;
  for (const auto& [id, book] : nodes_) {
    if (book.node.principal != record.principal || book.node.incarnation == envelope->incarnation)
      continue;
    const auto* gone = std::get_if<RankGone>(&report->body);
    for (const FactBox& box : record.facts) {
      const auto* cleared = std::get_if<NodeCleared>(&box.fact);
      const auto* end = std::get_if<RankEnded>(&box.fact);
      const auto* moved = std::get_if<AttemptMoved>(&box.fact);
      const bool caused = (cleared && cleared->node == id) ||
                          (gone && end && end->attempt == gone->attempt && end->end == gone->end) ||
                          (moved && moved->state == AttemptState::running);
      if (caused)
        broken(fmt::format("5: a report of an old incarnation of {} changed something",
                           book.node.name));
    }
  }
}

void Audit::fact(const EpochBegan& began) {
  if (began.epoch <= epoch_) broken("5: the epoch was not raised at a start");
}

void Audit::fact(const KeyPut& put) {
  const auto found = keys_.find(put.key.principal);
  if (found != keys_.end() && found->second.revoked && !put.key.revoked)
    broken("5: a revoked key came back");
  keys_[put.key.principal] = put.key;
}

void Audit::fact(const NodePut& put) {
  const auto found = nodes_.find(put.node.id);
  if (found == nodes_.end()) {
    fresh(put.node.id, node_, "node");
    for (const auto& [id, book] : nodes_)
      if (book.node.principal == put.node.principal) broken("3: one worker key made two nodes");
    nodes_[put.node.id].node = put.node;
    return;
  }
  Node& node = found->second.node;
  if (node.principal != put.node.principal || node.name != put.node.name)
    broken("5: a node changed its key or its name");
  if (put.node.state == NodeState::silent && node.state == NodeState::up)
    world_.coverage.hit(Branch::node_silent);
  if (put.node.state == NodeState::up && node.state == NodeState::silent)
    world_.coverage.hit(Branch::node_back);
  if (node.incarnation != put.node.incarnation) {
    if (found->second.past.contains(put.node.incarnation))
      broken("5: an old process of a worker came back");
    found->second.past.insert(node.incarnation);
  }
  node.incarnation = put.node.incarnation;
  node.state = put.node.state;
  node.units = put.node.units;
}

void Audit::fact(const OfferPut& put) {
  if (!offers_.contains(put.offer.id)) fresh(put.offer.id, offer_, "offer");
  for (const auto& [id, other] : offers_) {  // a node is in one live offer
    if (id == put.offer.id || other.state >= OfferState::closing) continue;
    if (put.offer.state >= OfferState::closing || offers_.contains(put.offer.id)) continue;
    if (other.until <= put.offer.from || put.offer.until <= other.from) continue;
    for (const NodeId node : put.offer.nodes)
      if (std::find(other.nodes.begin(), other.nodes.end(), node) != other.nodes.end())
        broken("1: one node is in two live offers");
  }
  offers_[put.offer.id] = put.offer;
}

void Audit::fact(const QuotePut& put) {
  const auto found = quotes_.find(put.quote.id);
  if (found == quotes_.end()) {
    fresh(put.quote.id, quote_, "quote");
  } else if (found->second.state != QuoteState::open && found->second.state != put.quote.state) {
    broken("3: a quote left a final state");
  }
  if (put.quote.state == QuoteState::lapsed) world_.coverage.hit(Branch::quote_lapsed);
  if (put.quote.state == QuoteState::open)
    for (const auto& [id, other] : quotes_)
      if (id != put.quote.id && other.state == QuoteState::open)
        for (const NodeId node : put.quote.nodes)
          if (std::find(other.nodes.begin(), other.nodes.end(), node) != other.nodes.end())
            broken("1: one node is reserved by two open quotes");
  quotes_[put.quote.id] = put.quote;
}

void Audit::fact(const JobSubmitted& submitted) {
  fresh(submitted.job.id, job_, "job");
  jobs_[submitted.job.id] = submitted.job;
}

void Audit::fact(const JobMoved& moved) {
  const auto found = jobs_.find(moved.job);
  if (found == jobs_.end()) return broken("2: an unknown job moved");
  Job& job = found->second;
  if (ended(job.state)) broken(fmt::format("3: job {} left its final state", moved.job.value));
  if (moved.restarts > job.restarts) world_.coverage.hit(Branch::job_restarted);
  if (moved.restarts > job.spec.restart.max)
    broken("4: a job was restarted more often than it asked");
  job.state = moved.state;
  job.restarts = moved.restarts;
  switch (moved.state) {
    case JobState::succeeded: world_.coverage.hit(Branch::job_succeeded); break;
    case JobState::failed: world_.coverage.hit(Branch::job_failed); break;
    case JobState::cancelled: world_.coverage.hit(Branch::job_cancelled); break;
    case JobState::expired: world_.coverage.hit(Branch::job_expired); break;
    case JobState::unplaced: world_.coverage.hit(Branch::job_unplaced); break;
    default: break;
  }
}

void Audit::fact(const SlicePut& put) {
  const auto lease = leases_.find(put.lease);
  if (lease == leases_.end()) return broken("8: a slice without a lease");
  Slice& slice = lease->second.lease.slice;
  const auto& ground = world_.plan.core.ground;
  const bool to_measure =
      ground && ground->probe.wanted && put.slice.enforced && lease->second.lease.nodes.size() > 1;
  if (to_measure && slice.state == SliceState::programming &&
      put.slice.state == SliceState::ready && !lease->second.measured)
    broken("8: a slice was handed over before it was measured");
  slice = put.slice;
}

void Audit::fact(const Certified& certified) {
  const Certificate& c = certified.certificate;
  const auto lease = leases_.find(c.lease);
  if (lease == leases_.end()) return broken("8: a certificate without a lease");
  if (c.measured && !c.passed) world_.coverage.hit(Branch::slice_slow);
  if (!c.passed) return;
  world_.coverage.hit(c.at_return ? Branch::returned_measured : Branch::slice_measured);
  if (!c.at_return) lease->second.measured = true;
}

void Audit::fact(const AttemptMade& made) {
  const Attempt& attempt = made.attempt;
  fresh(attempt.id, attempt_, "attempt");
  const auto lease = leases_.find(attempt.lease);
  if (lease == leases_.end() || lease->second.lease.state >= LeaseState::closing)
    return broken("1: an attempt was made on a lease that is not live");
  for (const NodeId node : attempt.nodes)
    if (std::find(lease->second.lease.nodes.begin(), lease->second.lease.nodes.end(), node) ==
        lease->second.lease.nodes.end())
      broken("1: an attempt uses a node outside its lease");
  for (const auto& [id, other] : attempts_) {
    if (other.attempt.state == AttemptState::ended) continue;
    if (other.attempt.lease == attempt.lease || other.attempt.job == attempt.job)
      broken("4: one job or lease has two live attempts");
  }
  attempts_[attempt.id].attempt = attempt;
}

void Audit::fact(const AttemptMoved& moved) {
  const auto found = attempts_.find(moved.attempt);
  if (found == attempts_.end()) return broken("2: an unknown attempt moved");
  AttemptBook& book = found->second;
  if (moved.state < book.attempt.state || book.attempt.state == AttemptState::ended)
    broken(fmt::format("4: attempt {} went back", moved.attempt.value));
  if (moved.state == AttemptState::running) {
    book.went = true;
    if (book.attempt.nodes.size() >= 4) world_.coverage.hit(Branch::gang_wide);
    for (const NodeId node : book.attempt.nodes)
      if (!world_.watch->was_prepared(nodes_[node].node.name, moved.attempt))
        broken("4: GO was decided before every node had prepared");
  }
  if (moved.state == AttemptState::stopping && book.stopping_at == never)
    book.stopping_at = world_.now();
  book.attempt.state = moved.state;
  book.attempt.outcome = moved.outcome;
}

void Audit::fact(const RankEnded& ended) {
  if (!attempts_.contains(ended.attempt)) broken("2: a rank of an unknown attempt ended");
}

void Audit::fact(const NodeCleared& cleared) {
  const auto found = attempts_.find(cleared.attempt);
  if (found == attempts_.end()) return broken("2: a node was cleared of an unknown attempt");
  if (!found->second.cleared.insert(cleared.node).second)
    broken("3: a node was cleared twice of one attempt");
  if (world_.watch->runs(nodes_[cleared.node].node.name, cleared.attempt))
    broken(fmt::format("1: {} was declared clear of attempt {} while its ranks run",
                       nodes_[cleared.node].node.name, cleared.attempt.value));
}

void Audit::fact(const Answered& answered) {
  const auto [where, added] = answers_.try_emplace({answered.principal, answered.key},
                                                   Answer{answered.request, answered.reply});
  if (!added) broken("3: one key of one principal was answered twice");
}

// A gang that is being stopped is gone soon: nobody waits for the end of its lease.
void Audit::look(Instant calm_since) {
  for (const auto& [id, book] : attempts_) {
    if (book.attempt.state != AttemptState::stopping) continue;
    const Instant since = std::max(book.stopping_at, calm_since);
    if (world_.now() - since > seconds(30))
      broken(fmt::format("4: attempt {} is still there 30 s after it was to stop", id.value));
  }
}

const Audit::Answer* Audit::answer(const Principal& principal, const RequestKey& key) const {
  const auto found = answers_.find({principal, key});
  return found == answers_.end() ? nullptr : &found->second;
}

bool Audit::went(AttemptId attempt) const {
  const auto found = attempts_.find(attempt);
  return found != attempts_.end() && found->second.went;
}

std::vector<std::string> Audit::gang(AttemptId attempt) const {
  std::vector<std::string> names;
  const auto found = attempts_.find(attempt);
  if (found == attempts_.end()) return names;
  for (const NodeId node : found->second.attempt.nodes) names.push_back(nodes_.at(node).node.name);
  return names;
}

LeaseId Audit::lease_of(AttemptId attempt) const {
  const auto found = attempts_.find(attempt);
  return found == attempts_.end() ? LeaseId{} : found->second.attempt.lease;
}

}  // namespace weft::sim
