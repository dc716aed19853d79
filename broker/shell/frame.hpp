// What the core's process and a gateway say to each other over their socketpair: a fixed header and
// a payload. Both sides are built from one source in one run, so there is no version; the core
// still checks every length, because a gateway may have been taken over by a stranger. Thread: one
// per FrameReader.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "base/limits.hpp"
#include "base/result.hpp"
#include "schemas/codec.hpp"

namespace weft::broker {

enum class FrameKind : std::uint16_t {
  // down: core -> gateway
  setup = 1,   // GatewaySetup; first
  allow_part,  // AllowedKey list; replaces the list at allow_done
  allow_done,
  send,        // a message for a session
  send_reply,  // the same, and it answers one request: the session's credit grows by one
  close,       // end a session
  ping,
  stop,
  // up: gateway -> core
  ready,    // bound; payload: the endpoints with their ports, one a line
  broken,   // cannot serve; payload: why. Followed by the end
  message,  // from a session, byte for byte
  alive,    // payload: session numbers, 8 bytes each
  closed,
  pong,
  note,  // payload: a line for the log
};

struct FrameHeader {
  std::uint32_t length = 0;  // of the payload
  FrameKind kind{};
  std::uint16_t reserved = 0;
  std::uint64_t session = 0;
  std::uint64_t received_ns = 0;  // CLOCK_MONOTONIC at the gateway
  Principal key;
};
static_assert(sizeof(FrameHeader) == 56);
inline constexpr std::size_t frame_payload_max = limits::message_bytes_max;

struct FrameView {  // into the reader's buffer: valid until its next call
  FrameHeader header;
  std::span<const std::uint8_t> payload;
};

void add_frame(std::vector<std::uint8_t>& out, const FrameHeader& header,
               std::span<const std::uint8_t> payload);

// A growing window over a stream of frames.
class FrameReader {
 public:
  // Room for the next read(2); call filled() with its result.
  std::span<std::uint8_t> room();
  void filled(std::size_t bytes) { end_ += bytes; }
  // The next whole frame; nothing yet; or wire.limit when the peer announces one that is too long.
  Result<std::optional<FrameView>> next();

 private:
  std::vector<std::uint8_t> buffer_ = std::vector<std::uint8_t>(256 << 10);
  std::size_t begin_ = 0, end_ = 0;
};

struct GatewaySetup {
  Bytes<32> secret;              // CURVE secret key of the server
  std::uint8_t workers = 0;      // 1: admits worker keys only; 0: every enrolled key
  std::uint64_t generation = 0;  // first part of its session numbers
  std::uint64_t memory_bytes_max = 0;
  std::string endpoints;  // one a line; a port may be 0 or *: a free one
};
Blob pack(const GatewaySetup& setup);
std::optional<GatewaySetup> unpack_setup(std::span<const std::uint8_t> bytes);

struct AllowedKey {
  Principal key;
  Role role{};
};
void pack(Blob& out, const AllowedKey& key);
std::vector<AllowedKey> unpack_allowed(std::span<const std::uint8_t> bytes);
inline constexpr std::size_t allowed_key_bytes = 33;

// Session numbers: bit 63 the gateway (1: clients), 23 bits of generation, 40 bits of counter. 0 is
// never used.
constexpr std::uint64_t session_base(bool clients, std::uint64_t generation) {
  return (clients ? std::uint64_t{1} << 63 : 0) | ((generation & 0x7fffff) << 40);
}
constexpr std::uint64_t session_prefix(std::uint64_t session) { return session >> 40; }

}  // namespace weft::broker
