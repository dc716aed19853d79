#include <fmt/format.h>

#include <algorithm>

#include "broker/fabric/opensm/config.hpp"
#include "broker/fabric/opensm/lft_file.hpp"
#include "broker/shell/drivers/opensm/opensm_class.hpp"

namespace weft::broker {

using namespace fabric;

namespace {

constexpr std::uint16_t unknown_key = 0xffff;  // more than one, or one that makes no sense

bool share(const Cut& a, const Cut& b) {
  for (const Cut::Leaf& x : a.leaves)
    for (const Cut::Leaf& y : b.leaves)
      if (x.leaf == y.leaf && ((x.hosts & y.hosts) != 0 || (x.up & y.up) != 0)) return true;
  for (const Cut::L2& x : a.l2)
    for (const Cut::L2& y : b.l2)
      if (x.l2 == y.l2 && (x.up & y.up) != 0) return true;
  return false;
}

std::string in_range(const Tree& t, const Cut& cut) {
  for (const Cut::Leaf& leaf : cut.leaves)
    if (leaf.leaf >= t.leaves() || (leaf.hosts & ~ones(t.hosts_per_leaf)) != 0 ||
        (leaf.up & ~ones(t.l2_per_pod)) != 0)
      return fmt::format("leaf {} is not all in the fabric", leaf.leaf);
  for (const Cut::L2& l2 : cut.l2)
    if (l2.l2 >= t.l2() || (l2.up & ~ones(t.spines_per_l2)) != 0)
      return fmt::format("L2 switch {} is not all in the fabric", l2.l2);
  return {};
}

}  // namespace

std::vector<std::uint32_t> OpenSmDriver::hosts_of(const Cut& cut) const {
  std::vector<std::uint32_t> out;
  const std::uint32_t m = rail().tree.hosts_per_leaf;
  for (const Cut::Leaf& leaf : cut.leaves)
    for (std::uint32_t slot = 0; slot < m; ++slot)
      if (leaf.hosts >> slot & 1) out.push_back(leaf.leaf * m + slot);
  return out;
}

Result<OpenSmPlan> OpenSmDriver::plan(const Transition& target) {
  OpenSmPlan out{target.epoch, target.slices, present_, {}, {}, {}, {}, {}, {}};
  for (const Placed& s : target.slices)
    if (const std::string why = in_range(rail().tree, s.cut); !why.empty())
      return fail(Code::fabric_plan, fmt::format("slice {}: {}", s.slice, why));
  out.usable.shield(target.failed);
  for (const Watched& w : watched_)
    if (!w.up && !w.host) out.usable.shield(w.cut);
  find_manager_host();
  if (!applied_) learn_keys();
  if (auto good = plan_tables(out); !good) return tl::make_unexpected(good.error());
  if (auto good = plan_partitions(out); !good) return tl::make_unexpected(good.error());
  return out;
}

// Known once OpenSM has swept for the first time.
void OpenSmDriver::find_manager_host() {
  if (manager_host_ != UINT32_MAX) return;
  const std::uint16_t lid = reader_.manager_lid();
  for (std::uint32_t h = 0; h < rail().hosts.size(); ++h)
    if (lid != 0 && rail().hosts[h].lid == lid) manager_host_ = h;
}

// What the ports hold before the first transition of this process: keys that an earlier one gave.
void OpenSmDriver::learn_keys() {
  std::vector<KeyPort> ports;
  for (std::uint32_t h = 0; h < rail().hosts.size(); ++h) ports.push_back({h, false});
  const auto keys = reader_.keys(ports, true);
  key_of_.assign(ports.size(), 0);
  for (std::uint32_t h = 0; h < ports.size(); ++h) {
    if (!keys[h] || h == manager_host_) continue;
    for (const std::uint16_t key : *keys[h])
      if (key != default_key)
        key_of_[h] = key_of_[h] == 0 && (key & full_member) != 0 && key != 0xffff
                         ? static_cast<std::uint16_t>(key & ~full_member)
                         : unknown_key;
  }
}

Result<void> OpenSmDriver::plan_tables(OpenSmPlan& plan) {
  Cut failed;  // what is not usable though it is there
  const Tree& t = rail().tree;
  for (std::uint32_t l = 0; l < t.leaves(); ++l)
    if (const auto up = present_.leaf_up(l) & ~plan.usable.leaf_up(l))
      failed.leaves.push_back({l, 0, up});
  for (std::uint32_t s = 0; s < t.l2(); ++s)
    if (const auto up = present_.l2_up(s) & ~plan.usable.l2_up(s)) failed.l2.push_back({s, up});
  if (!switch_rows_ || failed != failed_) {
    switch_rows_ = switch_tables(rail(), plan.usable);
    reader_.use(plan.usable);
    failed_ = failed;
  }
  plan.tables = *switch_rows_;
  add_hosts(plan.tables, rail(), Routes(plan.usable, plan.slices));
  const bool in_place = applied_ && plan.tables == tables_ && table_mark_.inode != 0 &&
                        mark_of(options_.folder + "/lfts.txt") == table_mark_;
  if (in_place) return {};
  plan.table_text = lft_text(rail(), plan.tables, plan.epoch);
  return lint_lft(rail(), plan.tables, plan.table_text);
}

Result<void> OpenSmDriver::plan_partitions(OpenSmPlan& plan) {
  const auto partitions = partitions_of(rail(), plan.slices);
  if (!partitions) return tl::make_unexpected(partitions.error());
  plan.partition_text = partitions_text(*partitions, plan.epoch);
  if (auto good = lint_partitions(*partitions, plan.partition_text); !good) return good;
  plan.key_of.assign(rail().hosts.size(), 0);
  for (const Placed& s : plan.slices)
    for (const std::uint32_t h : hosts_of(s.cut)) {
      if (h == manager_host_)
        return fail(Code::fabric_plan, fmt::format("slice {}: host '{}' runs the fabric manager",
                                                   s.slice, rail().hosts[h].name));
      plan.key_of[h] = s.key;
    }
  if (!changes_hands(plan)) return {};
  plan.key_between = plan.key_of;
  std::vector<Partition> between = *partitions;
  for (std::uint32_t h = 0; h < key_of_.size(); ++h) {
    if (key_of_[h] == plan.key_of[h]) continue;
    plan.key_between[h] = 0;
    for (Partition& p : between) std::erase(p.guids, rail().hosts[h].port_guid);
  }
  std::erase_if(between, [](const Partition& p) { return p.guids.empty(); });
  plan.between_text = partitions_text(between, plan.epoch);
  return lint_partitions(between, *plan.between_text);
}

// Whether something of one slice becomes another's: then it must be seen to be free in between.
bool OpenSmDriver::changes_hands(const OpenSmPlan& plan) const {
  bool leaves = false, comes = false;
  for (std::uint32_t h = 0; h < key_of_.size(); ++h) {
    if (key_of_[h] == plan.key_of[h]) continue;
    leaves |= key_of_[h] != 0;
    comes |= plan.key_of[h] != 0;
    if (key_of_[h] != 0 && plan.key_of[h] != 0) return true;
  }
  if (!leaves || !comes) return false;
  if (!applied_) return true;  // whose links they were is not known
  for (const Placed& was : slices_)
    for (const Placed& is : plan.slices)
      if (was.slice != is.slice && (was.key == is.key || share(was.cut, is.cut))) return true;
  return false;
}

std::vector<std::size_t> OpenSmDriver::concerned(const OpenSmPlan& plan,
                                                 const Transition& target) const {
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < plan.slices.size(); ++i)
    if (!applied_ || std::ranges::find(slices_, plan.slices[i]) == slices_.end() ||
        std::ranges::find(target.fresh, plan.slices[i].slice) != target.fresh.end())
      out.push_back(i);
  return out;
}

