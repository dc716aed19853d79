// One step being made. Handlers read the machine and change durable state only by emit();
// everything that goes out goes through here. Check first, then emit: a handler that has emitted
// may not refuse.
#pragma once
#include <string>

#include "broker/core/machine.hpp"

namespace weft::broker {

struct Caller {  // who asks
  SessionId session;
  RequestKey key;
  KeyEntry entry;
  bool is_operator() const { return entry.role == Role::operator_; }
  // May this caller see what belongs to `account`?
  bool sees(const std::string& account) const { return is_operator() || entry.account == account; }
};

class Tx {
 public:
  Tx(Machine& m, Instant at, Step& step)
      : machine(m), d(m.durable), soft(m.soft), now(at), out(step) {}

  void emit(Fact fact);  // applies, records, sets timers
  void send(SessionId session, Envelope envelope);
  void reply(SessionId session, const RequestKey& key, ReplyBody body);
  // To the worker of a node, if it is connected; an order that is state is sent again when it
  // joins.
  void order(NodeId node, OrderBody body);
  void order(SessionId session, OrderBody body);
  void disconnect(SessionId session) {
    out.effects.emplace_back(std::in_place_type<Disconnect>, session);
  }
  void allow() { out.effects.emplace_back(std::in_place_type<Allow>, d.keys.live()); }
  void note(Note::Level level, std::string text);
  void plan_again() { soft.plan.dirty = true; }
  void touch(NodeId node) {  // whether it can be given out may have changed
    soft.rentable.touch(node);
    soft.plan.dirty = true;
  }

  Machine& machine;
  const Durable& d;
  Soft& soft;
  const Instant now;
  Step& out;
};

}  // namespace weft::broker
