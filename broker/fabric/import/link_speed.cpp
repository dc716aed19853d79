#include "broker/fabric/import/link_speed.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>

namespace weft::broker::fabric {
namespace {

struct LaneSpeed {
  std::string_view name;
  std::uint64_t mbps;  // of a lane, as the speed is called; FDR is 14.0625 Gbps on the wire
};
constexpr std::array<LaneSpeed, 9> lane_speeds{{{"SDR", 2'500},
                                                {"DDR", 5'000},
                                                {"QDR", 10'000},
                                                {"FDR10", 10'000},
                                                {"FDR", 14'000},
                                                {"EDR", 25'000},
                                                {"HDR", 50'000},
                                                {"NDR", 100'000},
                                                {"XDR", 200'000}}};

}  // namespace

std::uint64_t speed_of(std::string_view text) {
  const std::size_t x = text.find('x');
  std::uint64_t lanes = 0;
  if (x == text.npos || x == 0 || x > 2) return 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + x, lanes);
  if (error != std::errc{} || end != text.data() + x || lanes == 0 || lanes > 12) return 0;
  for (const LaneSpeed& lane : lane_speeds)
    if (lane.name == text.substr(x + 1)) return lanes * lane.mbps * 1'000'000;
  return 0;
}

std::string speed_text(std::uint64_t bits_per_second) {
  for (const LaneSpeed& lane : lane_speeds)
    if (bits_per_second == 4 * lane.mbps * 1'000'000) return fmt::format(" 4x{}", lane.name);
  return {};
}

}  // namespace weft::broker::fabric
