#include <fmt/format.h>

#include <algorithm>

#include "broker/core/handlers.hpp"
#include "broker/core/size.hpp"
#include "broker/core/waiting.hpp"
#include "broker/core/workers.hpp"
#include "broker/jobs/validate.hpp"

namespace weft::broker {

Answer handle(Tx& tx, const Caller& caller, const ListNodes&) {
  NodeList list;
  Room room(limits::reply_bytes_max);
  for (const auto& [name, id] : tx.d.nodes.by_name()) {
    const Node& node = tx.d.nodes.at(id);
    const market::LeaseBook* lease = tx.d.leases.find(node.lease);
    const bool mine = caller.sees(node.owner);
    const bool rented = lease && caller.sees(lease->lease.account);
    if (!mine && !rented && !(caller.entry.role == Role::customer && tx.d.offers.open_for(id)))
      continue;
    Node shown = node;
    if (!mine) {  // a customer sees what is to let, not whose keys or whose leases
      shown.principal = {};
      shown.incarnation = {};
      shown.inventory.address.clear();
      if (!rented) shown.lease = {};
    }
    if (!room.take(shown)) break;
    list.nodes.push_back(std::move(shown));
  }
  return ReplyBody{std::move(list)};
}

Answer handle(Tx& tx, const Caller& caller, const ReadJournal& ask) {
  if (!ask.lease) {
    if (!caller.is_operator())
      return fail(Code::auth_denied,
                  "the whole journal is the operator's; name a lease of your own");
  } else {
    const market::LeaseBook* book = tx.d.leases.find(ask.lease);
    const bool party =
        book && (caller.sees(book->lease.account) || book->lease.owner == caller.entry.account);
    if (!party)
      return fail(Code::lease_unknown, fmt::format("lease {} is not known", ask.lease.value));
  }
  tx.out.effects.emplace_back(std::in_place_type<ServeJournal>,
                              ServeJournal{caller.session, caller.key, ask.from, ask.lease});
  return ReplyBody{};
}

Answer handle(Tx& tx, const Caller&, const EnrollKey& ask) {
  const KeyEntry& key = ask.key;
  if (!jobs::good_name(key.name))
    return fail(Code::usage, fmt::format("name: '{}'; 1 to 63 of a-z 0-9 -", key.name));
  if (!jobs::good_name(key.account))
    return fail(Code::usage, fmt::format("account: '{}'; 1 to 63 of a-z 0-9 -", key.account));
  if (key.principal == Principal{})
    return fail(Code::usage, "key: missing; a public key of 32 bytes");
  if (const KeyEntry* known = tx.d.keys.find(key.principal))
    return fail(Code::auth_exists,
                fmt::format("this key is enrolled already, as '{}'{}", known->name,
                            known->revoked ? ", and was revoked: make a new one" : ""));
  if (tx.d.keys.find_live(key.name))
    return fail(Code::auth_exists,
                fmt::format("a key named '{}' is enrolled already; choose another name", key.name));
  const Node* node = tx.d.nodes.find(key.name);
  if (key.role == Role::worker && node && node->state != NodeState::left)
    return fail(Code::auth_exists,
                fmt::format("node '{}' has another key; revoke that first", key.name));
  if (tx.d.keys.all().size() >= limits::list_max)
    return fail(Code::limit_reached,
                fmt::format("{} keys; at most {}", tx.d.keys.all().size(), limits::list_max));
  KeyEntry entry = key;
  entry.revoked = false;
  tx.emit(KeyPut{entry});
  tx.allow();
  return ReplyBody{KeyList{{entry}}};
}

Answer handle(Tx& tx, const Caller& caller, const ListKeys&) {
  KeyList list;
  Room room(limits::reply_bytes_max);
  for (const auto& [principal, entry] : tx.d.keys.all()) {
    if (!caller.sees(entry.account)) continue;
    if (!room.take(entry)) break;
    list.keys.push_back(entry);
  }
  std::sort(list.keys.begin(), list.keys.end(), [](const KeyEntry& a, const KeyEntry& b) {
    return std::tie(a.name, a.principal) < std::tie(b.name, b.principal);
  });
  return ReplyBody{std::move(list)};
}

Answer handle(Tx& tx, const Caller&, const RevokeKey& ask) {
  const KeyEntry* found = tx.d.keys.find_live(ask.key_name);
  if (!found)
    return fail(Code::auth_unknown_key, fmt::format("no key is named '{}'", ask.key_name));
  KeyEntry entry = *found;
  const auto live = tx.d.keys.live();
  const auto operators = std::count_if(live.begin(), live.end(),
                                       [](const KeyEntry& e) { return e.role == Role::operator_; });
  if (entry.role == Role::operator_ && operators == 1)
    return fail(Code::state_illegal, "this is the last operator key; enroll another first");
  entry.revoked = true;
  tx.emit(KeyPut{entry});
  tx.allow();
  if (const Node* node = tx.d.nodes.find(entry.principal))
    node_gone(tx, node->id, NodeState::left, "its key was revoked");
  std::vector<SessionId> theirs;
  for (const auto& [session, principal] : tx.soft.sessions)
    if (principal == entry.principal) theirs.push_back(session);
  for (const SessionId session : theirs) {
    tx.disconnect(session);
    session_closed(tx, session);
  }
  return ReplyBody{KeyList{{entry}}};
}

Answer handle(Tx& tx, const Caller&, const Deposit& ask) {
  if (!jobs::good_name(ask.account))
    return fail(Code::usage, fmt::format("account: '{}'; 1 to 63 of a-z 0-9 -", ask.account));
  const Money cash = tx.d.ledger.balance(market::cash_of(ask.account));
  if (ask.amount.micros <= 0 || ask.amount > limits::money_max ||
      cash + ask.amount > limits::money_max)
    return fail(Code::money_range,
                fmt::format("amount: ${}; above 0, and at most ${} in an account",
                            to_string(ask.amount), to_string(limits::money_max)));
  Posted posted = market::deposit(ask.account, ask.amount, tx.now);
  posted.id = {tx.d.next.posting};
  tx.emit(std::move(posted));
  return ReplyBody{Done{}};
}

Answer handle(Tx& tx, const Caller& caller, const ListAccounts&) {
  AccountList list;
  for (Account& account : tx.d.ledger.accounts())
    if (caller.sees(account.name) && list.accounts.size() < 5'000)
      list.accounts.push_back(std::move(account));
  return ReplyBody{std::move(list)};
}

Answer handle(Tx& tx, const Caller& caller, const ReadEvents& ask) {
  if (ask.job)
    if (auto job = job_of(tx, caller, ask.job); !job) return tl::make_unexpected(job.error());
  return read_events(tx, caller, ask);
}

}  // namespace weft::broker
