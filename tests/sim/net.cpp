#include "tests/sim/net.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/assert.hpp"
#include "tests/sim/shell.hpp"
#include "tests/sim/world.hpp"

namespace weft::sim {

Net::Net(World& world) : world_(world), random_(world.random.split()) {}

SessionId Net::open(Peer& peer) {
  if (std::find(peers_.begin(), peers_.end(), &peer) == peers_.end()) peers_.push_back(&peer);
  const Instant now = world_.now();
  if (!world_.shell->listening(peer.worker) || now < peer.cut_up_until || now < peer.cut_down_until)
    return {};
  const SessionId session{next_++};
  sessions_[session] = {&peer};
  return session;
}

// How long a message takes; `last` keeps the order of the session, unless it may be overtaken.
Duration Net::way(Instant& last, Instant cut_until, bool& overtaken) {
  const Instant now = world_.now();
  Instant arrives = now + random_.span(1, world_.hostile() ? world_.plan.delay_max.ms : 3);
  if (now < cut_until) arrives = cut_until + random_.span(1, 200);  // TCP tries again
  overtaken = world_.hostile() && random_.chance(world_.plan.overtake);
  if (overtaken)
    arrives = arrives + random_.span(0, 3'000);
  else
    last = arrives = std::max(arrives, last);
  return arrives - now;
}

namespace {

// "prepare of attempt 3"; of the frequent ones nothing.
std::string in_words(const auto& body) {
  return std::visit(
      []<class T>(const T& message) -> std::string {
        if constexpr (std::is_same_v<T, std::monostate> || std::is_same_v<T, Beat>)
          return "";
        else if constexpr (requires { message.attempt.value; })
          return fmt::format("{} of attempt {}", T::name, message.attempt.value);
        else
          return T::name;
      },
      body);
}

}  // namespace

void Net::tell(SessionId id, const Envelope& envelope) {
  if (!world_.traced()) return;
  std::string words;
  if (const auto* report = std::get_if<Report>(&envelope.body)) words = in_words(report->body);
  if (const auto* order = std::get_if<Order>(&envelope.body)) words = in_words(order->body);
  const auto found = sessions_.find(id);
  if (words.empty() || found == sessions_.end()) return;
  world_.trace("      session {} ({:x}): {}", id.value,
               (found->second.peer->principal.data[1] << 8) | found->second.peer->principal.data[0],
               words);
}

void Net::up(SessionId id, const Envelope& envelope) {
  const auto found = sessions_.find(id);
  if (found == sessions_.end() || !found->second.at_broker) return;
  Session& session = found->second;
  const auto& plan = world_.plan;
  const bool cut_for_long =
      session.peer->cut_up_until - world_.now() > seconds(10) && random_.chance(500);
  if (cut_for_long || (world_.hostile() && random_.chance(plan.loss))) {
    world_.coverage.hit(Branch::lost_up);
    break_session(id);
    return;
  }
  Blob bytes = encode(envelope);
  const int copies = world_.hostile() && random_.chance(plan.repeat) ? 2 : 1;
  if (copies == 2) world_.coverage.hit(Branch::repeated_up);
  for (int i = 0; i < copies; ++i) {
    bool overtaken = false;
    const Duration takes = way(session.last_up, session.peer->cut_up_until, overtaken);
    if (overtaken) world_.coverage.hit(Branch::overtaken);
    world_.at(takes, [this, id, bytes] { deliver_up(id, bytes); });
  }
}

void Net::deliver_up(SessionId id, Blob bytes) {
  const auto found = sessions_.find(id);
  if (found == sessions_.end() || !found->second.at_broker) return;
  auto envelope = decode_envelope(bytes);
  WEFT_ASSERT(envelope.has_value(), "the codec refuses what it has encoded");
  tell(id, *envelope);
  world_.shell->message(id, found->second.peer->principal, std::move(*envelope), std::move(bytes));
}

void Net::down(SessionId id, const Envelope& envelope) {
  const auto found = sessions_.find(id);
  if (found == sessions_.end() || !found->second.at_broker) return;  // EHOSTUNREACH
  Session& session = found->second;
  const auto& plan = world_.plan;
  const bool cut_for_long =
      session.peer->cut_down_until - world_.now() > seconds(10) && random_.chance(500);
  if (cut_for_long || (world_.hostile() && random_.chance(plan.loss))) {
    world_.coverage.hit(Branch::lost_down);
    break_session(id);
    return;
  }
  const int copies = world_.hostile() && random_.chance(plan.repeat) ? 2 : 1;
  if (copies == 2) world_.coverage.hit(Branch::repeated_down);
  for (int i = 0; i < copies; ++i) {
    bool overtaken = false;
    const Duration takes = way(session.last_down, session.peer->cut_down_until, overtaken);
    if (overtaken) world_.coverage.hit(Branch::overtaken);
    world_.at(takes, [this, id, envelope] { deliver_down(id, envelope); });
  }
}

void Net::deliver_down(SessionId id, const Envelope& envelope) {
  const auto found = sessions_.find(id);
  if (found == sessions_.end() || !found->second.at_peer) return;
  tell(id, envelope);
  found->second.peer->heard(id, envelope);
}

void Net::tidy(SessionId id) {
  const auto found = sessions_.find(id);
  if (found != sessions_.end() && !found->second.at_peer && !found->second.at_broker)
    sessions_.erase(found);
}

void Net::end_at_peer(SessionId id, Duration after) {
  world_.at(after, [this, id] {
    const auto found = sessions_.find(id);
    if (found == sessions_.end() || !found->second.at_peer) return;
    found->second.at_peer = false;
    Peer* peer = found->second.peer;
    tidy(id);
    peer->lost(id);
  });
}

void Net::close_by_peer(SessionId id) {
  const auto found = sessions_.find(id);
  if (found == sessions_.end()) return;
  found->second.at_peer = false;
  tidy(id);
  world_.at(random_.span(1, 50), [this, id] { close_by_broker(id); });
}

void Net::close_by_broker(SessionId id) {
  const auto found = sessions_.find(id);
  if (found == sessions_.end() || !found->second.at_broker) return;
  found->second.at_broker = false;
  if (found->second.at_peer) end_at_peer(id, random_.span(1, 100));
  tidy(id);
  world_.shell->closed(id);
}

void Net::break_session(SessionId id) {
  const auto found = sessions_.find(id);
  if (found == sessions_.end() || found->second.breaking) return;
  found->second.breaking = true;
  world_.coverage.hit(Branch::session_broken);
  end_at_peer(id, random_.span(100, 6'000));
  world_.at(random_.span(100, 6'000), [this, id] {
    const auto again = sessions_.find(id);
    if (again == sessions_.end() || !again->second.at_broker) return;
    again->second.at_broker = false;
    tidy(id);
    world_.shell->closed(id);
  });
}

std::vector<SessionId> Net::gateway_gone(bool workers) {
  std::vector<SessionId> gone;
  for (auto& [id, session] : sessions_) {
    if (!session.at_broker || session.peer->worker != workers) continue;
    session.at_broker = false;
    gone.push_back(id);
  }
  for (const SessionId id : gone) {
    if (sessions_[id].at_peer) end_at_peer(id, random_.span(1, 400));
    tidy(id);
  }
  return gone;
}

void Net::cut_some() {
  if (peers_.empty()) return;
  const auto count = random_.between(1, 1 + static_cast<std::int64_t>(peers_.size()) / 3);
  for (std::int64_t i = 0; i < count; ++i) {
    Peer& peer = *random_.pick(peers_);
    const Instant until = world_.now() + random_.span(500, 40'000);
    const std::uint64_t which = random_.below(3);
    if (which != 0) peer.cut_up_until = until, world_.coverage.hit(Branch::cut_up);
    if (which != 1) peer.cut_down_until = until, world_.coverage.hit(Branch::cut_down);
  }
}

void Net::heal() {
  for (Peer* peer : peers_) peer->cut_up_until = peer->cut_down_until = {};
}

std::vector<SessionId> Net::alive() const {
  std::vector<SessionId> list;
  for (const auto& [id, session] : sessions_)
    if (session.at_broker && session.at_peer && session.peer->beating() &&
        world_.now() >= session.peer->cut_up_until)
      list.push_back(id);
  return list;
}

bool Net::open_at_broker(SessionId id) const {
  const auto found = sessions_.find(id);
  return found != sessions_.end() && found->second.at_broker;
}

}  // namespace weft::sim
