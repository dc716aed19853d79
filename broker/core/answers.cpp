#include "base/planted.hpp"
#include "broker/core/durable.hpp"

namespace weft::broker {

const Answered* Answers::find(const Principal& principal, const RequestKey& key) const {
  if (planted(2)) return nullptr;
  const auto it = by_key_.find({planted(4) ? Principal{} : principal, key});
  return it == by_key_.end() ? nullptr : &it->second;
}

void Answers::put(const Answered& answered) {
  const Key key{planted(4) ? Principal{} : answered.principal, answered.key};
  const auto [it, fresh] = by_key_.insert_or_assign(key, answered);
  if (fresh) order_.push_back(key);
  while (!order_.empty()) {
    const auto oldest = by_key_.find(order_.front());
    const bool old = oldest->second.at + limits::request_kept_for < answered.at;
    if (!old && order_.size() <= limits::requests_kept) break;
    by_key_.erase(oldest);
    order_.pop_front();
  }
}

std::vector<Answered> Answers::list() const {
  std::vector<Answered> out;
  out.reserve(order_.size());
  for (const Key& key : order_) out.push_back(by_key_.find(key)->second);
  return out;
}

const KeyEntry* Keys::find(const Principal& principal) const {
  const auto it = entries_.find(principal);
  return it == entries_.end() ? nullptr : &it->second;
}
const KeyEntry* Keys::find_live(const Principal& principal) const {
  const KeyEntry* entry = find(principal);
  return entry && !entry->revoked ? entry : nullptr;
}
const KeyEntry* Keys::find_live(const std::string& name_or_hex) const {
  for (const auto& [principal, entry] : entries_)
    if (!entry.revoked && (entry.name == name_or_hex || to_hex(principal) == name_or_hex))
      return &entry;
  return nullptr;
}
bool Keys::account_known(const std::string& account) const {
  for (const auto& [principal, entry] : entries_)
    if (entry.account == account) return true;
  return false;
}
std::vector<KeyEntry> Keys::live() const {
  std::vector<KeyEntry> out;
  for (const auto& [principal, entry] : entries_)
    if (!entry.revoked) out.push_back(entry);
  return out;
}
void Keys::put(const KeyEntry& entry) { entries_[entry.principal] = entry; }

}  // namespace weft::broker
