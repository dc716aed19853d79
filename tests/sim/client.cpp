#include "tests/sim/client.hpp"

#include "tests/sim/shell.hpp"
#include "tests/sim/watch.hpp"
#include "tests/sim/world.hpp"

namespace weft::sim {

bool changes_state(const RequestBody& body) {
  if (const auto* submit = std::get_if<SubmitJob>(&body)) return !submit->dry_run;
  return std::holds_alternative<CancelJob>(body) || std::holds_alternative<PutOffer>(body) ||
         std::holds_alternative<WithdrawOffer>(body) || std::holds_alternative<AskQuote>(body) ||
         std::holds_alternative<AcceptQuote>(body) || std::holds_alternative<DeclineQuote>(body) ||
         std::holds_alternative<ReleaseLease>(body) || std::holds_alternative<EnrollKey>(body) ||
         std::holds_alternative<RevokeKey>(body) || std::holds_alternative<Deposit>(body);
}

Client::Client(World& world, std::uint32_t number, std::string name)
    : world_(world), random_(world.random.split()), name_(std::move(name)) {
  principal = principal_of(number);
}

void Client::start() {
  connect();
  plan_act();
}

void Client::plan_act() {
  world_.at(random_.span(1, 2 * world_.plan.request_every.ms), [this] {
    if (!world_.hostile()) return;
    act();
    plan_act();
  });
}

void Client::connect() {
  if (session_) return;
  session_ = world_.net->open(*this);
  if (!session_) {
    world_.at(random_.span(50, 1'500), [this] { connect(); });
    return;
  }
  for (const auto& [key, asked] : asked_)
    if (!asked.answered) send(key);
}

void Client::lost(SessionId session) {
  if (session != session_) return;
  session_ = {};
  world_.at(random_.span(10, 1'000), [this] { connect(); });
}

RequestKey Client::fresh_key() {
  RequestKey key;
  // Some keys come from a small set that all clients draw from: a key is one principal's own.
  const bool shared = random_.chance(60);
  std::uint64_t number = shared ? random_.below(4) : random_.next();
  for (int i = 0; i < 8; ++i) key.data[i] = static_cast<std::uint8_t>(number >> (8 * i));
  key.data[15] = shared ? 1 : 2;
  if (asked_.contains(key)) return fresh_key();
  for (const auto& client : world_.clients)
    if (client.get() != this && client->asked_.contains(key))
      world_.coverage.hit(Branch::key_shared);
  return key;
}

void Client::ask(RequestBody body, Heard heard) {
  ask(std::move(body), fresh_key(), std::move(heard));
}

void Client::ask(RequestBody body, const RequestKey& key, Heard heard) {
  Asked& asked = asked_[key];
  asked.changes = changes_state(body);
  asked.body = std::move(body);
  asked.heard = std::move(heard);
  send(key);
  again(key);
}

void Client::send(const RequestKey& key) {
  if (!session_) return;
  Asked& asked = asked_[key];
  if (asked.tries++ > 0) world_.coverage.hit(Branch::retried);
  Envelope envelope;
  envelope.key = key;
  envelope.body = Request{asked.body};
  world_.net->up(session_, envelope);
}

// No answer for a while: the connection may be dead without knowing it.
void Client::again(const RequestKey& key) {
  world_.at(random_.span(4'000, 7'000), [this, key] {
    if (asked_[key].answered) return;
    if (random_.chance(300) && session_) {
      world_.net->close_by_peer(session_);
      session_ = {};
      connect();
    } else {
      send(key);
    }
    again(key);
  });
}

void Client::heard(SessionId session, const Envelope& envelope) {
  if (session != session_) return;
  const auto* reply = std::get_if<Reply>(&envelope.body);
  if (!reply) return world_.fail("a client was sent something that is not a reply");
  const auto found = asked_.find(envelope.key);
  if (found == asked_.end()) return world_.fail("a client got a reply that it did not ask for");
  Asked& asked = found->second;
  const auto* refused = std::get_if<Refused>(&reply->body);
  if (refused && asked.answered) return;  // see provoke()
  if (asked.changes && !refused) world_.watch->acknowledged(principal, envelope.key, *reply);
  if (asked.answered) {
    // A refusal is not remembered: a copy of the request that came later may have been granted.
    const bool granted = !std::holds_alternative<Refused>(asked.reply);
    if (asked.changes && !refused && granted && asked.reply != reply->body)
      world_.fail("3: one key got two different answers");
    return;
  }
  asked.answered = true;
  asked.reply = reply->body;
  world_.mix(reply->body.index());
  if (refused)
    world_.trace("{} is refused: {} {}", name_, to_string(refused->code), refused->detail);
  if (asked.heard) asked.heard(reply->body);
  if (asked.changes && !refused) provoke(envelope.key, asked);
}

// The same request again, long after its answer; and another request under its key.
void Client::provoke(const RequestKey& key, const Asked& asked) {
  if (!world_.hostile() || !session_) return;
  if (random_.chance(150)) {
    world_.coverage.hit(Branch::replayed);
    world_.at(random_.span(1, 20'000), [this, key] { send(key); });
  }
  if (!random_.chance(100) || std::holds_alternative<DeclineQuote>(asked.body)) return;
  world_.coverage.hit(Branch::conflict);
  world_.at(random_.span(1, 10'000), [this, key] {
    if (!session_) return;
    Envelope envelope;
    envelope.key = key;
    envelope.body = Request{DeclineQuote{{999'999}}};
    world_.net->up(session_, envelope);
  });
}

void Client::must_refuse(const ReplyBody& reply, const char* what) {
  if (!std::holds_alternative<Refused>(reply)) world_.fail(fmt::format("9: {} was allowed", what));
}

std::string Client::waiting() const {
  for (const auto& [key, asked] : asked_)
    if (!asked.answered)
      return fmt::format("{} has no answer to a request of kind {} ({} tries)", name_,
                         asked.body.index(), asked.tries);
  return {};
}

}  // namespace weft::sim
