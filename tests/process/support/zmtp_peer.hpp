// A peer that speaks ZMTP 3.0 with CURVE byte by byte, so that a test can break every rule that
// libzmq keeps: claim a routing id, never end a message, announce 4 GiB, stop in a handshake.
// Owns: one TCP connection. Thread: one. Every call gives up after a few seconds.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/net/dealer.hpp"

namespace weft::test {

class ZmtpPeer {
 public:
  // endpoint: tcp://IP:PORT.
  explicit ZmtpPeer(const std::string& endpoint);
  ~ZmtpPeer();
  ZmtpPeer(const ZmtpPeer&) = delete;
  ZmtpPeer& operator=(const ZmtpPeer&) = delete;

  bool connected() const { return fd_ >= 0; }
  // The first 64 bytes of both sides.
  bool greet();
  // HELLO .. READY. `routing_id`: claimed as ours; empty as every honest peer leaves it.
  bool shake_hands(const Principal& server, const net::CurveKeys& keys,
                   std::span<const std::uint8_t> routing_id = {});
  bool hello(const Principal& server);  // only the first command of the handshake

  // An encrypted frame of a message; `more`: another one follows.
  bool send(std::span<const std::uint8_t> payload, bool more = false);
  std::optional<std::vector<std::uint8_t>> receive();
  // Bytes as they are. False: the other side has closed.
  bool raw(std::span<const std::uint8_t> bytes);
  // As raw, but waits for nothing: how many bytes the connection took now.
  std::size_t raw_now(std::span<const std::uint8_t> bytes);
  // True when the other side closes the connection within `ms`; what it sends before is read away.
  bool closed_within(int ms);
  // A frame as send() would write it, for those who write many.
  std::vector<std::uint8_t> seal(std::span<const std::uint8_t> payload, bool more);

 private:
  bool read_exactly(std::uint8_t* out, std::size_t size);
  std::optional<std::vector<std::uint8_t>> read_frame();
  bool send_command(const std::vector<std::uint8_t>& body);
  bool initiate(const Principal& server, const net::CurveKeys& keys,
                std::span<const std::uint8_t> welcome, std::span<const std::uint8_t> routing_id);

  int fd_ = -1;
  net::CurveKeys transient_;
  Principal server_transient_;
  std::uint64_t nonce_ = 1;
};

}  // namespace weft::test
