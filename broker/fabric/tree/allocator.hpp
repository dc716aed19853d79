// Cuts slices from a fat tree. Five policies side by side, so that they can be compared:
//   weft      as jigsaw, but part-used leaves are shared by slices that end at about the same time,
//             and stubs, the hosts left over on them, are put together (shape E)
//   baseline  any free hosts, lowest leaf first; links are ignored (what schedulers do)
//   ta        owned switches: at most one job of several leaves on a leaf, of several pods in a pod
//   laas      as jigsaw, but a slice of several pods is rounded up to whole leaves
//   jigsaw    the legal shapes A, B, C of Jigsaw, best fit, bounded search
// Sources: Links as a Service (Zahavi et al., ANCS 2016); Jigsaw (Smith, Lowenthal, HPDC 2021);
// TA (topology-aware scheduling of isolated jobs, SC 2018). Ties fall to the lower index.
// All but baseline share no link between slices, and their slices are rearrangeably non-blocking.
// Thread: one (scratch space is kept). Errors: none; a refusal is the absence of a cut.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "broker/fabric/tree/cut.hpp"

namespace weft::broker::fabric {

enum class Policy : std::uint8_t { weft, baseline, ta, laas, jigsaw };
inline constexpr Policy default_policy = Policy::weft;
std::string_view to_string(Policy policy);
std::optional<Policy> parse_policy(std::string_view name);

enum class Refusal : std::uint8_t {
  none,
  hosts,         // fewer hosts are free than asked for
  shape,         // enough hosts, in no legal shape, even if every link were free
  leaf_links,    // uplinks of leaves stand in the way
  spine_links,   // uplinks of L2 switches stand in the way
  search_limit,  // the search was cut off: there may be a place
};
std::string_view to_string(Refusal refusal);
inline constexpr std::size_t refusals = 6;

class Allocator {
 public:
  explicit Allocator(Policy policy) : policy_(policy) {}
  Policy policy() const { return policy_; }

  // `hosts`: at least 1. Does not change the masks.
  // `term`: used by `weft` only, and only to compare places.
  std::optional<Cut> cut(const Masks& masks, std::uint32_t hosts, std::optional<Term> term = {});
  // Of a request that cut() has just refused. Costs up to two more searches.
  Refusal why(const Masks& masks, std::uint32_t hosts);

 private:
  std::optional<Cut> in_shapes(const Masks& masks, std::uint32_t hosts, std::optional<Term> term);

  Policy policy_;
  bool limit_hit_ = false;
};

}  // namespace weft::broker::fabric
