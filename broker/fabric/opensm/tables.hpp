// Linear forwarding tables of a rail: by switch and LID the port. Hosts by the table rule (Routes),
// switches by the shortest path and its lowest port. Thread: any. Errors: none.
#pragma once
#include <cstdint>
#include <vector>

#include "broker/fabric/opensm/ports.hpp"

namespace weft::broker::fabric {

struct Tables {
  static constexpr std::uint8_t none = 255;   // what a switch holds for a LID without a way
  std::uint32_t lids = 0;                     // rows of a table: the highest LID + 1
  std::vector<std::vector<std::uint8_t>> of;  // by switch number, then LID; empty: no such switch
  bool operator==(const Tables&) const = default;
};

std::uint32_t lid_count(const Rail& rail);  // the highest LID in use + 1

// Rows for the switches' own LIDs: they change with links only, so a driver keeps them.
Tables switch_tables(const Rail& rail, const Masks& present);
// With the rows of the hosts put in.
void add_hosts(Tables& tables, const Rail& rail, const Routes& routes);

}  // namespace weft::broker::fabric
