// What a probe's figures say of a slice. Thread: any (pure).
#pragma once
#include <vector>

#include "broker/core/machine.hpp"

namespace weft::broker {

struct Finding {
  Certificate certificate;
  // Ways (places in the lease's list of nodes) that are too slow, slowest first. After the run of
  // all only those count that were measured by themselves since.
  std::vector<std::pair<std::uint32_t, std::uint32_t>> slow;
};
Finding certify(const Machine& machine, const Lease& lease, const Probe& probe, Instant now);
// What of the fabric the slow ways have in common.
Links suspected(const Machine& machine, const Lease& lease, const Probe& probe,
                const Finding& finding);
// For people: "n3, leaf0 to spine1".
std::string names_of(const Ground& ground, const Links& links);

}  // namespace weft::broker
