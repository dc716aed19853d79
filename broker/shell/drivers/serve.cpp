#include "broker/shell/drivers/serve.hpp"

#include <poll.h>

#include <algorithm>
#include <optional>

#include "base/log.hpp"
#include "broker/shell/frame_link.hpp"

namespace weft::broker {
namespace {

constexpr int watch_period_ms = 50;

fabric::Cut cut_of(const Links& links) {
  fabric::Cut cut;
  for (const SliceLeaf& leaf : links.leaves) cut.leaves.push_back({leaf.leaf, leaf.hosts, leaf.up});
  for (const SliceL2& l2 : links.l2) cut.l2.push_back({l2.l2, l2.up});
  return cut;
}
Links links_of(const fabric::Cut& cut) {
  Links links;
  for (const fabric::Cut::Leaf& leaf : cut.leaves)
    links.leaves.push_back({leaf.leaf, leaf.hosts, leaf.up});
  for (const fabric::Cut::L2& l2 : cut.l2) links.l2.push_back({l2.l2, l2.up});
  return links;
}
bool fits(const fabric::Tree& tree, const fabric::Cut& cut) {
  return std::all_of(cut.leaves.begin(), cut.leaves.end(),
                     [&](const auto& leaf) {
                       return leaf.leaf < tree.leaves() &&
                              (leaf.hosts & ~fabric::ones(tree.hosts_per_leaf)) == 0 &&
                              (leaf.up & ~fabric::ones(tree.l2_per_pod)) == 0;
                     }) &&
         std::all_of(cut.l2.begin(), cut.l2.end(), [&](const auto& l2) {
           return l2.l2 < tree.l2() && (l2.up & ~fabric::ones(tree.spines_per_l2)) == 0;
         });
}

std::string clipped(std::string text) {
  if (text.size() > limits::text_bytes_max) text.resize(limits::text_bytes_max);
  return text;
}

class Service {
 public:
  Service(Driver& driver, const fabric::Tree& tree, int fd)
      : driver_(driver), tree_(tree), link_(fd) {}

  int run(const std::function<bool()>& healthy) {
    say(FrameKind::ready, {});
    for (;;) {
      if (!healthy()) return 3;
      if (!link_.flush_all()) return 0;
      pollfd readable{link_.fd(), POLLIN, 0};
      poll(&readable, 1, watch_period_ms);
      if (readable.revents != 0) {
        const auto alive = link_.receive();
        if (!alive || !*alive) return 0;
      }
      for (;;) {
        const auto frame = link_.next();
        if (!frame) return 1;
        if (!*frame) break;
        if ((*frame)->header.kind == FrameKind::stop) return 0;
        if ((*frame)->header.kind == FrameKind::send) take((*frame)->payload);
      }
      watch();
    }
  }

 private:
  void say(FrameKind kind, std::span<const std::uint8_t> payload) {
    FrameHeader header;
    header.kind = kind;
    link_.send(header, payload);
  }
  void say(DriverSaysBody body) {
    Envelope envelope;
    envelope.body = DriverSays{std::move(body)};
    say(FrameKind::message, encode(envelope));
  }

  void take(std::span<const std::uint8_t> bytes) {
    const auto envelope = decode_envelope(bytes);
    const auto* order = envelope ? std::get_if<DriverOrder>(&envelope->body) : nullptr;
    if (!order) return;
    if (const auto* apply = std::get_if<ApplySlices>(&order->body)) applied(*apply);
    if (const auto* check = std::get_if<CheckSlices>(&order->body))
      answer(check->ticket, driver_.verify(check->slices));
  }

  void applied(const ApplySlices& order) {
    Transition target;
    target.epoch = order.epoch;
    target.fresh = order.fresh;
    target.failed = cut_of(order.failed);
    for (const PlacedSlice& slice : order.slices) {
      target.slices.push_back(
          {slice.slice, cut_of(slice.links), static_cast<std::uint16_t>(slice.key)});
      if (!fits(tree_, target.slices.back().cut))
        return answer(order.ticket,
                      fail(Code::fabric_driver,
                           fmt::format("slice s{} has places that this fabric does not have: was "
                                       "its description changed?",
                                       slice.slice)));
    }
    answer(order.ticket, driver_.apply(target));
  }

  void answer(std::uint64_t ticket, const Result<Applied>& result) {
    DriverAnswered out;
    out.ticket = ticket;
    if (!result) {
      out.code = result.error().code;
      out.detail = clipped(result.error().detail);
      return say(DriverSaysBody{std::move(out)});
    }
    for (const fabric::Difference& d : result->report.differences)
      if (out.differences.size() < limits::differences_max)
        out.differences.push_back({d.slice, clipped(d.what)});
    out.more_differences = result->report.more_differences +
                           (result->report.differences.size() - out.differences.size());
    out.pairs = result->report.pairs;
    out.negative_probes = result->report.negative_probes;
    out.plan = milliseconds(result->phases.plan);
    out.apply = milliseconds(result->phases.apply);
    out.read_back = milliseconds(result->phases.read_back);
    out.verify = milliseconds(result->phases.verify);
    say(DriverSaysBody{std::move(out)});
  }

  void watch() {
    const auto events = driver_.watch({});
    if (!events) {
      if (!complained_) log::warn("the fabric cannot be watched: {}", to_string(events.error()));
      complained_ = true;
      return;
    }
    complained_ = false;
    for (const FabricEvent& event : *events) {
      FabricChanged change;
      change.text = clipped(event.text);
      switch (event.what) {
        case FabricEvent::What::link_down:
        case FabricEvent::What::host_lost: change.down = links_of(event.links); break;
        case FabricEvent::What::link_up:
          change.up = links_of(event.links);
          change.program_again = true;  // routes do not come back by themselves
          break;
        case FabricEvent::What::manager_restarted: change.program_again = true; break;
        default: break;
      }
      say(DriverSaysBody{std::move(change)});
    }
  }

  Driver& driver_;
  const fabric::Tree& tree_;
  FrameLink link_;
  bool complained_ = false;
};

}  // namespace

int serve_driver(Driver& driver, const fabric::Tree& tree, int fd,
                 const std::function<bool()>& healthy) {
  return Service(driver, tree, fd).run(healthy);
}

}  // namespace weft::broker
