#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "broker/shell/drivers/opensm/opensm_class.hpp"

namespace weft::broker {
namespace {

constexpr auto poll_period = std::chrono::milliseconds(100);
// A port that stays so long between down and active: OpenSM has missed the trap that told it, and
// (with sweep_interval 0) looks again only when asked.
constexpr auto half_up_max = std::chrono::seconds(1);
constexpr int poll_share = 4;  // a poll takes at most a fifth of the time, however large the fabric

}  // namespace

void OpenSmDriver::watch_ports() {
  const fabric::Tree& t = rail().tree;
  const auto end = [&](fabric::At at, fabric::Hop hop) -> SwitchPort {
    return {number_of(t, at), port_of(rail(), at, hop)};
  };
  const auto add_link = [&](fabric::At below, std::uint32_t up, fabric::At above,
                            std::uint32_t down, fabric::Cut cut) {
    Watched w;
    w.ends[0] = end(below, {fabric::Hop::Way::up, up});
    w.ends[1] = end(above, {fabric::Hop::Way::down, down});
    w.cut = std::move(cut);
    w.what = fmt::format("{} port {} - {} port {}", switch_at(rail(), below).name, w.ends[0].port,
                         switch_at(rail(), above).name, w.ends[1].port);
    watched_.push_back(std::move(w));
  };
  for (std::uint32_t l = 0; l < t.leaves(); ++l) {
    for (std::uint32_t slot = 0; slot < t.hosts_per_leaf; ++slot) {
      if ((present_.hosts(l) >> slot & 1) == 0) continue;
      Watched w;
      w.ends[0] = w.ends[1] = end({fabric::Tier::leaf, l}, {fabric::Hop::Way::down, slot});
      w.cut.leaves.push_back({l, std::uint64_t{1} << slot, 0});
      w.host = true;
      w.what = fmt::format("{} port {} - {}", rail().leaves[l].name, w.ends[0].port,
                           rail().hosts[l * t.hosts_per_leaf + slot].name);
      watched_.push_back(std::move(w));
    }
    for (std::uint32_t i = 0; i < t.l2_per_pod; ++i) {
      fabric::Cut cut;
      cut.leaves.push_back({l, 0, std::uint64_t{1} << i});
      if (present_.leaf_up(l) >> i & 1)
        add_link({fabric::Tier::leaf, l}, i, {fabric::Tier::l2, t.pod_of(l) * t.l2_per_pod + i},
                 l % t.leaves_per_pod, cut);
    }
  }
  for (std::uint32_t s = 0; s < t.l2(); ++s)
    for (std::uint32_t j = 0; j < t.spines_per_l2; ++j) {
      fabric::Cut cut;
      cut.l2.push_back({s, std::uint64_t{1} << j});
      if (present_.l2_up(s) >> j & 1)
        add_link({fabric::Tier::l2, s}, j,
                 {fabric::Tier::spine, s % t.l2_per_pod * t.spines_per_l2 + j}, s / t.l2_per_pod,
                 cut);
    }
}

// Outwards from the own leaf, each link at its nearer end, and never over a link that was just
// found down: what lies behind it is reached another way, or not at all.
void OpenSmDriver::read_states(std::vector<std::optional<PortState>>& states) {
  states.assign(watched_.size(), std::nullopt);
  std::vector<bool> done(watched_.size(), false);
  fabric::Masks usable = present_;
  for (const Watched& w : watched_)
    if (!w.up && !w.host) usable.shield(w.cut);
  while (true) {
    std::uint32_t nearest = UINT32_MAX;
    std::vector<std::size_t> wave;
    std::vector<SwitchPort> ports;
    for (std::size_t i = 0; i < watched_.size(); ++i) {
      if (done[i]) continue;
      for (const SwitchPort& end : watched_[i].ends) {
        const std::uint32_t hops = reader_.hops(end.of);
        if (hops == 0 || hops > nearest) continue;
        if (hops < nearest) {
          nearest = hops;
          wave.clear();
          ports.clear();
        }
        if (!wave.empty() && wave.back() == i) continue;
        wave.push_back(i);
        ports.push_back(end);
      }
    }
    if (wave.empty()) return;  // the rest can't be reached: absent
    const auto read = reader_.states(ports);
    bool lost = false;
    for (std::size_t k = 0; k < wave.size(); ++k) {
      const Watched& w = watched_[wave[k]];
      done[wave[k]] = true;
      states[wave[k]] = read[k];
      if (w.host || !w.up || read[k].value_or(PortState::down) != PortState::down) continue;
      usable.shield(w.cut);
      lost = true;
    }
    if (lost) reader_.use(usable);
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
  std::vector<std::optional<PortState>> states;
  read_states(states);
  bool half_up = false;
  for (std::size_t i = 0; i < states.size(); ++i) {
    Watched& w = watched_[i];
    const PortState state = states[i].value_or(PortState::down);   // the switch is gone
    if (state != PortState::down && state != PortState::active) {  // OpenSM is at it
      half_up = true;
      continue;
    }
    if (w.up == (state == PortState::active)) continue;
    w.up = state == PortState::active;
    FabricEvent event;
    event.what = w.up     ? FabricEvent::What::link_up
                 : w.host ? FabricEvent::What::host_lost
                          : FabricEvent::What::link_down;
    event.links = w.cut;
    event.text =
        fmt::format("{}: {}{}", w.what, w.up ? "up" : "down", states[i] ? "" : " (no answer)");
    out.push_back(std::move(event));
  }
  const auto now = Clock::now();
  if (!half_up)
    half_up_since_.reset();
  else if (!half_up_since_)
    half_up_since_ = now;
  else if (now - *half_up_since_ > half_up_max && !options_.read_only) {
    (void)manager_.reload();  // one that is gone is an event of its own
    half_up_since_ = now;
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
