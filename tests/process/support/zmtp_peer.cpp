#include "tests/process/support/zmtp_peer.hpp"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <sodium.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <string_view>

namespace weft::test {
namespace {

using Bytes = std::vector<std::uint8_t>;
constexpr int patience_ms = 10'000;

void add(Bytes& out, std::string_view text) { out.insert(out.end(), text.begin(), text.end()); }
void add(Bytes& out, std::span<const std::uint8_t> bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}
Bytes short_nonce(std::uint64_t number) {
  Bytes nonce(8);
  for (int i = 0; i < 8; ++i)
    nonce[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(number >> (56 - 8 * i));
  return nonce;
}
Bytes nonce_of(std::string_view prefix, std::span<const std::uint8_t> rest) {
  Bytes nonce;
  add(nonce, prefix);
  add(nonce, rest);
  return nonce;
}
Bytes box(std::span<const std::uint8_t> plain, const Bytes& nonce, const Principal& to,
          const net::CurveSecret& from) {
  Bytes sealed(plain.size() + crypto_box_MACBYTES);
  if (crypto_box_easy(sealed.data(), plain.data(), plain.size(), nonce.data(), to.data.data(),
                      from.data.data()) != 0)
    sealed.clear();
  return sealed;
}
std::optional<Bytes> unbox(std::span<const std::uint8_t> sealed, const Bytes& nonce,
                           const Principal& from, const net::CurveSecret& to) {
  if (sealed.size() < crypto_box_MACBYTES) return std::nullopt;
  Bytes plain(sealed.size() - crypto_box_MACBYTES);
  if (crypto_box_open_easy(plain.data(), sealed.data(), sealed.size(), nonce.data(),
                           from.data.data(), to.data.data()) != 0)
    return std::nullopt;
  return plain;
}
void add_property(Bytes& out, std::string_view name, std::span<const std::uint8_t> value) {
  out.push_back(static_cast<std::uint8_t>(name.size()));
  add(out, name);
  for (int shift = 24; shift >= 0; shift -= 8)
    out.push_back(static_cast<std::uint8_t>(value.size() >> shift));
  add(out, value);
}
Bytes frame(std::span<const std::uint8_t> body, std::uint8_t flags) {
  Bytes out;
  if (body.size() < 256) {
    out = {flags, static_cast<std::uint8_t>(body.size())};
  } else {
    out = {static_cast<std::uint8_t>(flags | 2)};
    add(out, short_nonce(body.size()));  // 8 bytes, big endian
  }
  add(out, body);
  return out;
}

}  // namespace

ZmtpPeer::ZmtpPeer(const std::string& endpoint) {
  const auto colon = endpoint.rfind(':');
  const std::string host = endpoint.substr(6, colon - 6);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(std::stoi(endpoint.substr(colon + 1))));
  inet_pton(AF_INET, host.c_str(), &address.sin_addr);
  fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    close(fd_);
    fd_ = -1;
  }
}
ZmtpPeer::~ZmtpPeer() {
  if (fd_ >= 0) close(fd_);
}

bool ZmtpPeer::raw(std::span<const std::uint8_t> bytes) {
  while (!bytes.empty()) {
    const std::size_t sent = raw_now(bytes);
    bytes = bytes.subspan(sent);
    if (bytes.empty()) return true;
    pollfd writable{fd_, POLLOUT, 0};
    if (poll(&writable, 1, patience_ms) <= 0 || (writable.revents & (POLLERR | POLLHUP)) != 0)
      return false;
  }
  return true;
}

std::size_t ZmtpPeer::raw_now(std::span<const std::uint8_t> bytes) {
  const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  return sent < 0 ? 0 : static_cast<std::size_t>(sent);
}

bool ZmtpPeer::read_exactly(std::uint8_t* out, std::size_t size) {
  while (size > 0) {
    pollfd readable{fd_, POLLIN, 0};
    if (poll(&readable, 1, patience_ms) <= 0) return false;
    const ssize_t got = recv(fd_, out, size, 0);
    if (got <= 0) return false;
    out += got;
    size -= static_cast<std::size_t>(got);
  }
  return true;
}

bool ZmtpPeer::closed_within(int ms) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(ms);
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        end - std::chrono::steady_clock::now());
    if (left.count() <= 0) return false;
    pollfd readable{fd_, POLLIN, 0};
    if (poll(&readable, 1, static_cast<int>(left.count())) <= 0) continue;
    std::uint8_t away[4'096];
    const ssize_t got = recv(fd_, away, sizeof away, MSG_DONTWAIT);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) return true;
  }
}

bool ZmtpPeer::greet() {
  Bytes ours(64);
  ours[0] = 0xff;
  ours[9] = 0x7f;
  ours[10] = 3;
  std::memcpy(ours.data() + 12, "CURVE", 5);
  std::uint8_t theirs[64];
  return raw(ours) && read_exactly(theirs, sizeof theirs) && theirs[0] == 0xff;
}