// The switches on the slices' own paths, and in them the blocks with LIDs of the slices' hosts.
ReadScope OpenSmDriver::scope(std::span<const Placed> slices,
                              std::span<const std::size_t> which) const {
  ReadScope out;
  const Tree& t = rail().tree;
  for (const std::size_t i : which) {
    const Cut& cut = slices[i].cut;
    std::set<std::uint32_t> switches, blocks;
    for (const std::uint32_t h : hosts_of(cut)) {
      blocks.insert(rail().hosts[h].lid / FabricReader::lids_per_block);
      out.ports.insert({h, false});
      out.ports.insert({h, true});
    }
    for (const Cut::Leaf& leaf : cut.leaves) {
      switches.insert(number_of(t, {Tier::leaf, leaf.leaf}));
      for (std::uint32_t up = 0; up < t.l2_per_pod; ++up)
        if (leaf.up >> up & 1)
          switches.insert(number_of(t, {Tier::l2, t.pod_of(leaf.leaf) * t.l2_per_pod + up}));
    }
    for (const Cut::L2& l2 : cut.l2)
      for (std::uint32_t j = 0; j < t.spines_per_l2; ++j)
        if (l2.up >> j & 1)
          switches.insert(number_of(t, {Tier::spine, l2.l2 % t.l2_per_pod * t.spines_per_l2 + j}));
    for (const std::uint32_t s : switches)
      for (const std::uint32_t b : blocks) out.blocks.insert({s, b});
  }
  return out;
}

}  // namespace weft::broker
