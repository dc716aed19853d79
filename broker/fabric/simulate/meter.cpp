#include "broker/fabric/simulate/meter.hpp"

#include <algorithm>

namespace weft::broker::fabric {
namespace {

constexpr std::uint64_t sample_every = 64;  // refusals of the queue's head

double percent(std::int64_t part, std::int64_t whole) {
  return whole <= 0 ? 0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

Latency latency(std::vector<std::uint64_t>& times) {
  Latency out;
  out.count = times.size();
  if (times.empty()) return out;
  std::sort(times.begin(), times.end());
  const auto at = [&](std::size_t hundredths) {
    return times[std::min(times.size() - 1, times.size() * hundredths / 100)];
  };
  out.p50_ns = at(50);
  out.p99_ns = at(99);
  out.max_ns = times.back();
  return out;
}

}  // namespace

void Meter::advance(std::int64_t now) {
  const std::int64_t dt = now - now_;
  sum_.asked += rate_.asked * dt;
  sum_.hosts += rate_.hosts * dt;
  sum_.leaf_links += rate_.leaf_links * dt;
  sum_.spine_links += rate_.spine_links * dt;
  now_ = now;
}

void Meter::at(std::int64_t now, bool waiting) {
  advance(now);
  if (!waiting || waited_) return;
  waited_ = true;
  out_.first_wait_s = now;
  at_first_wait_ = sum_;
}

void Meter::add(std::int64_t now, const Cut& cut, int sign) {
  advance(now);
  rate_.asked += sign * static_cast<std::int64_t>(cut.asked);
  rate_.hosts += sign * static_cast<std::int64_t>(cut.hosts());
  rate_.leaf_links += sign * static_cast<std::int64_t>(cut.leaf_links());
  rate_.spine_links += sign * static_cast<std::int64_t>(cut.spine_links());
}

void Meter::started(std::int64_t now) {
  out_.last_start_s = now;
  at_last_start_ = sum_;
}

// Greedy packing, the largest first: what it can't place is stranded.
void Meter::sample(Allocator& allocator, const Masks& masks) {
  if (refusals_++ % sample_every != 0 || masks.free_hosts() == 0) return;
  Masks left = masks;
  std::uint32_t largest = 0;
  for (std::uint32_t n = left.free_hosts(); n > 0; n = std::min(n, left.free_hosts())) {
    if (const auto cut = allocator.cut(left, n)) {
      if (largest == 0) largest = n;
      left.take(*cut);
    } else {
      --n;
    }
  }
  ++samples_;
  largest_ += percent(largest, masks.free_hosts());
  stranded_ += percent(left.free_hosts(), masks.free_hosts());
}

SimulationReport Meter::report() {
  const std::int64_t span = out_.last_start_s - out_.first_wait_s;
  const auto share = [&](std::int64_t Sums::* of, std::uint32_t all) {
    return percent(at_last_start_.*of - at_first_wait_.*of, span * std::int64_t{all});
  };
  out_.utilisation = share(&Sums::asked, hosts_);
  out_.internal_waste = share(&Sums::hosts, hosts_) - out_.utilisation;
  out_.leaf_links = share(&Sums::leaf_links, leaf_links_);
  out_.spine_links = share(&Sums::spine_links, spine_links_);
  if (samples_ != 0) {
    out_.largest_rentable = largest_ / static_cast<double>(samples_);
    out_.stranded = stranded_ / static_cast<double>(samples_);
  }
  for (std::size_t i = 0; i < outcomes; ++i) out_.latency[i] = latency(times_[i]);
  return out_;
}

}  // namespace weft::broker::fabric
