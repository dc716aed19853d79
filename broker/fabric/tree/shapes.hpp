// The legal shapes of slices and the searches for them; see docs/specs/005-slices.md.
#pragma once
#include <optional>

#include "broker/fabric/tree/cut.hpp"

namespace weft::broker::fabric {

struct Search {
  // None: best fit by free hosts alone, as Jigsaw. Else part-used leaves are shared by slices that
  // end at about the same time, so that whole leaves come free.
  std::optional<Term> term;
  std::uint32_t steps_max = 20'000;  // of one depth-first search; a request may need several
  bool limit_hit = false;
};

// What it costs to put `hosts` of a slice on a part of this leaf; less is better. Without a term:
// the hosts free there.
std::int64_t cost(const Masks& masks, const Search& search, std::uint32_t leaf,
                  std::uint32_t hosts);

std::optional<Cut> find_leaf(const Masks& masks, std::uint32_t hosts, const Search& search);
std::optional<Cut> find_pod(const Masks& masks, std::uint32_t hosts, Search& search);
// Only where a leaf has as many uplinks as hosts.
std::optional<Cut> find_pods(const Masks& masks, std::uint32_t hosts, Search& search);

// At most `leaves` leaves, none of them free and each busy for nearly the whole term. Needs a term.
// The search is greedy: at most 60 leaves are tried.
std::optional<Cut> find_stubs(const Masks& masks, std::uint32_t hosts, std::uint32_t leaves,
                              Search& search);

// The other policies.
std::optional<Cut> find_any_hosts(const Masks& masks, std::uint32_t hosts);
std::optional<Cut> find_owned_switches(const Masks& masks, std::uint32_t hosts);

}  // namespace weft::broker::fabric
