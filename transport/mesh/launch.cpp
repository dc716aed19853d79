#include "transport/mesh/launch.hpp"

#include <fmt/format.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <climits>
#include <fstream>
#include <string_view>

#include "base/limits.hpp"

namespace weft::transport {
namespace {

Error wrong(std::string_view name, std::string_view value, std::string_view right) {
  return {Code::mesh_rendezvous, fmt::format("{}='{}': {}", name, value, right)};
}

template <class T>
Result<T> number(Lookup lookup, const char* name, T fallback, T least, T most) {
  const char* text = lookup(name);
  if (text == nullptr || *text == '\0') return fallback;
  const std::string_view view(text);
  T value{};
  const auto [end, error] = std::from_chars(view.data(), view.data() + view.size(), value);
  if (error != std::errc{} || end != view.data() + view.size() || value < least || value > most)
    return tl::make_unexpected(
        wrong(name, view, fmt::format("must be a whole number from {} to {}", least, most)));
  return value;
}

// "a,b" or "a=10.0.0.1,b=10.0.0.2".
void read_hosts(std::string_view text, Launch& launch) {
  while (!text.empty()) {
    const auto comma = std::min(text.find(','), text.size());
    const auto entry = text.substr(0, comma);
    const auto sign = std::min(entry.find('='), entry.size());
    launch.nodes.emplace_back(entry.substr(0, std::min(sign, limits::name_bytes_max)));
    launch.addresses.emplace_back(entry.substr(std::min(sign + 1, entry.size())));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
}

std::uint64_t mix(std::uint64_t hash, std::string_view text) {  // FNV-1a
  for (const unsigned char c : text) hash = (hash ^ c) * 0x100000001b3ull;
  return hash;
}

}  // namespace

std::string Launch::node_of(std::uint32_t of_rank) const {
  if (nodes.empty() || of_rank >= size) return {};
  return nodes[static_cast<std::size_t>(std::uint64_t{of_rank} * nodes.size() / size)];
}

std::string Launch::address_of(std::uint32_t of_rank) const {
  if (addresses.empty() || of_rank >= size) return {};
  return addresses[static_cast<std::size_t>(std::uint64_t{of_rank} * addresses.size() / size)];
}

Result<Launch> read_launch(Lookup lookup) {
  Launch launch;
  const auto size = number<std::uint32_t>(lookup, "WORLD_SIZE", 1, 1, limits::ranks_per_job_max);
  if (!size) return tl::make_unexpected(size.error());
  const auto rank = number<std::uint32_t>(lookup, "RANK", 0, 0, *size - 1);
  if (!rank) return tl::make_unexpected(rank.error());
  const auto local = number<std::uint32_t>(lookup, "LOCAL_WORLD_SIZE", 1, 1, *size);
  if (!local) return tl::make_unexpected(local.error());
  const auto generation = number<std::uint32_t>(lookup, "WEFT_GENERATION", 1, 1, UINT32_MAX);
  if (!generation) return tl::make_unexpected(generation.error());
  const auto attempt = number<std::uint64_t>(lookup, "WEFT_ATTEMPT", 0, 0, UINT64_MAX);
  if (!attempt) return tl::make_unexpected(attempt.error());
  launch.size = *size;
  launch.rank = *rank;
  launch.local_size = *local;
  launch.generation = *generation;
  launch.attempt = {*attempt};
  if (const char* path = lookup("WEFT_WORKER"); path != nullptr) launch.worker_socket = path;
  if (launch.size > 1 && launch.worker_socket.empty())
    return fail(
        Code::mesh_rendezvous,
        fmt::format("WORLD_SIZE={} but WEFT_WORKER is not set: the ranks of a job find each "
                    "other through their workers; start them with `weft run`, or unset "
                    "WORLD_SIZE for a mesh of one rank",
                    launch.size));
  if (const char* hosts = lookup("WEFT_RANK_HOSTS"); hosts != nullptr && *hosts != '\0') {
    read_hosts(hosts, launch);
    if (launch.size % launch.nodes.size() != 0)
      return tl::make_unexpected(wrong("WEFT_RANK_HOSTS", hosts,
                                       fmt::format("{} ranks cannot be spread evenly over {} nodes",
                                                   launch.size, launch.nodes.size())));
  }
  return launch;
}

Place place_of_this_process() {
  constexpr std::uint64_t start = 0xcbf29ce484222325ull;
  std::string boot;
  std::ifstream("/proc/sys/kernel/random/boot_id") >> boot;
  Place place{mix(start, boot), start};
  for (const char* name : {"net", "ipc", "pid"}) {
    char target[PATH_MAX];
    const auto path = std::string("/proc/self/ns/") + name;
    const auto size = readlink(path.c_str(), target, sizeof target);
    if (size > 0)
      place.namespaces = mix(place.namespaces, {target, static_cast<std::size_t>(size)});
  }
  return place;
}

std::string interface_with(const std::string& address) {
  ifaddrs* list = nullptr;
  if (address.empty() || getifaddrs(&list) != 0) return {};
  std::string name;
  for (const auto* entry = list; entry != nullptr && name.empty(); entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr) continue;
    const auto family = entry->ifa_addr->sa_family;
    if (family != AF_INET && family != AF_INET6) continue;
    char text[NI_MAXHOST];
    const auto size = family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
    if (getnameinfo(entry->ifa_addr, static_cast<socklen_t>(size), text, sizeof text, nullptr, 0,
                    NI_NUMERICHOST) == 0 &&
        address == text)
      name = entry->ifa_name;
  }
  freeifaddrs(list);
  return name;
}

unsigned usable_processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  int count = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
  // "max 100000" or "150000 100000": a quota of a period, rounded up to processors.
  std::string quota;
  long period = 0;
  std::ifstream limit("/sys/fs/cgroup/cpu.max");
  if (limit >> quota >> period && quota != "max" && period > 0) {
    long value = 0;
    std::from_chars(quota.data(), quota.data() + quota.size(), value);
    if (value > 0) count = std::min<int>(count, static_cast<int>((value + period - 1) / period));
  }
  return static_cast<unsigned>(std::max(count, 1));
}

}  // namespace weft::transport
