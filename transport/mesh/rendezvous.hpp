// How ranks learn each other's addresses: everyone sends its card to rank 0, rank 0 sends the table
// of all cards to everyone. Bytes and bookkeeping only; the engine carries them.
// Layout: docs/specs/rank-protocol.md. Bytes of strangers are checked, never trusted.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "transport/core/plan.hpp"
#include "transport/mesh/launch.hpp"

namespace weft::transport {

using Bytes = std::vector<std::uint8_t>;

// One rank, as the others need to know it. Fits limits::rank_address_bytes_max.
struct Card {
  Place place;
  std::string node;          // name of its node
  std::uint64_t tuning = 0;  // digest of the numbers by which schedules are chosen
  Bytes near, far;           // UCX addresses: with shared memory, and for other nodes
  bool operator==(const Card&) const = default;
};
Result<Bytes> encode(const Card& card);  // refused when it exceeds the limit
Result<Card> decode_card(std::span<const std::uint8_t> bytes);
std::uint64_t digest_of(const Tuning& tuning);

class Rendezvous {
 public:
  Rendezvous(std::uint32_t rank, std::uint32_t size) : rank_(rank), cards_(size) {}
  // Errors (mesh.rendezvous): malformed, another protocol or tuning.
  Result<void> add(std::uint32_t rank, std::span<const std::uint8_t> bytes);
  [[nodiscard]] bool complete() const { return known_ == cards_.size(); }
  [[nodiscard]] Bytes table() const;  // when complete
  Result<void> read_table(std::span<const std::uint8_t> bytes);
  [[nodiscard]] const std::optional<Card>& card(std::uint32_t rank) const { return cards_[rank]; }
  // The address by which to reach `rank`: shared memory only inside one node.
  [[nodiscard]] const Bytes& address_of(std::uint32_t rank) const;
  [[nodiscard]] std::string missing() const;  // "ranks 2, 5 and 7 of 8"
  [[nodiscard]] std::uint32_t ranks_on_this_host() const;

 private:
  std::uint32_t rank_;
  std::vector<std::optional<Card>> cards_;
  std::size_t known_ = 0;
};

}  // namespace weft::transport
