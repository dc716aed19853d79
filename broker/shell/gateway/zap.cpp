#include "broker/shell/gateway/zap.hpp"

#include <fmt/format.h>
#include <zmq.h>

#include <algorithm>
#include <string>

#include "broker/shell/gateway/router.hpp"

namespace weft::broker {
namespace {
// Frames of a question: version, request id, domain, address, routing id, mechanism, credentials.
constexpr std::size_t question_frames = 7;
std::string_view text(const std::vector<std::uint8_t>& frame) {
  return {reinterpret_cast<const char*>(frame.data()), frame.size()};
}
}  // namespace

Result<std::unique_ptr<ZapHandler>> ZapHandler::make(net::Context& context, bool workers_only) {
  std::unique_ptr<ZapHandler> zap(new ZapHandler(workers_only));
  zap->socket_ = zmq_socket(context.native(), ZMQ_REP);
  const int zero = 0;
  if (zap->socket_ == nullptr ||
      zmq_setsockopt(zap->socket_, ZMQ_LINGER, &zero, sizeof zero) != 0 ||
      zmq_bind(zap->socket_, "inproc://zeromq.zap.01") != 0)
    return fail(Code::os_error, fmt::format("ZAP handler: {}", zmq_strerror(zmq_errno())));
  return zap;
}

ZapHandler::~ZapHandler() {
  if (socket_ != nullptr) zmq_close(socket_);
}

void ZapHandler::replace(const std::vector<AllowedKey>& keys) {
  keys_.clear();
  for (const AllowedKey& key : keys) keys_.emplace(key.key, key.role);
}

bool ZapHandler::admits(const Principal& key) const {
  const auto found = keys_.find(key);
  return found != keys_.end() && (!workers_only_ || found->second == Role::worker);
}

void ZapHandler::admit_for_test(const Principal& key, bool admit) {
  if (admit)
    keys_.emplace(key, Role::worker);
  else
    keys_.erase(key);
}

bool ZapHandler::read_question() {
  frames_.clear();
  for (;;) {
    zmq_msg_t frame;
    zmq_msg_init(&frame);
    if (zmq_msg_recv(&frame, socket_, ZMQ_DONTWAIT) < 0) {
      zmq_msg_close(&frame);
      return false;
    }
    const auto* bytes = static_cast<const std::uint8_t*>(zmq_msg_data(&frame));
    frames_.emplace_back(bytes, bytes + zmq_msg_size(&frame));
    const bool more = zmq_msg_more(&frame) != 0;
    zmq_msg_close(&frame);
    if (!more) return true;
  }
}

void ZapHandler::answer() {
  while (read_question()) {
    const bool curve = frames_.size() == question_frames && text(frames_[0]) == "1.0" &&
                       text(frames_[2]) == zap_domain && text(frames_[5]) == "CURVE" &&
                       frames_[6].size() == asked_.data.size();
    if (curve) std::ranges::copy(frames_[6], asked_.data.begin());
    reply(curve && admits(asked_));
  }
}

void ZapHandler::reply(bool admitted) {
  if (!admitted) ++refused_;
  const std::string user = admitted ? to_hex(asked_) : std::string();
  const std::string_view parts[] = {"1.0",
                                    frames_.size() > 1 ? text(frames_[1]) : "",
                                    admitted ? "200" : "400",
                                    admitted ? "OK" : "unknown key",
                                    user,
                                    ""};
  for (std::size_t i = 0; i < std::size(parts); ++i)
    zmq_send(socket_, parts[i].data(), parts[i].size(), i + 1 < std::size(parts) ? ZMQ_SNDMORE : 0);
}

}  // namespace weft::broker
