// Which way a switch sends what is for a host, so that a slice's traffic stays on the slice's
// links: the table rule of docs/specs/005-slices.md. Destination-based, as forwarding tables and
// routes are; every path goes up and then down. Pure; the drivers turn hops into ports or routes.
// Thread: any. Errors: none; where no link leads there, the hop is `none`.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "broker/fabric/tree/cut.hpp"

namespace weft::broker::fabric {

struct Placed {  // a slice on the fabric; the same cut on every rail
  std::uint64_t slice = 0;
  Cut cut;
  std::uint16_t key = 0;  // P_Key without the membership bit; 0: the fabric has no keys
  bool operator==(const Placed&) const = default;
};

enum class Tier : std::uint8_t { leaf, l2, spine };

struct At {  // a switch by its place
  Tier tier{};
  std::uint32_t index = 0;
  bool operator==(const At&) const = default;
};

struct Hop {
  enum class Way : std::uint8_t { none, down, up } way{};
  std::uint32_t port = 0;  // by place: slot, L2 index, leaf of the pod, spine of the tree, or pod
  bool operator==(const Hop&) const = default;
};

class Routes {
 public:
  // `present`: the links and hosts that there are (present() of the model, less what has failed).
  // The slices' links must be among them. Keeps references: both outlive it.
  Routes(const Masks& present, std::span<const Placed> slices);

  Hop next(At at, std::uint32_t host) const;
  // Position in the slices of the one that has this host; SIZE_MAX: none.
  std::size_t slice_of(std::uint32_t host) const { return owner_[host]; }

 private:
  Hop up_from_leaf(std::uint32_t leaf, std::uint32_t host) const;
  Hop up_from_l2(std::uint32_t l2, std::uint32_t host) const;
  std::uint64_t leaf_up(std::size_t slice, std::uint32_t leaf) const;
  std::uint64_t l2_up(std::size_t slice, std::uint32_t l2) const;

  const Masks& present_;
  std::span<const Placed> slices_;
  std::vector<std::size_t> owner_;           // by host
  std::vector<std::uint32_t> rank_of_host_;  // among the slice's hosts on its leaf, else its slot
  std::vector<std::uint32_t> rank_of_leaf_;  // by host: of its leaf among the slice's leaves
  std::vector<std::vector<std::uint64_t>> leaf_up_, l2_up_;  // by slice, then by leaf or L2
};

}  // namespace weft::broker::fabric
