#include "broker/market/offers.hpp"

namespace weft::broker::market {

const Offer* Offers::find(OfferId id) const {
  const auto it = offers_.find(id);
  return it == offers_.end() ? nullptr : &it->second;
}

const Offer* Offers::open_for(NodeId node) const {
  const auto it = open_.find(node);
  return it == open_.end() ? nullptr : find(it->second);
}

std::vector<OfferId> Offers::live_for(NodeId node) const {
  const auto it = live_.find(node);
  if (it == live_.end()) return {};
  return {it->second.begin(), it->second.end()};
}

const Offer* Offers::overlapping(const std::vector<NodeId>& nodes, Instant from,
                                 Instant until) const {
  for (const NodeId node : nodes) {
    for (const OfferId id : live_for(node)) {
      const Offer& other = *find(id);
      if (other.state == OfferState::closing) continue;
      if (from < other.until && other.from < until) return &other;
    }
  }
  return nullptr;
}

bool Offers::any_floor_above_zero() const {
  for (const auto& [id, offer] : offers_)
    if (offer.state < OfferState::closing && offer.floor.micros > 0) return true;
  return false;
}

void Offers::put(const Offer& offer) {
  offers_[offer.id] = offer;
  for (const NodeId node : offer.nodes) {
    if (offer.state == OfferState::closed)
      live_[node].erase(offer.id);
    else
      live_[node].insert(offer.id);
    const auto open = open_.find(node);
    if (lets(offer.state))
      open_[node] = offer.id;
    else if (open != open_.end() && open->second == offer.id)
      open_.erase(open);
  }
}

}  // namespace weft::broker::market
