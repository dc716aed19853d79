// Identifiers. An Id<Tag> is a 64-bit sequence number that the broker counts in the same commit as
// the event that announces it; a node is never a slice. 0 means "none".
// A RequestKey is the caller's 128-bit idempotency key: one key, one effect.
// A Principal is a CURVE public key (32 bytes): the only identity that weft knows.
#pragma once
#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace weft {

template <class Tag>
struct Id {
  std::uint64_t value{};
  auto operator<=>(const Id&) const = default;
  explicit operator bool() const { return value != 0; }
};

using NodeId = Id<struct NodeTag>;
using OfferId = Id<struct OfferTag>;
using QuoteId = Id<struct QuoteTag>;
using LeaseId = Id<struct LeaseTag>;
using JobId = Id<struct JobTag>;
using AttemptId = Id<struct AttemptTag>;
using PostingId = Id<struct PostingTag>;
using Epoch = Id<struct EpochTag>;              // one higher at every broker start
using Seq = Id<struct SeqTag>;                  // position of a record in the journal
using Incarnation = Id<struct IncarnationTag>;  // 64 random bits per worker process
using SessionId = Id<struct SessionTag>;        // a gateway's name for one connection

template <std::size_t N>
struct Bytes {
  static constexpr std::size_t byte_count = N;
  std::array<std::uint8_t, N> data{};
  auto operator<=>(const Bytes&) const = default;
};

struct Principal : Bytes<32> {};
struct RequestKey : Bytes<16> {};
struct Digest : Bytes<32> {};

// Lower-case hexadecimal, two digits a byte.
std::string to_hex(const std::uint8_t* data, std::size_t size);
// False (and out untouched) unless text is exactly 2*size hexadecimal digits.
bool from_hex(std::string_view text, std::uint8_t* out, std::size_t size);

template <std::size_t N>
std::string to_hex(const Bytes<N>& bytes) {
  return to_hex(bytes.data.data(), N);
}

}  // namespace weft
