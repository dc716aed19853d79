#include "broker/fabric/picture/owners.hpp"

#include <fmt/format.h>

namespace weft::broker::fabric {

Owners::Owners(const Scene& scene)
    : scene_(scene),
      t_(scene.fabric.tree()),
      hosts_(t_.hosts()),
      leaf_up_(t_.leaves() * t_.l2_per_pod),
      l2_up_(t_.l2() * t_.spines_per_l2) {
  mark_slices();
  mark_missing(scene.fabric.rails[scene.rail]);
}

void Owners::mark_slices() {
  const auto mark = [](Owner& owner, std::uint32_t slice) {
    if (owner.kind == Owner::Kind::free) owner = {Owner::Kind::slice, slice};
  };
  const auto each = [](std::uint64_t mask, std::uint32_t n, auto visit) {
    for (std::uint32_t i = 0; i < n; ++i)
      if ((mask >> i & 1) != 0) visit(i);
  };
  for (std::uint32_t s = 0; s < scene_.slices.size(); ++s) {
    for (const Cut::Leaf& leaf : scene_.slices[s].cut.leaves) {
      if (leaf.leaf >= t_.leaves()) continue;
      each(leaf.hosts, t_.hosts_per_leaf,
           [&](std::uint32_t i) { mark(hosts_[leaf.leaf * t_.hosts_per_leaf + i], s); });
      each(leaf.up, t_.l2_per_pod,
           [&](std::uint32_t i) { mark(leaf_up_[leaf.leaf * t_.l2_per_pod + i], s); });
    }
    for (const Cut::L2& l2 : scene_.slices[s].cut.l2)
      if (l2.l2 < t_.l2())
        each(l2.up, t_.spines_per_l2,
             [&](std::uint32_t j) { mark(l2_up_[l2.l2 * t_.spines_per_l2 + j], s); });
  }
}

// A missing element is shown as missing even if a slice has it: that is what people look for.
void Owners::mark_missing(const Rail& rail) {
  const Masks there = present(rail);
  constexpr Owner missing{Owner::Kind::missing, 0};
  for (std::uint32_t h = 0; h < t_.hosts(); ++h) {
    if ((there.hosts(h / t_.hosts_per_leaf) >> h % t_.hosts_per_leaf & 1) == 0)
      hosts_[h] = missing;
    else if (rail.hosts[h].reserved)
      hosts_[h] = {Owner::Kind::reserved, 0};
  }
  for (std::uint32_t l = 0; l < t_.leaves(); ++l)
    for (std::uint32_t i = 0; i < t_.l2_per_pod; ++i)
      if ((there.leaf_up(l) >> i & 1) == 0) leaf_up_[l * t_.l2_per_pod + i] = missing;
  for (std::uint32_t s = 0; s < t_.l2(); ++s)
    for (std::uint32_t j = 0; j < t_.spines_per_l2; ++j)
      if ((there.l2_up(s) >> j & 1) == 0) l2_up_[s * t_.spines_per_l2 + j] = missing;
}

Tally Owners::tally(std::span<const Owner> owners) {
  Tally out;
  for (const Owner& owner : owners) switch (owner.kind) {
      case Owner::Kind::free: ++out.free; break;
      case Owner::Kind::missing: ++out.missing; break;
      case Owner::Kind::reserved: ++out.reserved; break;
      case Owner::Kind::slice: ++out.taken; break;
    }
  return out;
}
Tally Owners::hosts_of_pod(std::uint32_t pod) const {
  const std::size_t n = std::size_t{t_.hosts_per_leaf} * t_.leaves_per_pod;
  return tally(std::span(hosts_).subspan(pod * n, n));
}
Tally Owners::leaf_links_of_pod(std::uint32_t pod) const {
  const std::size_t n = std::size_t{t_.l2_per_pod} * t_.leaves_per_pod;
  return tally(std::span(leaf_up_).subspan(pod * n, n));
}
Tally Owners::spine_links_of_pod(std::uint32_t pod) const {
  const std::size_t n = std::size_t{t_.l2_per_pod} * t_.spines_per_l2;
  return tally(std::span(l2_up_).subspan(pod * n, n));
}

std::string Owners::label(std::uint32_t slice) const {
  std::string out = fmt::format("slice {}", scene_.slices[slice].slice);
  if (slice < scene_.labels.size() && !scene_.labels[slice].empty())
    out += ": " + scene_.labels[slice];
  for (char& c : out)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  return out;
}
std::string Owners::cut_text(std::uint32_t slice) const {
  const Cut& cut = scene_.slices[slice].cut;
  return fmt::format("{} hosts, {} + {} links", cut.hosts(), cut.leaf_links(), cut.spine_links());
}

}  // namespace weft::broker::fabric
