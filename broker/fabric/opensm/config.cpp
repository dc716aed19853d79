#include "broker/fabric/opensm/config.hpp"

#include <fmt/format.h>

#include <map>
#include <set>

#include "broker/fabric/opensm/ports.hpp"

namespace weft::broker::fabric {
namespace {

constexpr std::uint16_t unicast_lid_max = 0xBFFF;

template <class Visit>
void each_end_port(const Rail& rail, Visit visit) {
  for (const Host& h : rail.hosts)
    if (!h.name.empty()) visit(h.name, h.port_guid, h.lid);
  for (std::uint32_t s = 0; s < switch_count(rail.tree); ++s)
    if (const Switch& sw = switch_at(rail, at_number(rail.tree, s)); !sw.name.empty())
      visit(sw.name, sw.guid, sw.lid);
}

}  // namespace

std::string osm_conf_text(std::string_view folder) {
  return fmt::format(
      "force_log_flush TRUE\nlog_flags 0x03\nsweep_interval 0\n"
      "max_wire_smps 32\nmax_wire_smps2 32\n"
      "routing_engine file,no_fallback\nlfts_file {0}/lfts.txt\n"
      "partition_config_file {0}/partitions.conf\nhonor_guid2lid_file TRUE\n",
      folder);
}

std::string guid2lid_text(const Rail& rail) {
  std::string out;
  each_end_port(rail, [&](const std::string&, std::uint64_t guid, std::uint16_t lid) {
    fmt::format_to(std::back_inserter(out), "0x{:016x} 0x{:04x} 0x{:04x}\n\n", guid, lid, lid);
  });
  return out;
}

Result<void> check_lids(const Rail& rail) {
  std::map<std::uint16_t, std::string> seen;
  std::string wrong;
  each_end_port(rail, [&](const std::string& name, std::uint64_t guid, std::uint16_t lid) {
    if (!wrong.empty()) return;
    if (guid == 0) wrong = fmt::format("'{}' has no GUID", name);
    if (lid == 0 || lid > unicast_lid_max) wrong = fmt::format("'{}' has the LID {}", name, lid);
    if (const auto [it, fresh] = seen.emplace(lid, name); !fresh)
      wrong = fmt::format("'{}' and '{}' have the same LID {}", it->second, name, lid);
  });
  if (!wrong.empty()) return fail(Code::fabric_plan, "LIDs: " + wrong);
  return {};
}

Result<void> lint_guid2lid(const Rail& rail, std::string_view text) {
  std::set<std::string, std::less<>> entries;
  while (!text.empty()) {
    const std::size_t end = text.find("\n\n");
    if (end == text.npos) return fail(Code::fabric_plan, "guid2lid: no blank line behind an entry");
    entries.emplace(text.substr(0, end));
    text.remove_prefix(end + 2);
  }
  std::string wrong;
  each_end_port(rail, [&](const std::string& name, std::uint64_t guid, std::uint16_t lid) {
    if (!entries.contains(fmt::format("0x{:016x} 0x{:04x} 0x{:04x}", guid, lid, lid)) &&
        wrong.empty())
      wrong = fmt::format("'{}' with LID {} is not in it", name, lid);
  });
  if (!wrong.empty()) return fail(Code::fabric_plan, "guid2lid: " + wrong);
  return {};
}

}  // namespace weft::broker::fabric
