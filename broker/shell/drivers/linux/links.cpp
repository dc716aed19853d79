#include <fmt/format.h>

#include "broker/shell/drivers/linux/driver.hpp"
#include "broker/shell/drivers/linux/kernel.hpp"

namespace weft::broker::netns {

fabric::Placed shared_fabric(const fabric::Fabric& model, std::uint64_t slice) {
  const fabric::Masks there = fabric::present(model.rails.front());
  const fabric::Tree& t = model.tree();
  fabric::Placed out;
  out.slice = slice;
  out.cut.shape = fabric::Shape::owned;
  for (std::uint32_t l = 0; l < t.leaves(); ++l)
    out.cut.leaves.push_back({l, there.hosts(l), there.leaf_up(l)});
  for (std::uint32_t i = 0; i < t.l2(); ++i)
    if (there.l2_up(i) != 0) out.cut.l2.push_back({i, there.l2_up(i)});
  out.cut.asked = out.cut.hosts();
  return out;
}

std::string space_of_host(const std::string& tag, std::uint32_t host) {
  return fmt::format("weft-{}-h{}", tag, host);
}

Result<std::vector<LinkCount>> count_links(const fabric::Fabric& model, const std::string& tag) {
  const Places places(model, tag);
  std::vector<LinkCount> out;
  for (const At at : places.switches()) {
    auto kernel = Kernel::open(places.space(at));
    if (!kernel) return tl::make_unexpected(kernel.error());
    auto devices = kernel->devices();
    if (!devices) return tl::make_unexpected(devices.error());
    for (const Hop port : places.ports(at)) {
      const bool host = places.beyond(at, port).is_host;
      if (port.way == Hop::Way::down && !host) continue;
      const Device& d = (*devices)[Places::device(port)];
      LinkCount link{places.short_name(at) + " " + Places::device(port),
                     places.link(at, port),
                     d.packets_out,
                     d.bytes_out,
                     d.packets_in,
                     d.bytes_in};
      if (host) {  // the leaf is the upper end
        std::swap(link.packets_up, link.packets_down);
        std::swap(link.bytes_up, link.bytes_down);
      }
      out.push_back(std::move(link));
    }
  }
  return out;
}

Result<void> set_link(const fabric::Fabric& model, const std::string& tag, At at, Hop port,
                      bool up) {
  const Places places(model, tag);
  auto kernel = Kernel::open(places.space(at));
  if (!kernel) return tl::make_unexpected(kernel.error());
  auto devices = kernel->devices();
  if (!devices) return tl::make_unexpected(devices.error());
  return kernel->set_up((*devices)[Places::device(port)].index, up);
}

}  // namespace weft::broker::netns
