#include "broker/shell/drivers/linux/namespaces.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/rtnetlink.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

#include "broker/shell/drivers/linux/base_rules.hpp"
#include "broker/shell/drivers/linux/cables.hpp"
#include "broker/shell/drivers/linux/enter.hpp"
#include "broker/shell/drivers/linux/kernel.hpp"

namespace weft::broker::netns {
namespace {

Result<void> set(const std::string& sysctl, std::string_view value) {
  const std::string path = "/proc/sys/net/" + sysctl;
  const int file = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (file < 0 && errno == ENOENT) return {};  // a kernel without IPv6
  const bool written =
      file >= 0 && write(file, value.data(), value.size()) == static_cast<ssize_t>(value.size());
  if (!written) return fail(Code::os_error, fmt::format("{}: {}", path, std::strerror(errno)));
  close(file);
  return {};
}

// Before the first interface is there: each takes its settings from `default`.
Result<void> settings(const std::string& space, bool forwards) {
  return inside(space, [&]() -> Result<void> {
    const std::string forward = forwards ? "1" : "0";
    for (const std::string& scope : {std::string("all"), std::string("default")})
      for (const auto& [key, value] :
           {std::pair<std::string, std::string>{"ipv6/conf/" + scope + "/disable_ipv6", "1"},
            {"ipv4/conf/" + scope + "/rp_filter", "0"},
            {"ipv4/conf/" + scope + "/send_redirects", "0"},
            {"ipv4/conf/" + scope + "/accept_redirects", "0"},
            {"ipv4/conf/" + scope + "/accept_source_route", "0"},
            {"ipv4/conf/" + scope + "/ignore_routes_with_linkdown", "1"},
            {"ipv4/conf/" + scope + "/forwarding", forward}})
        if (auto done = set(key, value); !done) return done;
    return set("ipv4/ip_forward", forward);
  });
}

// Of a fabric: `weft up` has other namespaces of the same tag.
std::vector<std::string> parts_of(const std::string& tag) {
  const std::string head = "weft-" + tag + "-";
  auto names = with_prefix(head);
  std::erase_if(names, [&](const std::string& name) {
    const std::string_view rest = std::string_view(name).substr(head.size());
    const bool host = rest.size() > 1 && rest[0] == 'h' && rest[1] >= '0' && rest[1] <= '9';
    return !host && !rest.starts_with("leaf") && !rest.starts_with("l2_") &&
           !rest.starts_with("spine");
  });
  return names;
}

class Builder {
 public:
  Builder(const Places& places, const BuildOptions& options, std::uint64_t rate)
      : places_(places), options_(options), rate_(rate) {}

  Result<void> run() {
    for (const At at : places_.switches())
      if (auto done = space(places_.space(at), true); !done) return done;
    for (const std::uint32_t host : places_.hosts())
      if (auto done = space(places_.space(host), false); !done) return done;
    for (const At at : places_.switches())
      if (auto done = cables(at); !done) return done;
    for (const At at : places_.switches())
      if (auto done = configure(at); !done) return done;
    for (const std::uint32_t host : places_.hosts()) {
      if (auto done = configure_host(places_, host); !done) return done;
      if (auto done = shape_host(host); !done) return done;
    }
    return settle();
  }

 private:
  static Result<void> space(const std::string& name, bool forwards) {
    if (auto made = make(name); !made) return made;
    return settings(name, forwards);
  }

  // To what is above, and a leaf's to its hosts: each cable once.
  Result<void> cables(At at) {
    return inside(places_.space(at), [&]() -> Result<void> {
      auto socket = Netlink::open();
      if (!socket) return tl::make_unexpected(socket.error());
      for (const Hop port : places_.ports(at)) {
        const End far = places_.beyond(at, port);
        if (port.way == Hop::Way::down && !far.is_host) continue;
        const Spot here{places_.space(at), Places::device(port), Places::mac({false, 0, at, port})};
        const Spot there{far.is_host ? places_.space(far.host) : places_.space(far.at),
                         far.is_host ? host_device : Places::device(far.port), Places::mac(far)};
        if (auto laid = lay(*socket, here, there); !laid) return laid;
      }
      return {};
    });
  }

