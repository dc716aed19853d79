// The head of every message between ranks, as it travels: a fixed layout of little-endian numbers,
// sent and read as it lies in memory (docs/specs/rank-protocol.md). Pure.
#pragma once
#include <bit>
#include <cstring>

#include "transport/core/types.hpp"

namespace weft::transport {

static_assert(std::endian::native == std::endian::little,
              "a big-endian build needs byte swaps here");

inline constexpr std::uint16_t rank_protocol_version = 1;
enum class Channel : std::uint8_t { data = 1, card = 2, table = 3, abort = 4 };

struct Header {
  std::uint16_t version = rank_protocol_version;
  Channel channel{};
  Kind kind{};
  DataType type{};
  ReduceOp op{};
  std::uint16_t reserved = 0;
  std::uint64_t attempt = 0;
  std::uint32_t generation = 0;
  std::uint32_t source = 0;    // rank of the sender
  std::uint32_t sequence = 0;  // of the operation
  std::uint32_t root = 0;
  std::uint64_t count = 0;
  std::uint64_t message = 0;  // of the operation, see Step
};
static_assert(sizeof(Header) == 48 && std::is_trivially_copyable_v<Header>);

inline Call call_of(const Header& h) { return {h.kind, h.type, h.op, h.root, h.count}; }

inline Header header_of(const Call& call, std::uint64_t attempt, std::uint32_t generation,
                        std::uint32_t source, std::uint32_t sequence) {
  Header h;
  h.channel = Channel::data;
  h.kind = call.kind;
  h.type = call.type;
  h.op = call.op;
  h.root = call.root;
  h.count = call.count;
  h.attempt = attempt;
  h.generation = generation;
  h.source = source;
  h.sequence = sequence;
  return h;
}

// False when the bytes are no header of this version: such a message is dropped.
inline bool read_header(const void* bytes, std::size_t size, Header& out) {
  if (size != sizeof(Header)) return false;
  std::memcpy(&out, bytes, sizeof out);
  return out.version == rank_protocol_version;
}

}  // namespace weft::transport
