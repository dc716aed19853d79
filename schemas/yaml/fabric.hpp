// fabric.yaml: a fat tree in a few lines, whole but for what it says is missing.
//   weft: 1
//   name: lab                    # default: the file's name
//   radix: 16                    # a full tree of 16-port switches ..
//   levels: 3                    # .. of 2 or 3 levels (default 3)
//   tree: {hosts_per_leaf: 2, leaves_per_pod: 4, l2_per_pod: 2}  # instead of radix and levels;
//                                # also pods (default 1), spines_per_l2 (three levels)
//   rails: 1                     # equal trees, a port of every host on each
//   link_rate: 50Mbps            # of one link, one way
//   hosts: n[1-8]                # a pattern, or a list of names and patterns; default h[0-..]
//   switches: {leaves: .., l2: .., spines: ..}   # the same; default leaf0_0, l2_0_0, spine0_0
//   sm_host: h0                  # runs the fabric manager, never rented
//   reserved: [h1]               # further hosts that are never rented
//   failed: [h3, "leaf0_0 - l2_0_1", l2_0_0]  # hosts, links and switches that are missing
// What each means: docs/specs/005-slices.md. Whether the names exist is not looked at here.
// Errors: as problems, never an exception. Thread: any.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/yaml/problem.hpp"

namespace weft::yaml {

struct FabricWord {  // a name or a link, and where the file says it
  int line = 0, column = 0;
  std::string text;
};

struct FabricFile {
  std::string name;  // empty: the file has none
  std::uint32_t levels = 3;
  std::uint32_t hosts_per_leaf = 0, leaves_per_pod = 0, pods = 1, l2_per_pod = 0, spines_per_l2 = 1;
  std::uint32_t rails = 1;
  std::uint64_t link_rate_bps = 0;                    // 0: not said
  std::vector<FabricWord> hosts, leaves, l2, spines;  // one a place, or empty: the default
  std::vector<FabricWord> reserved, failed;
};

struct FabricFileRead {
  FabricFile fabric;              // only of use when there are no problems
  std::vector<Problem> problems;  // in the file's order
};
FabricFileRead read_fabric(std::string_view text);

}  // namespace weft::yaml
