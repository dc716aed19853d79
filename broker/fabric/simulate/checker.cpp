#include "broker/fabric/simulate/checker.hpp"

#include <fmt/format.h>

#include <set>

namespace weft::broker::fabric {

Checker::Checker(const Tree& tree)
    : tree_(tree),
      host_users_(tree.hosts()),
      leaf_link_users_(tree.leaves() * tree.l2_per_pod),
      spine_link_users_(tree.l2() * tree.spines_per_l2) {}

template <class Visit>
void Checker::each_link(const Cut& cut, bool owns_links, Visit visit) {
  std::set<std::uint32_t> pods;
  for (const Cut::Leaf& leaf : cut.leaves) {
    pods.insert(leaf.leaf / tree_.leaves_per_pod);
    const bool all = !owns_links && cut.leaves.size() > 1;
    for (std::uint32_t i = 0; i < tree_.l2_per_pod; ++i)
      if (all || (leaf.up >> i & 1) != 0) visit(leaf_link_users_[leaf.leaf * tree_.l2_per_pod + i]);
  }
  if (!owns_links && pods.size() > 1)
    for (const std::uint32_t pod : pods)
      for (std::uint32_t i = 0; i < tree_.l2_per_pod * tree_.spines_per_l2; ++i)
        visit(spine_link_users_[pod * tree_.l2_per_pod * tree_.spines_per_l2 + i]);
  for (const Cut::L2& l2 : cut.l2)
    for (std::uint32_t i = 0; i < tree_.spines_per_l2; ++i)
      if ((l2.up >> i & 1) != 0) visit(spine_link_users_[l2.l2 * tree_.spines_per_l2 + i]);
}

void Checker::start(const Cut& cut, bool owns_links) {
  for (const Cut::Leaf& leaf : cut.leaves)
    for (std::uint32_t i = 0; i < tree_.hosts_per_leaf; ++i)
      if ((leaf.hosts >> i & 1) != 0 && host_users_[leaf.leaf * tree_.hosts_per_leaf + i]++ != 0)
        ++shared_hosts_;
  each_link(cut, owns_links, [&](std::uint16_t& users) { shared_links_ += users++ != 0 ? 1 : 0; });
  if (!owns_links) return;
  if (std::string why = illegal(tree_, cut); !why.empty() && problems_.size() < 10)
    problems_.push_back(std::move(why));
}

void Checker::end(const Cut& cut, bool owns_links) {
  for (const Cut::Leaf& leaf : cut.leaves)
    for (std::uint32_t i = 0; i < tree_.hosts_per_leaf; ++i)
      if ((leaf.hosts >> i & 1) != 0) --host_users_[leaf.leaf * tree_.hosts_per_leaf + i];
  each_link(cut, owns_links, [](std::uint16_t& users) { --users; });
}

}  // namespace weft::broker::fabric
