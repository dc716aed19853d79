#include "broker/shell/gateway/self_test.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <functional>

#include "broker/shell/clock.hpp"

namespace weft::broker {
namespace {

constexpr std::uint64_t patience_ns = 10'000'000'000;

class SelfTest {
 public:
  SelfTest(net::Context& context, Router& router, ZapHandler& zap, const Principal& server)
      : context_(context), router_(router), zap_(zap), server_(server) {}

  Result<std::uint32_t> run() {
    const net::CurveKeys probe = net::make_curve_keys();
    endpoint_ =
        fmt::format("ipc://@weft-gateway-{}-{}", getpid(), to_hex(probe.public_key).substr(0, 16));
    if (auto bound = router_.bind(endpoint_); !bound) return tl::make_unexpected(bound.error());
    const net::CurveKeys stranger = net::make_curve_keys();
    if (auto refused = stranger_is_refused(stranger); !refused)
      return tl::make_unexpected(refused.error());
    zap_.admit_for_test(probe.public_key, true);
    auto number = first_number(probe);
    zap_.admit_for_test(probe.public_key, false);
    router_.unbind(endpoint_);
    return number;
  }

 private:
  // Serves the handler until `done` or patience is over.
  bool until(net::Dealer& dealer, const std::function<bool()>& done) {
    const std::uint64_t end = monotonic_ns() + patience_ns;
    while (!done()) {
      if (monotonic_ns() > end) return false;
      zmq_pollitem_t items[] = {{zap_.socket(), 0, ZMQ_POLLIN, 0},
                                {router_.socket(), 0, ZMQ_POLLIN, 0},
                                {dealer.monitor(), 0, ZMQ_POLLIN, 0}};
      zmq_poll(items, 3, 100);
      zap_.answer();
    }
    return true;
  }

  Result<void> stranger_is_refused(const net::CurveKeys& stranger) {
    auto dealer = net::Dealer::connect(context_, endpoint_, server_, stranger, {});
    if (!dealer) return tl::make_unexpected(dealer.error());
    until(**dealer, [&] { return (*dealer)->link() != net::Link::connecting; });
    if ((*dealer)->link() == net::Link::closed &&
        (*dealer)->reason().code == Code::auth_unknown_key)
      return {};
    return fail(Code::internal,
                "self-test: a random key was not refused by the gateway; it will not serve");
  }

  Result<std::uint32_t> first_number(const net::CurveKeys& probe) {
    auto dealer = net::Dealer::connect(context_, endpoint_, server_, probe, {});
    if (!dealer) return tl::make_unexpected(dealer.error());
    until(**dealer, [&] { return (*dealer)->link() != net::Link::connecting; });
    const std::uint8_t word[] = {'w'};
    if (auto sent = (*dealer)->send(word); !sent) return tl::make_unexpected(sent.error());
    std::optional<Incoming> in;
    until(**dealer, [&] { return (in = router_.receive()).has_value(); });
    if (!in || !in->ours || in->user != to_hex(probe.public_key))
      return fail(Code::internal,
                  "self-test: an enrolled key did not get through the gateway with its name");
    return in->number;
  }

  net::Context& context_;
  Router& router_;
  ZapHandler& zap_;
  const Principal server_;
  std::string endpoint_;
};

}  // namespace

Result<std::uint32_t> self_test(net::Context& context, Router& router, ZapHandler& zap,
                                const Principal& server) {
  return SelfTest(context, router, zap, server).run();
}

}  // namespace weft::broker
