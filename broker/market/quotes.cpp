#include "broker/market/quotes.hpp"

namespace weft::broker::market {

const Quote* Quotes::find(QuoteId id) const {
  const auto it = quotes_.find(id);
  return it == quotes_.end() ? nullptr : &it->second;
}

QuoteId Quotes::reserving(NodeId node) const {
  const auto it = reserved_.find(node);
  return it == reserved_.end() ? QuoteId{} : it->second;
}

std::uint32_t Quotes::open_of(const std::string& account) const {
  std::uint32_t count = 0;
  for (const QuoteId id : open_)
    if (find(id)->account == account) ++count;
  return count;
}

void Quotes::put(const Quote& quote) {
  quotes_[quote.id] = quote;
  const bool open = quote.state == QuoteState::open;
  if (open) {
    open_.insert(quote.id);
  } else {
    open_.erase(quote.id);
    over_.insert(quote.id);
    if (over_.size() > limits::jobs_ended_kept) {
      quotes_.erase(*over_.begin());
      over_.erase(over_.begin());
    }
  }
  for (const NodeId node : quote.nodes) {
    const auto it = reserved_.find(node);
    if (open)
      reserved_[node] = quote.id;
    else if (it != reserved_.end() && it->second == quote.id)
      reserved_.erase(it);
  }
}

}  // namespace weft::broker::market
