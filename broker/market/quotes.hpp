// Quotes: a placed, priced and reserved answer, firm until it lapses.
// Changes only by put() (from apply). Thread: one.
#pragma once
#include <map>
#include <set>

#include "broker/market/states.hpp"
#include "schemas/state.hpp"

namespace weft::broker::market {

class Quotes {
 public:
  const std::map<QuoteId, Quote>& all() const { return quotes_; }
  const Quote* find(QuoteId id) const;
  const std::set<QuoteId>& open() const { return open_; }
  // The open quote that reserves the node, or none.
  QuoteId reserving(NodeId node) const;
  std::uint32_t open_of(const std::string& account) const;
  // The nodes stay reserved a little longer than the quote says, so that an acceptance that was
  // sent in time is honoured.
  static Instant reserved_until(const Quote& quote) {
    return quote.expires_at + limits::quote_reserve_slack;
  }

  void put(const Quote& quote);

 private:
  std::map<QuoteId, Quote> quotes_;
  std::set<QuoteId> open_;
  std::set<QuoteId> over_;  // of those that are not open the newest are kept
  std::map<NodeId, QuoteId> reserved_;
};

}  // namespace weft::broker::market
