#include "broker/core/tx.hpp"

#include "base/planted.hpp"
#include "broker/core/arm.hpp"
#include "broker/core/events.hpp"

namespace weft::broker {

void Tx::emit(Fact fact) {
  machine.durable.apply(fact);
  ++soft.facts;
  arm(*this, fact);
  record_event(machine, fact, Seq{d.seq.value + 1}, now);
  out.facts.push_back({std::move(fact)});
}

void Tx::send(SessionId session, Envelope envelope) {
  out.effects.emplace_back(std::in_place_type<Send>, Send{session, std::move(envelope)});
}

void Tx::reply(SessionId session, const RequestKey& key, ReplyBody body) {
  Envelope e;
  e.key = key;
  e.body = Reply{std::move(body)};
  send(session, std::move(e));
}

void Tx::order(SessionId session, OrderBody body) {
  Envelope e;
  e.epoch = planted(3) ? Epoch{1} : d.epoch;
  e.body = Order{std::move(body)};
  send(session, std::move(e));
}

void Tx::order(NodeId node, OrderBody body) {
  const auto it = soft.workers.find(node);
  if (it != soft.workers.end() && it->second.session) order(it->second.session, std::move(body));
}

void Tx::note(Note::Level level, std::string text) {
  out.effects.emplace_back(std::in_place_type<Note>, Note{level, std::move(text)});
}

}  // namespace weft::broker
