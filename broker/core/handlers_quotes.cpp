#include <fmt/format.h>

#include <algorithm>

#include "broker/core/handlers.hpp"
#include "broker/core/renting.hpp"
#include "broker/core/schedule.hpp"
#include "broker/core/slices.hpp"

namespace weft::broker {
namespace {

Result<const Quote*> quote_of(const Tx& tx, const Caller& caller, QuoteId id) {
  const Quote* quote = tx.d.quotes.find(id);
  if (!quote || !caller.sees(quote->account))
    return fail(Code::quote_unknown, fmt::format("quote {} is not known", id.value));
  return quote;
}

Result<void> sane(const AskQuote& ask) {
  if (ask.nodes < 1 || ask.nodes > limits::nodes_per_job_max)
    return fail(Code::spec_range,
                fmt::format("nodes: {}; 1 to {}", ask.nodes, limits::nodes_per_job_max));
  if (ask.gpus_per_node > limits::gpus_per_node_max)
    return fail(Code::spec_range, fmt::format("gpus_per_node: {}; at most {}", ask.gpus_per_node,
                                              limits::gpus_per_node_max));
  if (ask.term < limits::job_time_min || ask.term > limits::job_time_max)
    return fail(Code::spec_range,
                fmt::format("time: {}; {} to {}", to_string(ask.term),
                            to_string(limits::job_time_min), to_string(limits::job_time_max)));
  if (ask.ttl.ms < 0 || ask.ttl > limits::quote_ttl_max)
    return fail(Code::spec_range, fmt::format("ttl: {}; at most {}", to_string(ask.ttl),
                                              to_string(limits::quote_ttl_max)));
  if (ask.notice.ms != 0 && (ask.notice < limits::notice_min || ask.notice > limits::notice_max))
    return fail(Code::spec_range,
                fmt::format("notice: {}; {} to {}, or 0 for a firm lease", to_string(ask.notice),
                            to_string(limits::notice_min), to_string(limits::notice_max)));
  return {};
}

QuoteReply reply_of(const Tx& tx, const Quote& quote) {
  QuoteReply reply{quote, {}, cost_ceil(quote.price, quote.units, quote.term)};
  for (const NodeId node : quote.nodes) reply.nodes.push_back(tx.d.nodes.at(node).name);
  return reply;
}

std::string shortage(const fabric::Request& request, const fabric::Rejection& r) {
  return fmt::format(
      "{} nodes asked for, at most {} of one owner fit now (busy {}, too few GPUs {}, notice {}, "
      "window {}, price {})",
      request.nodes, r.fit, r.busy, r.gpus, r.notice, r.window, r.price);
}

}  // namespace

Answer handle(Tx& tx, const Caller& caller, const AskQuote& ask) {
  if (auto ok = sane(ask); !ok) return tl::make_unexpected(ok.error());
  const std::uint32_t open = tx.d.quotes.open_of(caller.entry.account);
  if (open >= limits::quotes_open_max)
    return fail(Code::quote_limit,
                fmt::format("{} quotes are open; accept or decline one first", open));
  tx.soft.rentable.refresh(tx.machine, tx.now);
  const auto free = tx.soft.rentable.free();
  if (open > 0 && std::size_t{ask.nodes} * 4 > free.size())
    return fail(
        Code::quote_limit,
        fmt::format("a further quote may hold a quarter of the {} free nodes", free.size()));
  fabric::Request request{ask.nodes, ask.gpus_per_node, ask.term,     ask.notice,
                          {},        ask.within,        ask.exclusive};
  if (ask.has_price_max) request.price_max = ask.price_max;
  const auto placed = fabric::place(request, free, site_of(tx.machine, tx.now), tx.now);
  if (!placed.placement) return fail(placed.rejection.blocker, shortage(request, placed.rejection));
  if (auto cost = escrow_for(*placed.placement, ask.term); !cost)
    return tl::make_unexpected(cost.error());
  const Duration ttl = ask.ttl.ms == 0 ? limits::quote_ttl_default : ask.ttl;
  Quote quote;
  quote.id = {tx.d.next.quote};
  quote.account = caller.entry.account;
  quote.nodes = rank_order(tx, *placed.placement);
  quote.slice = slice_for(tx, placed.placement->cut);
  quote.price = placed.placement->price;
  quote.units = placed.placement->units;
  quote.term = ask.term;
  quote.notice = placed.placement->notice;
  quote.expires_at = tx.now + ttl;
  tx.emit(QuotePut{quote});
  return ReplyBody{reply_of(tx, quote)};
}

Answer handle(Tx& tx, const Caller& caller, const AcceptQuote& ask) {
  const auto found = quote_of(tx, caller, ask.quote);
  if (!found) return tl::make_unexpected(found.error());
  Quote quote = **found;
  switch (quote.state) {
    case QuoteState::open: break;
    case QuoteState::accepted:
      return fail(Code::quote_used,
                  fmt::format("quote {} is lease {} already", quote.id.value, quote.lease.value));
    case QuoteState::voided:
      return fail(Code::quote_void,
                  fmt::format("a node of quote {} was lost; ask again", quote.id.value));
    case QuoteState::lapsed:
    case QuoteState::declined:
      return fail(Code::quote_lapsed,
                  fmt::format("quote {} is {}; ask again", quote.id.value, to_string(quote.state)));
  }
  const Money cost = cost_ceil(quote.price, quote.units, quote.term);
  const Money cash = tx.d.ledger.balance(market::cash_of(quote.account));
  if (cash < cost)
    return fail(Code::money_insufficient,
                fmt::format("the term costs up to ${}; account {} has ${}", to_string(cost),
                            quote.account, to_string(cash)));
  const fabric::Placement placement{quote.nodes,  0,     quote.units,        quote.price,
                                    quote.notice, never, cut_of(quote.slice)};
  quote.state = QuoteState::accepted;
  quote.lease = {tx.d.next.lease};
  tx.emit(QuotePut{quote});
  const LeaseId lease = grant(tx, placement, quote.account, {}, quote.id, quote.term);
  // Handed over, and billed, from now; on a fabric that a driver programs, once that is verified.
  tx.emit(LeaseMoved{lease, LeaseState::preparing, Cause::none, tx.now,
                     tx.d.leases.at(lease).lease.ends_at});
  if (delivered(tx, lease)) start_billing(tx, lease);
  return ReplyBody{LeaseList{{tx.d.leases.at(lease).lease}}};
}

Answer handle(Tx& tx, const Caller& caller, const DeclineQuote& ask) {
  const auto found = quote_of(tx, caller, ask.quote);
  if (!found) return tl::make_unexpected(found.error());
  const Quote quote = **found;
  const auto next = next_state(market::quote_rows, quote.state, market::QuoteInput::decline);
  if (!next)
    return fail(Code::state_illegal,
                fmt::format("quote {} is {} already", quote.id.value, to_string(quote.state)));
  end_quote(tx, quote, *next);
  return ReplyBody{Done{}};
}

}  // namespace weft::broker
