#include "broker/core/ground.hpp"

#include "base/limits.hpp"

namespace weft::broker {

Ground::Ground(fabric::Fabric what, std::string driver_name, std::string description)
    : fabric(std::move(what)),
      rentable(all_free(fabric)),
      driver(std::move(driver_name)),
      enforced(driver != "none"),
      text(std::move(description)) {
  const auto& hosts = fabric.rails.front().hosts;
  for (std::uint32_t place = 0; place < hosts.size(); ++place)
    if (!hosts[place].name.empty()) places.emplace(hosts[place].name, place);
  if (text.size() > limits::fabric_shown_bytes_max) text.clear();
}

std::uint32_t Ground::place_of(std::string_view node) const {
  const auto it = places.find(node);
  return it == places.end() ? fabric::nowhere : it->second;
}

const std::string& Ground::host_name(std::uint32_t place) const {
  return fabric.rails.front().hosts[place].name;
}

}  // namespace weft::broker
