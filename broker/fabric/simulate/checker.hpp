// The referee of the simulation: books who has which host and link, link by link, and says what two
// slices share and which slice has no legal shape. It uses nothing of the allocator's code but the
// record of what a slice got. Thread: one.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "broker/fabric/tree/cut.hpp"

namespace weft::broker::fabric {

class Checker {
 public:
  explicit Checker(const Tree& tree);

  // `owns_links` false: the slice has no links of its own, so its traffic may use every uplink of
  // its leaves, and if it is in several pods every uplink of their L2 switches.
  void start(const Cut& cut, bool owns_links);
  void end(const Cut& cut, bool owns_links);

  std::uint64_t shared_hosts() const { return shared_hosts_; }
  std::uint64_t shared_links() const { return shared_links_; }            // sum over starts
  const std::vector<std::string>& problems() const { return problems_; }  // at most 10

 private:
  template <class Visit>
  void each_link(const Cut& cut, bool owns_links, Visit visit);
  Tree tree_;
  std::vector<std::uint8_t> host_users_;
  std::vector<std::uint16_t> leaf_link_users_, spine_link_users_;
  std::uint64_t shared_hosts_ = 0, shared_links_ = 0;
  std::vector<std::string> problems_;
};

// Empty, or which condition of docs/specs/005-slices.md the slice breaks.
std::string illegal(const Tree& tree, const Cut& cut);

}  // namespace weft::broker::fabric
