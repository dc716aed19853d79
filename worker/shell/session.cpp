#include "worker/shell/session.hpp"

#include <sodium.h>

#include <algorithm>

#include "base/log.hpp"
#include "schemas/codec.hpp"
#include "schemas/yaml/files.hpp"
#include "worker/shell/clock.hpp"

namespace weft::worker {
namespace {

constexpr Duration reconnect_base = milliseconds(200);
constexpr Duration connect_patience = seconds(5), welcome_patience = seconds(10);

Incarnation random_incarnation() {
  Incarnation out;
  do ::randombytes_buf(&out.value, sizeof out.value);
  while (out.value == 0);
  return out;
}

}  // namespace

Session::Session(net::Context& context, const Options& options, net::CurveKeys keys, Hooks hooks)
    : context_(context),
      options_(options),
      keys_(keys),
      hooks_(std::move(hooks)),
      incarnation_(random_incarnation()) {}

void Session::connect(Instant now) {
  connect_at_ = never;
  const auto file = yaml::read_connection(options_.connection);
  if (!file) return lost(now, file.error());
  auto dealer = net::Dealer::connect(context_, file->workers, file->server, keys_, {});
  if (!dealer) return lost(now, dealer.error());
  dealer_ = std::move(*dealer);
  give_up_at_ = now + connect_patience;
}

void Session::lost(Instant now, const Error& why) {
  dealer_.reset();
  give_up_at_ = beat_at_ = never;
  const bool was_up = up_;
  up_ = welcomed_ = broken_ = false;
  connect_at_ = now + net::reconnect_delay(tries_, reconnect_base, reconnect_max_);
  tries_ = std::min(tries_ + 1, 16U);
  const std::string reason = to_string(why);
  if (was_up || reason != last_reason_)
    log::warn("no broker: {}; what runs here runs on, trying again", reason);
  last_reason_ = reason;
  if (was_up) hooks_.down();
}

void Session::turn(Instant now) {
  if (!dealer_ && now >= connect_at_) connect(now);
  if (!dealer_) return;
  const net::Link link = dealer_->link();
  if (link == net::Link::ready && !up_) {
    up_ = true;
    give_up_at_ = now + welcome_patience;
    beat_at_ = now + heartbeat_;
    hooks_.up();
  }
  read(now);
  if (!dealer_) return;
  if (broken_) return lost(now, {Code::broker_busy, "the connection takes nothing any more"});
  if (link == net::Link::closed) return lost(now, dealer_->reason());
  if (now >= give_up_at_)
    return lost(now, {Code::broker_unreachable, up_ ? "connected, but no welcome" : "no answer"});
  if (now >= beat_at_) {
    send(Beat{});
    beat_at_ = now + heartbeat_;
  }
}

void Session::read(Instant) {
  while (dealer_) {
    const auto bytes = dealer_->receive();
    if (!bytes) return;
    auto envelope = decode_envelope(*bytes);
    if (!envelope) {
      log::warn("from the broker: {}", to_string(envelope.error()));
      continue;
    }
    auto* order = std::get_if<Order>(&envelope->body);
    if (order == nullptr) {
      log::warn("from the broker: a message that is not an order");
      continue;
    }
    if (std::holds_alternative<Welcome>(order->body)) {
      welcomed_ = true;
      give_up_at_ = never;
      tries_ = 0;
      last_reason_.clear();
    }
    hooks_.order(envelope->epoch, std::move(order->body));
  }
}

void Session::send(const ReportBody& body) {
  if (!dealer_ || !up_) return;
  Envelope envelope;
  envelope.incarnation = incarnation_;
  envelope.sequence = ++sequence_;
  envelope.body = Report{body};
  if (const auto sent = dealer_->send(encode(envelope)); !sent)
    broken_ = true;  // join again: nothing is skipped
}

void Session::set_pace(Duration heartbeat, Duration reconnect_max) {
  if (heartbeat.ms > 0) heartbeat_ = std::clamp(heartbeat, milliseconds(50), seconds(60));
  if (reconnect_max.ms > 0) reconnect_max_ = std::clamp(reconnect_max, reconnect_base, minutes(10));
  if (up_) beat_at_ = std::min(beat_at_, boot_now() + heartbeat_);
}

Instant Session::next_timer() const {
  if (!dealer_) return connect_at_;
  return std::min(give_up_at_, beat_at_);
}

}  // namespace weft::worker
