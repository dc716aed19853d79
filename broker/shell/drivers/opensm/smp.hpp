// Reads attributes of switches and ports with subnet management packets (SMPs), many in flight.
// Get only: nothing here can change the fabric. Directed routes go port by port, whatever the
// forwarding tables say; a request that gets no answer that way is tried once by LID.
// Format: InfiniBand Architecture Specification 1.x, 14.2 (SMPs), through libibumad. Thread: one.
// Errors: fabric_unread.
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace weft::broker {

enum class SmpAttribute : std::uint16_t {
  node_info = 0x11,
  switch_info = 0x12,
  port_info = 0x15,
  key_table = 0x16,   // modifier: port << 16 | block of 32 P_Keys
  forwarding = 0x19,  // modifier: block of 64 LIDs
};

struct Route {  // directed, from the local port
  std::uint8_t hops = 0;
  std::array<std::uint8_t, 12> out{};  // port to leave by; [1]: of the local adapter
  void add(std::uint8_t port) { out[++hops] = port; }
};

struct SmpRequest {
  SmpAttribute attribute{};
  std::uint32_t modifier = 0;
  Route route;
  std::uint16_t lid = 0;  // of the same node; 0: not to be tried by LID
  bool directed = true;   // false: no way is known, by LID only
};

struct SmpReply {
  bool answered = false;     // with status 0
  std::uint16_t status = 0;  // of the answer, if there was one
  std::array<std::uint8_t, 64> data{};
};

class SmpPort {
 public:
  // device: of libibumad, e.g. "mlx5_0"; empty: the first one with an active port.
  static Result<std::unique_ptr<SmpPort>> open(const std::string& device, int port = 0);
  ~SmpPort();
  SmpPort(const SmpPort&) = delete;
  SmpPort& operator=(const SmpPort&) = delete;

  std::uint64_t port_guid() const { return port_guid_; }
  std::uint8_t port_number() const { return port_number_; }
  // Answers in the order of the requests.
  std::vector<SmpReply> read(std::span<const SmpRequest> requests);
  std::uint64_t sent() const { return sent_; }
  // The P_Key (with membership) of the path that the subnet administrator gives from one LID to
  // another; 0: no path. Refused: no answer.
  Result<std::uint16_t> path_key(std::uint16_t sa_lid, std::uint16_t from, std::uint16_t to);

 private:
  SmpPort() = default;
  void send(const SmpRequest& request, std::uint32_t id, bool by_lid);
  void round(std::span<const SmpRequest> requests, std::vector<SmpReply>& replies,
             std::vector<std::uint32_t> todo, bool by_lid);

  int fd_ = -1, directed_ = -1, by_lid_ = -1, sa_ = -1;
  std::uint64_t port_guid_ = 0, sent_ = 0;
  std::uint8_t port_number_ = 1;
  std::uint32_t next_id_ = 1;
  std::vector<std::uint64_t> buffer_;
};

}  // namespace weft::broker