  Result<void> configure(At at) {
    auto kernel = Kernel::open(places_.space(at));
    if (!kernel) return tl::make_unexpected(kernel.error());
    if (auto done = deny_all(*kernel, places_, at); !done) return done;
    auto devices = kernel->devices();
    if (!devices) return tl::make_unexpected(devices.error());
    const int lo = (*devices)["lo"].index;
    if (auto done = kernel->set_up(lo, true); !done) return done;
    if (auto done = kernel->add_address(lo, places_.own_address(at)); !done) return done;
    std::vector<int> shaped;
    for (const Hop port : places_.ports(at)) {
      const int device = (*devices)[Places::device(port)].index;
      if (auto done = kernel->set_up(device, true); !done) return done;
      const End far = places_.beyond(at, port);
      if (auto done = kernel->neighbour(device, Places::mac(far)); !done) return done;
      if (rate_ != 0 && (!far.is_host || options_.shape_host_links)) shaped.push_back(device);
    }
    if (auto done = answer_hosts(*kernel, places_, at, *devices); !done) return done;
    return shape_in(places_.space(at), shaped, rate_);
  }

  // The kernel says that a cable runs some time, up to a second, after it does (linkwatch);
  // programs take an interface that doesn't run for one that isn't there.
  Result<void> settle() {
    std::vector<std::string> spaces;
    for (const At at : places_.switches()) spaces.push_back(places_.space(at));
    for (const std::uint32_t host : places_.hosts()) spaces.push_back(places_.space(host));
    int tries_left = 2'000;
    for (const std::string& one : spaces) {
      auto kernel = Kernel::open(one);
      if (!kernel) return tl::make_unexpected(kernel.error());
      for (;; std::this_thread::sleep_for(std::chrono::milliseconds(5))) {
        auto devices = kernel->devices();
        if (!devices) return tl::make_unexpected(devices.error());
        if (std::ranges::all_of(*devices, [](const auto& each) { return each.second.up; })) break;
        if (--tries_left == 0) return fail(Code::timeout, one + ": a cable does not come up");
      }
    }
    return {};
  }

  Result<void> shape_host(std::uint32_t host) {
    if (rate_ == 0 || !options_.shape_host_links) return {};
    auto kernel = Kernel::open(places_.space(host));
    if (!kernel) return tl::make_unexpected(kernel.error());
    auto devices = kernel->devices();
    if (!devices) return tl::make_unexpected(devices.error());
    return shape_in(places_.space(host), {(*devices)[host_device].index}, rate_);
  }

  const Places& places_;
  const BuildOptions& options_;
  std::uint64_t rate_;
};

}  // namespace

bool possible() {
  if (geteuid() != 0) return false;
  const std::string name = fmt::format("weft-try{}", getpid());
  const bool made = make(name).has_value();
  return remove(name).has_value() && made;
}

Result<void> build(const fabric::Fabric& fabric, const std::string& tag,
                   const BuildOptions& options) {
  if (fabric.rails.size() != 1)
    return fail(Code::spec_unsupported, "rails: the linux driver has one rail");
  const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  if (tag.empty() || tag.size() > 24 || !std::all_of(tag.begin(), tag.end(), plain))
    return fail(Code::usage, fmt::format("tag '{}': write 1 to 24 of a-z and 0-9", tag));
  const Places places(fabric, tag);
  if (const auto there = parts_of(tag); !there.empty())
    return fail(Code::os_error, fmt::format("{} is there already", there.front()));
  const std::uint64_t rate =
      options.uplink_bits_per_second != 0 ? options.uplink_bits_per_second : fabric.link_rate_bps;
  auto built = Builder(places, options, rate).run();
  if (!built) (void)demolish(tag);
  return built;
}

Result<void> demolish(const std::string& tag) {
  Result<void> out;
  for (const std::string& name : parts_of(tag)) {
    // A process inside would keep the cables: they go first.
    if (auto kernel = Kernel::open(name)) (void)kernel->remove_links();
    if (auto gone = remove(name); !gone) out = gone;
  }
  return out;
}

Result<void> configure_host(const Places& places, std::uint32_t host) {
  auto kernel = Kernel::open(places.space(host));
  if (!kernel) return tl::make_unexpected(kernel.error());
  auto devices = kernel->devices();
  if (!devices) return tl::make_unexpected(devices.error());
  if (auto done = kernel->set_up((*devices)["lo"].index, true); !done) return done;
  const int device = (*devices)[host_device].index;
  if (auto done = kernel->set_up(device, true); !done) return done;
  if (auto done = kernel->add_address(device, places.address(host)); !done) return done;
  const End leaf{false,
                 0,
                 {Tier::leaf, host / places.tree().hosts_per_leaf},
                 {Hop::Way::down, host % places.tree().hosts_per_leaf}};
  if (auto done = kernel->neighbour(device, Places::mac(leaf)); !done) return done;
  RouteRow row = through(RT_TABLE_MAIN, 0, device);
  row.length = 0;
  auto done = kernel->add_route(row, true);
  if (!done) return tl::make_unexpected(done.error());
  if (*done != 0)
    return fail(Code::os_error,
                fmt::format("{}: gateway: {}", places.space(host), std::strerror(*done)));
  return {};
}

}  // namespace weft::broker::netns
