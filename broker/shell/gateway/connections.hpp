// The gateway's descriptors: who has connected and not yet spoken, and who makes libzmq hold memory
// that no limit of its own bounds: frames flagged MORE without an end, and replies that are never
// read. The kernel counts each connection's bytes; what was received and never became a message, or
// was queued and never acknowledged, is held here. When the process grows, the worst one is cut.
// (Unix sockets are not counted by the kernel: there only the process's memory limit helps.)
// Thread: one.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace weft::broker {

class Connections {
 public:
  struct Offender {
    int fd = -1;
    std::string address, what;
  };
  // A connection was accepted. An offender: its address has too many that have not spoken yet.
  std::optional<Offender> accepted(int fd, std::uint64_t now_ns);
  void gone(int fd);
  void received(int fd, std::size_t bytes);  // a whole message; the first one: it has spoken
  // A message is on its way to the peer. An offender: it has left too much of what it was sent.
  std::optional<Offender> queued(int fd, std::size_t bytes);
  // Called often; looks closer only when the process has grown. Nobody, or the one to cut.
  std::optional<Offender> worst_when_large(std::uint64_t resident_bytes);
  void forgive(int fd);  // its bytes were cut off with it
  std::size_t open() const { return open_; }

 private:
  struct Peer {
    bool open = false, spoken = false;
    std::uint64_t accepted_ns = 0;
    std::uint64_t in_bytes = 0, out_bytes = 0;  // as the kernel would count them, about
    std::uint64_t out_checked = 0;              // out_bytes when the kernel was asked last
    std::string address;
  };
  struct Silent {  // accepted from one address; dropped from the front as they age, speak or leave
    std::set<int> fds;
  };
  Peer* find(int fd);
  std::size_t silent_at(const std::string& address, std::uint64_t now_ns);
  std::vector<Peer> peers_;
  std::map<std::string, Silent> silent_;
  std::size_t open_ = 0;
  std::uint64_t resident_first_ = 0;
};

}  // namespace weft::broker
