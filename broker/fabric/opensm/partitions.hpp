// OpenSM's partition file, and the P_Keys that ports must hold because of it. OpenSM fails open: on
// a line of 4,094 bytes or more, a syntax error or a missing file it makes every host a full member
// of the default partition. So nothing is written that lint_partitions() has not read back first.
//   Default=0x7fff : ALL=limited, SELF=full ;
//   s42=0x0a01, defmember=full : 0x0002c90100000081, 0x0002c90100000091 ;
// P_Keys are meant without the membership bit unless said otherwise. Thread: any.
// Errors: fabric_plan.
#pragma once
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.hpp"
#include "base/result.hpp"
#include "broker/fabric/model/fabric.hpp"
#include "broker/fabric/routes/routes.hpp"

namespace weft::broker::fabric {

inline constexpr std::size_t partition_guids_max = 64;    // on a line
inline constexpr std::size_t partition_line_max = 2'048;  // bytes; OpenSM fails at 4,094
inline constexpr std::uint16_t default_key = 0x7fff, full_member = 0x8000;
inline constexpr std::uint16_t key_min = 0x0001, key_max = 0x7ffe;

struct Partition {
  std::uint64_t slice = 0;
  std::uint16_t key = 0;
  std::vector<std::uint64_t> guids;  // of ports, ascending
  bool operator==(const Partition&) const = default;
};

// Of a rail, by slice. Refused: a key out of range or of two slices, a host without a port GUID,
// the reserved host of the manager.
Result<std::vector<Partition>> partitions_of(const Rail& rail, std::span<const Placed> slices);
std::string partitions_text(std::span<const Partition> partitions, Epoch epoch);
// What a file of ours says. Everything that this module would not write itself is refused.
Result<std::vector<Partition>> parse_partitions(std::string_view text);
// The text is whole and says exactly that.
Result<void> lint_partitions(std::span<const Partition> partitions, std::string_view text);
Epoch partitions_epoch(std::string_view text);  // 0: none there

// P_Keys (with the membership bit, ascending) that a host's port, and the leaf's port facing it,
// must hold: 0x7fff, or 0x7fff and the slice's with full membership, e.g. 0x8a01. The manager's own
// host is a full member of the default partition instead: 0xffff, and it must be nobody's.
std::vector<std::uint16_t> keys_of(std::uint16_t slice_key, bool manager);
// May a port with the keys `a` send to one with `b`? A key in common, one of them full member of
// it.
bool admits(std::span<const std::uint16_t> a, std::span<const std::uint16_t> b);

}  // namespace weft::broker::fabric