std::optional<Bytes> ZmtpPeer::read_frame() {
  std::uint8_t head[9];
  if (!read_exactly(head, 2)) return std::nullopt;
  std::uint64_t size = head[1];
  if ((head[0] & 2) != 0) {
    if (!read_exactly(head + 2, 7)) return std::nullopt;
    size = 0;
    for (int i = 1; i < 9; ++i) size = size << 8 | head[i];
  }
  if (size > 16 << 20) return std::nullopt;
  Bytes body(size);
  if (!read_exactly(body.data(), body.size())) return std::nullopt;
  return body;
}

bool ZmtpPeer::send_command(const Bytes& body) { return raw(frame(body, 4)); }

bool ZmtpPeer::hello(const Principal& server) {
  transient_ = net::make_curve_keys();
  Bytes body;
  add(body, "\x05HELLO");
  add(body, Bytes{1, 0});
  add(body, Bytes(72));
  add(body, transient_.public_key.data);
  const Bytes nonce = short_nonce(nonce_++);
  add(body, nonce);
  add(body, box(Bytes(64), nonce_of("CurveZMQHELLO---", nonce), server, transient_.secret));
  return send_command(body);
}

bool ZmtpPeer::shake_hands(const Principal& server, const net::CurveKeys& keys,
                           std::span<const std::uint8_t> routing_id) {
  if (!hello(server)) return false;
  const auto welcome = read_frame();
  if (!welcome || welcome->size() != 168) return false;
  if (!initiate(server, keys, *welcome, routing_id)) return false;
  const auto ready = read_frame();
  return ready && ready->size() > 6 && (*ready)[0] == 5 &&
         std::memcmp(ready->data() + 1, "READY", 5) == 0;
}

bool ZmtpPeer::initiate(const Principal& server, const net::CurveKeys& keys,
                        std::span<const std::uint8_t> welcome,
                        std::span<const std::uint8_t> routing_id) {
  const auto plain = unbox(welcome.subspan(24), nonce_of("WELCOME-", welcome.subspan(8, 16)),
                           server, transient_.secret);
  if (!plain || plain->size() != 128) return false;
  std::memcpy(server_transient_.data.data(), plain->data(), 32);
  Bytes vouched(transient_.public_key.data.begin(), transient_.public_key.data.end());
  add(vouched, server.data);
  Bytes vouch_nonce(16);
  randombytes_buf(vouch_nonce.data(), vouch_nonce.size());
  Bytes inner(keys.public_key.data.begin(), keys.public_key.data.end());
  add(inner, vouch_nonce);
  add(inner, box(vouched, nonce_of("VOUCH---", vouch_nonce), server_transient_, keys.secret));
  constexpr std::string_view type = "DEALER";
  add_property(inner, "Socket-Type",
               {reinterpret_cast<const std::uint8_t*>(type.data()), type.size()});
  add_property(inner, "Identity", routing_id);
  Bytes body;
  add(body, "\x08INITIATE");
  add(body, std::span(*plain).subspan(32));  // the cookie
  const Bytes nonce = short_nonce(nonce_++);
  add(body, nonce);
  add(body, box(inner, nonce_of("CurveZMQINITIATE", nonce), server_transient_, transient_.secret));
  return send_command(body);
}

Bytes ZmtpPeer::seal(std::span<const std::uint8_t> payload, bool more) {
  Bytes plain{static_cast<std::uint8_t>(more ? 1 : 0)};
  add(plain, payload);
  Bytes body;
  add(body, "\x07MESSAGE");
  const Bytes nonce = short_nonce(nonce_++);
  add(body, nonce);
  add(body, box(plain, nonce_of("CurveZMQMESSAGEC", nonce), server_transient_, transient_.secret));
  return frame(body, 0);
}

bool ZmtpPeer::send(std::span<const std::uint8_t> payload, bool more) {
  return raw(seal(payload, more));
}

std::optional<Bytes> ZmtpPeer::receive() {
  for (;;) {
    const auto body = read_frame();
    if (!body) return std::nullopt;
    if (body->size() < 16 + crypto_box_MACBYTES || std::memcmp(body->data(), "\x07MESSAGE", 8) != 0)
      continue;
    const auto plain = unbox(std::span(*body).subspan(16),
                             nonce_of("CurveZMQMESSAGES", std::span(*body).subspan(8, 8)),
                             server_transient_, transient_.secret);
    if (!plain || plain->empty()) return std::nullopt;
    if (((*plain)[0] & 2) != 0) continue;  // a ping
    return Bytes(plain->begin() + 1, plain->end());
  }
}

}  // namespace weft::test
