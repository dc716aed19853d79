#include "worker/shell/inventory.hpp"

#include <arpa/inet.h>
#include <dirent.h>
#include <hwloc.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "worker/shell/files.hpp"

namespace weft::worker {
namespace {

void machine(Inventory& out) {
  hwloc_topology_t topology = nullptr;
  if (hwloc_topology_init(&topology) != 0) return;
  if (hwloc_topology_load(topology) == 0) {
    // Only what we may use: a worker in a container or a cpuset has less than the machine.
    const int cores = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_PU);
    out.cores = static_cast<std::uint32_t>(std::max(cores, 1));
    out.memory_bytes = hwloc_get_root_obj(topology)->total_memory;
  }
  hwloc_topology_destroy(topology);
}

std::string text_of(const sockaddr* address) {
  char text[INET6_ADDRSTRLEN] = {};
  if (address->sa_family == AF_INET)
    ::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(address)->sin_addr, text,
                sizeof text);
  else if (address->sa_family == AF_INET6)
    ::inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr, text,
                sizeof text);
  return text;
}

}  // namespace

bool has_rdma() {
  DIR* folder = ::opendir("/sys/class/infiniband");
  if (folder == nullptr) return false;
  bool found = false;
  while (const dirent* entry = ::readdir(folder)) found = found || entry->d_name[0] != '.';
  ::closedir(folder);
  return found;
}

std::string address_towards(const std::string& endpoint) {
  const std::string_view scheme = "tcp://";
  const std::size_t colon = endpoint.rfind(':');
  if (!endpoint.starts_with(scheme) || colon < scheme.size()) return {};
  std::string host = endpoint.substr(scheme.size(), colon - scheme.size());
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  addrinfo hints{}, *found = nullptr;
  hints.ai_socktype = SOCK_DGRAM;
  if (::getaddrinfo(host.c_str(), endpoint.substr(colon + 1).c_str(), &hints, &found) != 0)
    return {};
  std::string out;
  for (const addrinfo* a = found; a != nullptr && out.empty(); a = a->ai_next) {
    Fd fd(::socket(a->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_storage own{};
    socklen_t size = sizeof own;
    // A datagram socket's connect sends nothing: it only picks route and source address.
    if (fd && ::connect(fd.get(), a->ai_addr, a->ai_addrlen) == 0 &&
        ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&own), &size) == 0)
      out = text_of(reinterpret_cast<const sockaddr*>(&own));
  }
  ::freeaddrinfo(found);
  return out;
}

std::string device_of(const std::string& address) {
  ifaddrs* all = nullptr;
  if (::getifaddrs(&all) != 0) return {};
  std::string out;
  for (const ifaddrs* i = all; i != nullptr; i = i->ifa_next)
    if (i->ifa_addr != nullptr && text_of(i->ifa_addr) == address) out = i->ifa_name;
  ::freeifaddrs(all);
  return out;
}

Inventory take_inventory(const Options& options) {
  Inventory out;
  machine(out);
  if (struct if_nameindex* all = ::if_nameindex()) {
    for (const struct if_nameindex* i = all; i->if_name != nullptr && out.nics.size() < 64; ++i)
      if (std::strcmp(i->if_name, "lo") != 0) out.nics.emplace_back(i->if_name);
    ::if_freenameindex(all);
  }
  out.gpus = gpu_models();
  utsname names{};
  if (::uname(&names) == 0) out.host = names.nodename;
  out.address = options.address;
  out.version = WEFT_VERSION;
  return out;
}

}  // namespace weft::worker
