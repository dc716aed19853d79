// Private to broker/fabric/picture: whose each host and link is, and how many of each kind.
#pragma once
#include <vector>

#include "broker/fabric/picture/picture.hpp"

namespace weft::broker::fabric {

struct Owner {
  enum class Kind : std::uint8_t { free, missing, reserved, slice } kind{};
  std::uint32_t slice = 0;  // position in the scene's slices
  bool operator==(const Owner&) const = default;
};

struct Tally {
  std::uint32_t free = 0, missing = 0, reserved = 0, taken = 0;
  std::uint32_t all() const { return free + missing + reserved + taken; }
  std::uint32_t there() const { return all() - missing; }
};

class Owners {
 public:
  explicit Owners(const Scene& scene);

  // By place; links by their lower end: leaf and L2 index, L2 switch and spine index.
  Owner host(std::uint32_t h) const { return hosts_[h]; }
  Owner leaf_up(std::uint32_t leaf, std::uint32_t i) const {
    return leaf_up_[leaf * t_.l2_per_pod + i];
  }
  Owner l2_up(std::uint32_t l2, std::uint32_t j) const { return l2_up_[l2 * t_.spines_per_l2 + j]; }

  Tally hosts() const { return tally(hosts_); }
  Tally leaf_links() const { return tally(leaf_up_); }
  Tally spine_links() const { return tally(l2_up_); }
  Tally hosts_of_pod(std::uint32_t pod) const;
  Tally leaf_links_of_pod(std::uint32_t pod) const;
  Tally spine_links_of_pod(std::uint32_t pod) const;

  std::string label(std::uint32_t slice) const;  // "slice 42: train", control characters replaced
  std::string cut_text(std::uint32_t slice) const;  // "8 hosts, 4 + 2 links"

 private:
  static Tally tally(std::span<const Owner> owners);
  void mark_missing(const Rail& rail);
  void mark_slices();

  const Scene& scene_;
  Tree t_;
  std::vector<Owner> hosts_, leaf_up_, l2_up_;
};

}  // namespace weft::broker::fabric
