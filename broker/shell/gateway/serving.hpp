// What a gateway does once its ROUTER is bound: messages up, messages down, and everything that it
// refuses by itself. See gateway.hpp. Thread: one.
#pragma once
#include <set>

#include "broker/shell/frame_link.hpp"
#include "broker/shell/gateway/connections.hpp"
#include "broker/shell/gateway/router.hpp"
#include "broker/shell/gateway/sessions.hpp"
#include "broker/shell/gateway/zap.hpp"

namespace weft::broker {

inline constexpr std::size_t link_bytes_max = 4 << 20;  // back pressure: the core is behind

class Serving {
 public:
  // first_number: of the ROUTER's routing ids, from the self-test, whose handshake counts as one.
  Serving(FrameLink& link, Router& router, ZapHandler& zap, std::uint64_t session_base,
          std::uint32_t first_number);
  // Until stop or the end of the link; the exit status.
  int run();

 private:
  // up (up.cpp)
  void take_messages();
  void take_message(const Incoming& in);
  Session* session_of(const Incoming& in);
  bool within_limits(Session& session, const RequestKey& key, std::uint64_t now_ns);
  void forward(Session& session, const Incoming& in, std::uint64_t now_ns);
  void refuse(Session& session, const RequestKey& key, Code code, std::string detail);
  void claims(const Incoming& in, std::string_view what);

  // down (serving.cpp)
  bool take_frames();
  bool take_frame(const FrameView& frame);
  void deliver(const FrameView& frame);
  void replace_allow_list();

  // sessions and connections (serving.cpp)
  void take_events();
  void close(std::uint64_t id, bool cut);
  void close_due(std::uint64_t now_ns);
  void cut_offender(const Connections::Offender& offender);
  void housekeeping(std::uint64_t now_ns);
  void note(const std::string& line);
  long wait_ms(std::uint64_t now_ns) const;

  FrameLink& link_;
  Router& router_;
  ZapHandler& zap_;
  Sessions sessions_;
  Connections connections_;
  const std::uint32_t first_number_;
  std::uint32_t handshakes_ = 1;
  std::vector<AllowedKey> allow_gathered_;
  std::vector<std::uint64_t> closing_;
  std::uint64_t next_alive_ns_ = 0, next_memory_ns_ = 0;
  std::uint64_t notes_second_ = 0, notes_ = 0;
  bool warned_descriptors_ = false;
};

}  // namespace weft::broker
