#include "broker/core/waiting.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "broker/core/size.hpp"

namespace weft::broker {
namespace {

constexpr Duration bill_patience = seconds(2);

void forget(Tx& tx, std::uint64_t id) {
  const auto it = tx.soft.waiters.find(id);
  if (it == tx.soft.waiters.end()) return;
  if (const auto jobs = tx.soft.waiting_on_job.find(it->second.job);
      jobs != tx.soft.waiting_on_job.end()) {
    jobs->second.erase(id);
    if (jobs->second.empty()) tx.soft.waiting_on_job.erase(jobs);
  }
  tx.soft.waiting_on_events.erase(id);
  tx.soft.timers.cancel({TimerKind::wait, id});
  tx.soft.waiters.erase(it);
}

Caller caller_of(const Tx& tx, const Waiter& w) {
  const KeyEntry* entry = tx.d.keys.find(w.principal);
  return {w.session, w.key, entry ? *entry : KeyEntry{}};
}

// The attempt whose log is asked for, once its ranks have been released.
const jobs::AttemptBook* attempt_of(const Tx& tx, const Job& job, std::uint32_t number) {
  const auto& attempts = tx.d.jobs.attempts_of(job.id);
  if (attempts.empty() || number > attempts.size()) return nullptr;
  const auto& book = tx.d.jobs.at(number == 0 ? attempts.back() : attempts[number - 1]);
  return book.attempt.state == AttemptState::preparing ? nullptr : &book;
}

void fetch(Tx& tx, const Caller& caller, const ReadLog& ask, const jobs::AttemptBook& book,
           Duration left) {
  const std::uint64_t id = tx.soft.next_ticket++;
  FetchLog order{id, book.attempt.id, ask.rank, ask.errors, ask.offset, ask.bytes_max, left};
  order.bytes_max = std::min<std::uint32_t>(std::max(1u, order.bytes_max), limits::chunk_bytes_max);
  const NodeId node = book.node_of(ask.rank);
  tx.soft.tickets[id] = {caller.session, caller.entry.principal, caller.key, node, order};
  tx.soft.timers.set({TimerKind::ticket, id}, tx.now + left + tx.machine.config.silence_max);
  tx.order(node, order);
}

// Leases of an ended job whose nodes are not back yet: their bill is about to change.
bool bill_unsettled(const Tx& tx, JobId id) {
  const Job* job = tx.d.jobs.find(id);
  if (!job || !ended(job->state)) return false;
  const auto& leases = tx.d.leases.of_job(id);
  return std::any_of(leases.begin(), leases.end(), [&](LeaseId lease) {
    const LeaseState state = tx.d.leases.at(lease).lease.state;
    return state == LeaseState::closing || state == LeaseState::returning;
  });
}

LogChunk nothing_yet(const ReadLog& ask, bool end) { return {ask.offset, ask.offset, {}, end}; }

}  // namespace

// A request that waits takes memory here: so many for one key, and no more.
template <class Map>
Result<void> room_for(const Map& waiting, const Caller& caller) {
  std::size_t mine = 0;
  if (waiting.size() >= limits::waits_per_principal_max)
    for (const auto& [id, other] : waiting) mine += other.principal == caller.entry.principal;
  if (mine < limits::waits_per_principal_max) return {};
  return fail(Code::limit_reached, fmt::format("{} requests of this key are waiting; at most {}",
                                               mine, limits::waits_per_principal_max));
}

Result<void> wait(Tx& tx, const Caller& caller, Waiter w, Duration how_long) {
  if (auto room = room_for(tx.soft.waiters, caller); !room) return room;
  const std::uint64_t id = tx.soft.next_wait++;
  w.session = caller.session;
  w.principal = caller.entry.principal;
  w.key = caller.key;
  w.until = tx.now + std::clamp(how_long, Duration{}, limits::wait_max);
  if (w.what == Waiter::For::events)
    tx.soft.waiting_on_events.insert(id);
  else
    tx.soft.waiting_on_job[w.job].insert(id);
  tx.soft.timers.set({TimerKind::wait, id}, w.until);
  tx.soft.waiters[id] = std::move(w);
  return {};
}

void answer_waiter(Tx& tx, std::uint64_t id, bool over) {
  const auto it = tx.soft.waiters.find(id);
  if (it == tx.soft.waiters.end()) return;
  const Waiter w = it->second;
  const Caller caller = caller_of(tx, w);
  const Job* job = w.job ? tx.d.jobs.find(w.job) : nullptr;
  switch (w.what) {
    case Waiter::For::job:
      if (job && !over && !ended(job->state)) return;
      forget(tx, id);
      if (!job)
        return tx.reply(w.session, w.key,
                        Refused{Code::job_unknown, "it is in the journal only by now"});
      return tx.reply(w.session, w.key, view_of(tx, *job));
    case Waiter::For::events: {
      Events events = events_after(tx, caller.entry, w.after, w.job, w.count_max);
      if (events.events.empty() && !over) return;
      forget(tx, id);
      return tx.reply(w.session, w.key, std::move(events));
    }
    case Waiter::For::bill: {
      if (!over && bill_unsettled(tx, w.job)) return;
      forget(tx, id);
      auto bill = bill_for(tx, caller, {w.job, {}});
      if (!bill) return tx.reply(w.session, w.key, Refused{bill.error().code, bill.error().detail});
      return tx.reply(w.session, w.key, std::move(*bill));
    }
    case Waiter::For::log: {
      const jobs::AttemptBook* book = job ? attempt_of(tx, *job, w.log.attempt) : nullptr;
      const bool end = !job || ended(job->state);
      if (!book && !over && !end) return;
      forget(tx, id);
      if (!book) return tx.reply(w.session, w.key, nothing_yet(w.log, end));
      return fetch(tx, caller, w.log, *book, std::max(Duration{}, w.until - tx.now));
    }
  }
}

void wake(Tx& tx) {
  if (tx.out.facts.empty()) return;
  std::set<std::uint64_t> due;
  for (const FactBox& box : tx.out.facts) {
    JobId job;
    if (const auto* moved = std::get_if<JobMoved>(&box.fact)) job = moved->job;
    if (const auto* moved = std::get_if<AttemptMoved>(&box.fact))
      if (const auto* book = tx.d.jobs.find(moved->attempt)) job = book->attempt.job;
    if (const auto* moved = std::get_if<LeaseMoved>(&box.fact))
      if (const auto* book = tx.d.leases.find(moved->lease)) job = book->lease.job;
    const auto it = tx.soft.waiting_on_job.find(job);
    if (job && it != tx.soft.waiting_on_job.end()) due.insert(it->second.begin(), it->second.end());
  }
  due.insert(tx.soft.waiting_on_events.begin(), tx.soft.waiting_on_events.end());
  for (const std::uint64_t id : due) answer_waiter(tx, id, false);
}

void drop_waiters(Tx& tx, SessionId session) {
  std::vector<std::uint64_t> theirs;
  for (const auto& [id, w] : tx.soft.waiters)
    if (w.session == session) theirs.push_back(id);
  for (const std::uint64_t id : theirs) forget(tx, id);
  theirs.clear();
  for (const auto& [id, ticket] : tx.soft.tickets)
    if (ticket.session == session) theirs.push_back(id);
  for (const std::uint64_t id : theirs) {
    tx.soft.timers.cancel({TimerKind::ticket, id});
    tx.soft.tickets.erase(id);
  }
}

Result<ReplyBody> read_log(Tx& tx, const Caller& caller, const ReadLog& ask) {
  const Job& job = tx.d.jobs.at(ask.job);
  const std::uint64_t ranks = std::uint64_t{job.spec.nodes} * job.spec.ranks_per_node;
  if (ask.rank >= ranks)
    return fail(Code::rank_unknown, fmt::format("rank {}; job {} has ranks 0 to {}", ask.rank,
                                                job.id.value, ranks - 1));
  const auto attempts = tx.d.jobs.attempts_of(job.id).size();
  if (ask.attempt > attempts)
    return fail(Code::rank_unknown,
                fmt::format("attempt {}; job {} has had {}", ask.attempt, job.id.value, attempts));
  const Duration left = std::clamp(ask.wait, Duration{}, limits::wait_max);
  if (auto room = room_for(tx.soft.tickets, caller); !room)
    return tl::make_unexpected(room.error());
  if (const jobs::AttemptBook* book = attempt_of(tx, job, ask.attempt)) {
    fetch(tx, caller, ask, *book, left);
    return ReplyBody{};
  }
  if (ended(job.state) || left.ms == 0) return ReplyBody{nothing_yet(ask, ended(job.state))};
  Waiter w;
  w.what = Waiter::For::log;
  w.job = ask.job;
  w.log = ask;
  if (auto waits = wait(tx, caller, std::move(w), left); !waits)
    return tl::make_unexpected(waits.error());
  return ReplyBody{};
}

void log_piece(Tx& tx, NodeId node, const LogPiece& piece) {
  const auto it = tx.soft.tickets.find(piece.ticket);
  if (it == tx.soft.tickets.end() || it->second.node != node) return;  // asked before a restart
  const Ticket ticket = it->second;
  tx.soft.tickets.erase(it);
  tx.soft.timers.cancel({TimerKind::ticket, piece.ticket});
  if (piece.code != Code::none)
    tx.reply(ticket.session, ticket.key, Refused{piece.code, piece.detail});
  else
    tx.reply(ticket.session, ticket.key, piece.chunk);
}

void resend_tickets(Tx& tx, NodeId node) {
  for (const auto& [id, ticket] : tx.soft.tickets)
    if (ticket.node == node) tx.order(node, ticket.fetch);
}

void ticket_due(Tx& tx, std::uint64_t id) {
  const auto it = tx.soft.tickets.find(id);
  if (it == tx.soft.tickets.end()) return;
  const Ticket ticket = it->second;
  tx.soft.tickets.erase(it);
  const Node& node = tx.d.nodes.at(ticket.node);
  tx.reply(ticket.session, ticket.key,
           Refused{Code::worker_lost,
                   fmt::format("the worker of node {} does not answer; the log is on that node",
                               node.name)});
}

Events events_after(const Tx& tx, const KeyEntry& entry, Seq after, JobId job,
                    std::uint32_t count_max) {
  Events out;
  out.last = after;
  Seq before = after;  // the record before the one that `last` names
  Room room(limits::reply_bytes_max);
  const auto& all = tx.soft.events;
  const auto begin =
      std::upper_bound(all.begin(), all.end(), after,
                       [](Seq seq, const VisibleEvent& e) { return seq < e.line.seq; });
  for (auto it = begin; it != all.end(); ++it) {
    // The lines of one record stay together, so that `last` can be passed as `after`.
    if (out.events.size() >= count_max && it->line.seq != out.last) return out;
    const bool sees = entry.role == Role::operator_ || it->everybody ||
                      it->account == entry.account || it->owner == entry.account;
    if (sees && (!job || it->job == job)) {
      if (!room.take(it->line)) {
        const bool begun = it->line.seq == out.last;  // lines of this record are taken already
        while (begun && !out.events.empty() && out.events.back().seq == out.last)
          out.events.pop_back();
        out.last = begun ? before : out.last;
        return out;
      }
      out.events.push_back(it->line);
    }
    if (it->line.seq != out.last) before = out.last;
    out.last = it->line.seq;
  }
  return out;
}

Result<ReplyBody> read_bill(Tx& tx, const Caller& caller, const AskBill& ask) {
  auto bill = bill_for(tx, caller, ask);
  if (!bill) return tl::make_unexpected(bill.error());
  if (!ask.job || !bill_unsettled(tx, ask.job)) return ReplyBody{std::move(*bill)};
  Waiter w;
  w.what = Waiter::For::bill;
  w.job = ask.job;
  if (auto waits = wait(tx, caller, std::move(w), bill_patience); !waits)
    return tl::make_unexpected(waits.error());
  return ReplyBody{};
}

Result<ReplyBody> read_events(Tx& tx, const Caller& caller, const ReadEvents& ask) {
  const std::uint32_t count = std::clamp<std::uint32_t>(ask.count_max, 1, 10'000);
  Events events = events_after(tx, caller.entry, ask.after, ask.job, count);
  if (!events.events.empty() || ask.wait.ms <= 0) return ReplyBody{std::move(events)};
  Waiter w;
  w.what = Waiter::For::events;
  w.job = ask.job;
  w.after = ask.after;
  w.count_max = count;
  if (auto waits = wait(tx, caller, std::move(w), ask.wait); !waits)
    return tl::make_unexpected(waits.error());
  return ReplyBody{};
}

JobView view_of(const Tx& tx, const Job& job) {
  JobView v;
  v.job = job;
  Room room(limits::reply_bytes_max - std::min(limits::reply_bytes_max / 2, size_of(job)));
  const auto& attempts = tx.d.jobs.attempts_of(job.id);
  for (auto it = attempts.rbegin(); it != attempts.rend(); ++it) {  // the newest matter most
    const Attempt& a = tx.d.jobs.at(*it).attempt;
    if (!room.take(a)) break;
    v.attempts.insert(v.attempts.begin(), a);
  }
  const jobs::AttemptBook* last = tx.d.jobs.find(job.attempt);
  if (!last) return v;
  for (const NodeId node : last->attempt.nodes) v.nodes.push_back(tx.d.nodes.at(node).name);
  for (const auto& [rank, end] : last->ends)
    if (room.take(end)) v.ends.push_back(end);
  const auto progress = tx.soft.progress.find(job.attempt);
  if (progress == tx.soft.progress.end()) return v;
  for (const auto& [rank, says] : progress->second) {
    const KeyValue line{std::to_string(rank),
                        says.text.empty() ? fmt::format("step {}", says.step) : says.text};
    if (room.take(line)) v.progress.push_back(line);
  }
  return v;
}

}  // namespace weft::broker
