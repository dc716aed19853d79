#include <fmt/format.h>

#include "base/planted.hpp"
#include "broker/core/authorise.hpp"
#include "broker/core/handlers.hpp"
#include "schemas/digest.hpp"

namespace weft::broker {
namespace {

void refuse(Tx& tx, const Caller& caller, Error error) {
  if (error.detail.size() > limits::text_bytes_max) error.detail.resize(limits::text_bytes_max);
  tx.reply(caller.session, caller.key, Refused{error.code, std::move(error.detail)});
}

// One key, one effect: a repeat gets the stored reply, another request with that key is refused.
// True: it has been answered.
bool answered_before(Tx& tx, const Caller& caller, const Digest& digest) {
  const Answered* before = tx.d.answers.find(caller.entry.principal, caller.key);
  if (!before) return false;
  if (!planted(11) && before->request != digest) {
    refuse(tx, caller,
           {Code::idem_conflict, "this key was used for another request; use a new one"});
    return true;
  }
  auto reply = decode_reply(before->reply);
  if (reply)
    tx.reply(caller.session, caller.key, std::move(reply->body));
  else
    refuse(tx, caller, reply.error());
  return true;
}

}  // namespace

void on_request(Tx& tx, const Caller& caller, const Envelope& envelope) {
  const Request& request = std::get<Request>(envelope.body);
  if (auto allowed = authorise(caller.entry.role, request.body); !allowed)
    return refuse(tx, caller, allowed.error());
  const bool changes = mutating(request.body);
  Digest digest;
  if (changes) {
    if (caller.key == RequestKey{})
      return refuse(tx, caller,
                    {Code::usage, "a request that changes something needs a key of its own"});
    digest = digest_of(request);
    if (answered_before(tx, caller, digest)) return;
  }
  Answer answer = std::visit([&](const auto& r) { return handle(tx, caller, r); }, request.body);
  if (!answer) return refuse(tx, caller, answer.error());
  if (std::holds_alternative<std::monostate>(*answer)) return;  // it will be answered
  if (changes && !planted(1))
    tx.emit(Answered{caller.entry.principal, caller.key, digest, encode(Reply{*answer}), tx.now});
  tx.reply(caller.session, caller.key, std::move(*answer));
}

Answer handle(Tx&, const Caller&, const std::monostate&) {
  return fail(Code::wire_unknown, "a request of a kind that this broker does not know");
}

Answer handle(Tx& tx, const Caller& caller, const Hello&) {
  Info info;
  info.version = tx.soft.version;
  info.epoch = tx.d.epoch;
  info.seq = tx.d.seq;
  info.now = tx.now;
  info.started_at = tx.soft.started_at;
  info.role = caller.entry.role;
  info.key_name = caller.entry.name;
  info.account = caller.entry.account;
  info.jobs_live = tx.d.jobs.live().size();
  for (const auto& [id, node] : tx.d.nodes.all()) info.nodes_up += node.state == NodeState::up;
  // Hashing a large state takes too long to do for a greeting: left empty then.
  constexpr std::size_t objects_max = 2'000;
  if (caller.is_operator() && tx.d.jobs.all().size() + tx.d.answers.size() <= objects_max) {
    if (tx.soft.digest_of_facts != tx.soft.facts) {
      tx.soft.digest = tx.d.digest();
      tx.soft.digest_of_facts = tx.soft.facts;
    }
    info.state = tx.soft.digest;
  }
  return ReplyBody{std::move(info)};
}

}  // namespace weft::broker
