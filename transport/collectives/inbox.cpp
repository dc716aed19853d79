#include "transport/collectives/inbox.hpp"

#include <algorithm>
#include <cstring>

namespace weft::transport {

// A rank is at most `synchronise_every` operations ahead, each with a few messages to one peer.
Inbox::Inbox(Network& network, std::uint32_t size, const Tuning& tuning)
    : network_(network), early_max_(std::size_t{size} * 64), early_(early_ready) {
  waiting_.reserve(64);
  // Untouched pages of these cost nothing; later growth would be an allocation at a random
  // operation.
  for (auto& early : early_) early.copy.reserve(tuning.small_bytes);
}

void Inbox::begin(std::uint32_t sequence, const Call& call) {
  begun_ = sequence;
  calls_[sequence % remembered] = call;
  if (early_count_ == 0) return;
  for (const auto& early : early_)
    if (early.used && early.header.sequence == sequence) (void)same_call(early.header);
}

bool Inbox::same_call(const Header& header) {
  const Call& mine = calls_[header.sequence % remembered];
  const Call theirs = call_of(header);
  if (theirs == mine) return true;
  if (!mismatch_) mismatch_ = Mismatch{header.source, header.sequence, theirs, mine};
  return false;
}

Verdict Inbox::arrived(const Arrival& arrival) {
  const Header& header = arrival.header;
  // Sequences wrap; the difference says which side is ahead.
  const auto ahead = static_cast<std::int32_t>(header.sequence - begun_);
  if (ahead > 0) return keep(arrival);
  if (ahead <= -static_cast<std::int32_t>(remembered) || !same_call(header)) {
    ++dropped_;
    return Verdict::taken;
  }
  if (ahead < 0) {  // of an operation that is over here: nobody waits for it
    ++dropped_;
    return Verdict::taken;
  }
  const auto found = std::ranges::find_if(waiting_, [&](const Waiting& w) {
    return w.from == header.source && w.message == header.message;
  });
  if (found == waiting_.end()) return keep(arrival);
  const Waiting waiting = *found;
  *found = waiting_.back();
  waiting_.pop_back();
  deliver(waiting, arrival.data, arrival.bytes, arrival.rendezvous);
  return arrival.rendezvous ? Verdict::kept : Verdict::taken;
}

void Inbox::receive(std::uint32_t from, std::uint64_t message, void* into, std::size_t bytes,
                    Transfer& transfer) {
  transfer.done = false;
  const Waiting waiting{from, message, into, bytes, &transfer};
  if (early_count_ > 0) {
    for (auto& early : early_) {
      if (!early.used || early.header.source != from || early.header.message != message ||
          early.header.sequence != begun_)
        continue;
      early.used = false;
      --early_count_;
      if (early.kept == nullptr) return deliver(waiting, early.copy.data(), early.bytes, false);
      deliver(waiting, early.kept, early.bytes, early.rendezvous);
      if (!early.rendezvous) network_.release(early.kept);
      early.kept = nullptr;
      return;
    }
  }
  waiting_.push_back(waiting);
}

// Equal calls make equal lengths, so a difference here is a peer that breaks the protocol; it
// counts as a mismatch and the bytes are not used.
void Inbox::deliver(const Waiting& waiting, void* data, std::size_t bytes, bool rendezvous) {
  if (bytes != waiting.bytes) {
    const Call& mine = calls_[begun_ % remembered];
    if (!mismatch_) mismatch_ = Mismatch{waiting.from, begun_, mine, mine};
    if (rendezvous) network_.release(data);
    return;
  }
  if (rendezvous) return network_.fetch(data, waiting.into, bytes, *waiting.transfer);
  if (bytes > 0) std::memcpy(waiting.into, data, bytes);
  waiting.transfer->done = true;
}

Verdict Inbox::keep(const Arrival& arrival) {
  if (early_count_ >= early_max_) {
    if (!flooder_) flooder_ = arrival.header.source;
    ++dropped_;
    return Verdict::taken;
  }
  auto place = std::ranges::find_if(early_, [](const Early& e) { return !e.used; });
  if (place == early_.end()) place = early_.insert(early_.end(), Early{});
  place->used = true;
  ++early_count_;
  place->header = arrival.header;
  place->bytes = arrival.bytes;
  place->rendezvous = arrival.rendezvous;
  place->kept = arrival.keepable && arrival.bytes > 0 ? arrival.data : nullptr;
  if (place->kept != nullptr) return Verdict::kept;
  const auto* bytes = static_cast<const std::uint8_t*>(arrival.data);
  place->copy.assign(bytes, bytes + arrival.bytes);
  return Verdict::taken;
}

void Inbox::clear() {
  for (const auto& waiting : waiting_) {
    waiting.transfer->failed = true;
    waiting.transfer->done = true;
  }
  waiting_.clear();
  for (auto& early : early_) {
    if (early.used && early.kept != nullptr) network_.release(early.kept);
    early.used = false;
    early.kept = nullptr;
  }
  early_count_ = 0;
}

}  // namespace weft::transport
