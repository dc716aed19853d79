#include "broker/shell/loop.hpp"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "base/assert.hpp"
#include "base/log.hpp"
#include "broker/shell/failpoint.hpp"

namespace weft::broker {
namespace {

constexpr std::size_t events_per_turn = 256;
constexpr std::uint64_t work_ns_per_turn = 2'000'000;
// Above this many records that are not durable yet no further input is taken.
constexpr std::size_t waiting_max = 4 * limits::batch_records_max;
constexpr std::uint64_t check_period_ms = 10'000;  // of the core's invariants

bool is_reply(const Effect& effect) {
  const auto* send = std::get_if<Send>(&effect);
  return send != nullptr && std::holds_alternative<Reply>(send->envelope.body);
}
bool is_order(const Effect& effect) {
  const auto* send = std::get_if<Send>(&effect);
  return send != nullptr && std::holds_alternative<Order>(send->envelope.body);
}

void write_note(const Note& note) {
  switch (note.level) {
    case Note::Level::debug: return log::debug("{}", note.text);
    case Note::Level::info: return log::info("{}", note.text);
    case Note::Level::warn: return log::warn("{}", note.text);
    case Note::Level::error: return log::error("{}", note.text);
  }
}

}  // namespace

Loop::Loop(Parts parts, Epoch epoch, Seq last, Seq last_snapshot, std::uint64_t snapshot_every)
    : core_(parts.core),
      leases_(parts.leases),
      clock_(parts.clock),
      journal_(parts.journal),
      reads_(parts.journal_reads),
      workers_(parts.workers),
      clients_(parts.clients),
      driver_(parts.driver),
      signal_fd_(parts.signal_fd),
      epoch_(epoch),
      last_(last),
      last_snapshot_(last_snapshot),
      snapshot_every_(snapshot_every) {}

Result<void> Loop::begin(const Began& began) {
  step(began);
  while (journal_.durable() < last_) {
    pollfd wake{journal_.wake_fd(), POLLIN, 0};
    poll(&wake, 1, 1'000);
    journal_.clear_wake();
    if (journal_.failed()) return tl::make_unexpected(journal_.error());
  }
  release();
  return {};
}

Result<bool> Loop::turn() {
  const bool paused = journal_.waiting() >= waiting_max;
  if (paused) workers_.was_not_read();
  const bool clients_wait = paused || clients_.congested() || from_clients_.full();
  if (clients_wait) clients_.was_not_read();
  // First, because it may start a gateway anew.
  const int timeout = wait_ms(monotonic_ms());
  const auto wanted = [&](const GatewayProcess& gateway, bool waits) {
    return static_cast<short>((waits ? 0 : POLLIN) | (gateway.wants_to_write() ? POLLOUT : 0));
  };
  pollfd fds[] = {
      {signal_fd_, POLLIN, 0},
      {journal_.wake_fd(), POLLIN, 0},
      {reads_.wake_fd(), POLLIN, 0},
      {workers_.fd(), wanted(workers_, paused), 0},
      {clients_.fd(), wanted(clients_, clients_wait), 0},
      {driver_.fd(), static_cast<short>(POLLIN | (driver_.wants_to_write() ? POLLOUT : 0)), 0}};
  const bool busy =
      more_ || !from_workers_.empty() || (!from_clients_.empty() && !clients_.congested());
  if (poll(fds, std::size(fds), busy && !paused ? 0 : timeout) < 0 && errno != EINTR)
    return fail(Code::os_error, "poll");
  if (fds[0].revents != 0) return false;
  if (fds[1].revents != 0) journal_.clear_wake();
  if (journal_.failed()) return tl::make_unexpected(journal_.error());
  if (fds[2].revents != 0) take_journal_answers();
  if ((fds[3].revents & (POLLIN | POLLHUP | POLLERR)) != 0) workers_.receive();
  if ((fds[4].revents & (POLLIN | POLLHUP | POLLERR)) != 0) clients_.receive();
  if ((fds[5].revents & (POLLIN | POLLHUP | POLLERR)) != 0) driver_.receive();
  release();  // what has become durable, before more is taken
  take_driver_answers();
  if (!paused) {
    collect();
    work();
  }
  if (core_.next_timer() <= clock_.now()) step(TimePassed{});
  release();
  snapshot_if_due();
  workers_.flush();
  clients_.flush();
  driver_.flush();
  return true;
}

void Loop::collect() {
  more_ = workers_.collect(events_, events_per_turn);
  take(from_workers_);
  if (clients_.congested() || from_clients_.full()) return;
  more_ |= clients_.collect(events_, events_per_turn);
  take(from_clients_);
}

// What concerns one session waits for that session's turn; the rest is for now.
void Loop::take(FairQueue& queue) {
  for (Event& event : events_) {
    if (const auto* message = std::get_if<MessageCame>(&event)) {
      queue.add(message->session, std::move(event));
    } else if (const auto* closed = std::get_if<SessionClosed>(&event)) {
      queue.add(closed->session, std::move(event));
    } else {
      if (const auto* lost = std::get_if<GatewayLost>(&event)) queue.drop(lost->sessions);
      step(event);
    }
  }
  events_.clear();
}

// Workers first: a flood of requests must not make nodes look dead. Ends after a while, so that
// what has come meanwhile gets its turn.
void Loop::work() {
  const std::uint64_t end_ns = monotonic_ns() + work_ns_per_turn;
  for (std::size_t i = 0; i < events_per_turn; ++i) {
    auto event = from_workers_.next();
    if (!event && !clients_.congested()) event = from_clients_.next();
    if (!event) return;
    step(*event);
    if (monotonic_ns() > end_ns) return;
  }
}

int Loop::wait_ms(std::uint64_t now) {
  std::uint64_t next = std::min({workers_.tend(now), clients_.tend(now), driver_.tend(now)});
  const Instant timer = core_.next_timer();
  if (timer != never) {
    const Duration left = timer - clock_.now();
    next = std::min(next, now + static_cast<std::uint64_t>(std::max<std::int64_t>(0, left.ms)));
  }
  return static_cast<int>(std::min<std::uint64_t>(next - std::min(next, now), 60'000));
}

void Loop::step(const Event& event) {
  const Instant now = clock_.now();
  Step done = core_.step(now, event);
  if (!done.facts.empty()) append(std::move(done.facts), now, event);
  for (Effect& effect : done.effects) {
    if (const auto* note = std::get_if<Note>(&effect))
      write_note(*note);
    else
      held_.push_back({last_, std::move(effect)});
  }
  // A sample: the whole check is for tests.
  if ((++steps_ & 1'023) == 0 && monotonic_ms() >= next_check_ms_) {
    next_check_ms_ = monotonic_ms() + check_period_ms;
    const std::string broken = core_.broken_invariant();
    WEFT_ASSERT(broken.empty(), broken + ", state " + to_hex(core_.digest()));
  }
}

void Loop::append(std::vector<FactBox> facts, Instant now, const Event& event) {
  JournalRecord record;
  record.seq = {last_.value + 1};
  record.epoch = epoch_;
  record.at = now;
  if (const auto* message = std::get_if<MessageCame>(&event)) {
    record.principal = message->principal;
    record.input = message->raw;
  }
  record.facts = std::move(facts);
  last_ = record.seq;
  journal_.append({record.seq, epoch_, now, encode(record), leases_.add(record.facts)},
                  clock_.mark());
}

void Loop::release() {
  const Seq durable = journal_.durable();
  while (!held_.empty() && held_.front().needs <= durable) {
    die_between_reply_and_order();
    Held held = std::move(held_.front());
    held_.pop_front();
    let_out(held.effect);
  }
}

// The failpoint after-reply: of a step that holds both, the reply leaves and the orders do not.
void Loop::die_between_reply_and_order() {
  const Seq step = held_.front().needs;
  if (!failpoint_armed(Failpoint::after_reply) || step == failpoint_seen_) return;
  failpoint_seen_ = step;
  const auto end = std::ranges::find_if(held_, [&](const Held& h) { return h.needs != step; });
  const auto has = [&](auto&& what) {
    return std::any_of(held_.begin(), end, [&](const Held& h) { return what(h.effect); });
  };
  if (!has(is_reply) || !has(is_order) || !failpoint_due(Failpoint::after_reply)) return;
  for (auto held = held_.begin(); held != end; ++held)
    if (is_reply(held->effect)) let_out(held->effect);
  workers_.flush_all();
  clients_.flush_all();
  usleep(100'000);  // the gateway dies with us: let it pass the reply on
  die_here();
}

void Loop::let_out(Effect& effect) {
  if (const auto* send = std::get_if<Send>(&effect)) {
    gateway_of(send->session).send(send->session, send->envelope, is_reply(effect));
  } else if (const auto* disconnect = std::get_if<Disconnect>(&effect)) {
    gateway_of(disconnect->session).close(disconnect->session);
  } else if (const auto* allow = std::get_if<Allow>(&effect)) {
    workers_.allow(allow->keys);
    clients_.allow(allow->keys);
  } else if (const auto* serve = std::get_if<ServeJournal>(&effect)) {
    reads_.ask(*serve);
  } else if (const auto* ask = std::get_if<AskDriver>(&effect)) {
    driver_.ask(ask->order);
  }
}

void Loop::take_journal_answers() {
  for (Send& answer : reads_.take_answers()) {
    Effect effect = std::move(answer);
    let_out(effect);
  }
}

void Loop::take_driver_answers() {
  std::vector<Event> events;
  driver_.collect(events);
  for (const Event& event : events) step(event);
}

// Every snapshot_every records, or as many as the last one had objects: the cost of a record does
// not grow with the state.
void Loop::snapshot_if_due() {
  const std::uint64_t since = last_.value - last_snapshot_.value;
  if (since < std::max(snapshot_every_, snapshot_size_) || journal_.snapshot_pending()) return;
  Snapshot snapshot = core_.snapshot(last_);
  snapshot_size_ = snapshot.jobs.size() + snapshot.answers.size() + snapshot.leases.size() +
                   snapshot.attempts.size() + snapshot.nodes.size();
  last_snapshot_ = last_;
  journal_.put_snapshot(std::move(snapshot), core_.digest());
}

Result<void> Loop::finish() {
  while (journal_.snapshot_pending() && !journal_.failed()) usleep(1'000);
  if (last_ != last_snapshot_) journal_.put_snapshot(core_.snapshot(last_), core_.digest());
  journal_.stop();
  if (journal_.failed()) return tl::make_unexpected(journal_.error());
  return {};
}

}  // namespace weft::broker
