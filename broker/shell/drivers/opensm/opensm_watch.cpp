#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "broker/shell/drivers/opensm/opensm_class.hpp"

namespace weft::broker {
namespace {

constexpr auto poll_period = std::chrono::milliseconds(100);
constexpr int poll_share = 4;  // a poll takes at most a fifth of the time, however large the fabric

}  // namespace

// Links by their lower ends, hosts by their leaf's port.
void OpenSmDriver::watch_ports() {
  const fabric::Tree& t = rail().tree;
  const auto add = [&](fabric::At at, fabric::Hop hop, fabric::Cut cut, const std::string& other) {
    Watched w;
    w.port = {number_of(t, at), port_of(rail(), at, hop)};
    w.cut = std::move(cut);
    w.host = hop.way == fabric::Hop::Way::down;
    w.what = fmt::format("{} port {} - {}", switch_at(rail(), at).name, w.port.port, other);
    watched_.push_back(std::move(w));
  };
  for (std::uint32_t l = 0; l < t.leaves(); ++l) {
    const fabric::At at{fabric::Tier::leaf, l};
    for (std::uint32_t slot = 0; slot < t.hosts_per_leaf; ++slot) {
      fabric::Cut cut;
      cut.leaves.push_back({l, std::uint64_t{1} << slot, 0});
      if (present_.hosts(l) >> slot & 1)
        add(at, {fabric::Hop::Way::down, slot}, cut,
            rail().hosts[l * t.hosts_per_leaf + slot].name);
    }
    for (std::uint32_t i = 0; i < t.l2_per_pod; ++i) {
      fabric::Cut cut;
      cut.leaves.push_back({l, 0, std::uint64_t{1} << i});
      if (present_.leaf_up(l) >> i & 1)
        add(at, {fabric::Hop::Way::up, i}, cut, rail().l2[t.pod_of(l) * t.l2_per_pod + i].name);
    }
  }
  for (std::uint32_t s = 0; s < t.l2(); ++s)
    for (std::uint32_t j = 0; j < t.spines_per_l2; ++j) {
      fabric::Cut cut;
      cut.l2.push_back({s, std::uint64_t{1} << j});
      if (present_.l2_up(s) >> j & 1)
        add({fabric::Tier::l2, s}, {fabric::Hop::Way::up, j}, cut,
            rail().spines[s % t.l2_per_pod * t.spines_per_l2 + j].name);
    }
}

void OpenSmDriver::poll_manager(std::vector<FabricEvent>& out) {
  const Manager::Process now = manager_.find();
  const bool first = !process_;
  const Manager::Process before = process_.value_or(now);
  process_ = now;
  if (first ? now.pid != 0 : now == before) return;
  FabricEvent event;
  event.what =
      now.pid == 0 ? FabricEvent::What::manager_lost : FabricEvent::What::manager_restarted;
  event.text = now.pid == 0 ? std::string("OpenSM is not running")
                            : fmt::format("OpenSM runs again, as process {}", now.pid);
  out.push_back(std::move(event));
}

void OpenSmDriver::poll_ports(std::vector<FabricEvent>& out) {
  if (watched_.empty()) watch_ports();
  std::vector<SwitchPort> ports;
  for (const Watched& w : watched_) ports.push_back(w.port);
  auto states = reader_.states(ports);
  if (std::ranges::any_of(states, [](const auto& s) { return !s.has_value(); })) {
    // Something on the way may be what has failed: around it, and once more.
    fabric::Masks usable = present_;
    usable.shield(failed_);
    for (std::size_t i = 0; i < states.size(); ++i)
      if (states[i] == PortState::down && !watched_[i].host) usable.shield(watched_[i].cut);
    reader_.use(usable);
    states = reader_.states(ports);
  }
  for (std::size_t i = 0; i < states.size(); ++i) {
    Watched& w = watched_[i];
    const PortState state = states[i].value_or(PortState::down);  // of a switch that is gone
    if (state != PortState::down && state != PortState::active) continue;  // OpenSM is at it
    if (w.up == (state == PortState::active)) continue;
    w.up = state == PortState::active;
    FabricEvent event;
    event.what = w.up     ? FabricEvent::What::link_up
                 : w.host ? FabricEvent::What::host_lost
                          : FabricEvent::What::link_down;
    event.links = w.cut;
    event.text = fmt::format("{}: {}{}", w.what, w.up ? "up" : "down",
                             states[i] ? "" : " (the switch does not answer)");
    out.push_back(std::move(event));
  }
}

Result<std::vector<FabricEvent>> OpenSmDriver::watch(Duration patience) {
  const auto until = Clock::now() + std::chrono::milliseconds(patience.ms);
  std::vector<FabricEvent> out;
  while (true) {
    if (const auto now = Clock::now(); now >= next_poll_) {
      poll_manager(out);
      poll_ports(out);
      const auto took = Clock::now() - now;
      next_poll_ = Clock::now() + std::max<Clock::duration>(poll_period - took, poll_share * took);
    }
    if (!out.empty() || Clock::now() >= until) return out;
    std::this_thread::sleep_until(std::min(until, next_poll_));
  }
}

}  // namespace weft::broker
