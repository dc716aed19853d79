#include "tests/sim/fabric.hpp"

#include "tests/sim/shell.hpp"
#include "tests/sim/world.hpp"

namespace weft::sim {

Fabric::Fabric(World& world) : world_(world), random_(world.random.split()) {}

void Fabric::say(DriverSaysBody body) {
  if (const auto* answer = std::get_if<DriverAnswered>(&body))
    world_.trace("fabric: order {} answered, {} differences, {} slices, {} verified",
                 answer->ticket, answer->differences.size(), held_.size(), verified_.size());
  world_.shell->driver(broker::DriverSaid{std::move(body)});
}

void Fabric::broker_started() {
  if (!world_.plan.core.ground) return;
  const std::uint64_t mine = ++generation_;
  world_.at(random_.span(20, 1'000), [this, mine] {
    if (mine == generation_) world_.shell->driver(broker::DriverStarted{});
  });
}

void Fabric::die() {
  world_.coverage.hit(Branch::driver_died);
  world_.trace("fabric: the driver dies");
  const std::uint64_t mine = ++generation_;
  world_.at(random_.span(100, 3'000), [this, mine] {
    if (mine == generation_) world_.shell->driver(broker::DriverStarted{});
  });
}

void Fabric::ask(const DriverOrderBody& order) {
  const std::uint64_t mine = generation_;
  const Duration takes = random_.span(1, world_.hostile() && random_.chance(100) ? 8'000 : 300);
  if (world_.hostile() && random_.chance(world_.plan.bad_fabric / 2)) return die();
  if (const auto* apply = std::get_if<ApplySlices>(&order))
    world_.at(takes, [this, mine, order = *apply] { answer(mine, order); });
  if (const auto* check = std::get_if<CheckSlices>(&order))
    world_.at(takes, [this, mine, order = *check] { answer(mine, order); });
}

void Fabric::answer(std::uint64_t generation, const ApplySlices& order) {
  if (generation != generation_) return;
  DriverAnswered out;
  out.ticket = order.ticket;
  if (world_.hostile() && random_.chance(world_.plan.bad_fabric)) {
    world_.coverage.hit(Branch::driver_failed);
    out.code = Code::fabric_driver;
    verified_.clear();  // how far it came is not known
    return say(std::move(out));
  }
  if (world_.hostile() && random_.chance(world_.plan.bad_fabric)) {
    world_.coverage.hit(Branch::fabric_differed);
    out.differences.push_back({0, "a simulated difference of nobody in particular"});
    verified_.clear();
    return say(std::move(out));
  }
  std::map<std::uint64_t, Links> now;
  for (const PlacedSlice& slice : order.slices) now[slice.slice] = slice.links;
  for (auto it = verified_.begin(); it != verified_.end();)
    it = now.contains(*it) && now[*it] == held_[*it] ? std::next(it) : verified_.erase(it);
  held_ = std::move(now);
  for (const std::uint64_t slice : order.fresh) {
    if (world_.hostile() && random_.chance(world_.plan.bad_fabric)) {
      world_.coverage.hit(Branch::slice_differed);
      out.differences.push_back({slice, "a simulated difference"});
      verified_.erase(slice);
    } else {
      verified_.insert(slice);
    }
  }
  say(std::move(out));
}

void Fabric::answer(std::uint64_t generation, const CheckSlices& check) {
  if (generation != generation_) return;
  DriverAnswered out;
  out.ticket = check.ticket;
  say(std::move(out));
}

void Fabric::decided(const std::vector<FactBox>& facts) {
  if (!world_.plan.core.ground) return;
  for (const FactBox& box : facts) {
    if (const auto* made = std::get_if<AttemptMade>(&box.fact))
      leases_[made->attempt.id] = made->attempt.lease;
    const auto* moved = std::get_if<AttemptMoved>(&box.fact);
    if (!moved || moved->state != AttemptState::running) continue;
    const LeaseId lease = leases_[moved->attempt];
    if (!verified_.contains(lease.value))
      world_.fail(fmt::format("8: a gang runs on slice s{}, which the fabric has not verified",
                              lease.value));
  }
}

void Fabric::break_a_link() {
  if (down_ || held_.empty()) return fix();
  const Links& links =
      std::next(held_.begin(), static_cast<std::ptrdiff_t>(random_.below(held_.size())))->second;
  for (const SliceLeaf& leaf : links.leaves)
    if (leaf.up != 0) {
      down_ = SliceLeaf{leaf.leaf, 0, leaf.up & ~(leaf.up - 1)};
      break;
    }
  if (!down_) return;
  world_.coverage.hit(Branch::link_down);
  FabricChanged change;
  change.down.leaves = {*down_};
  change.text = "a simulated cable was pulled";
  say(std::move(change));
}

void Fabric::fix() {
  if (!down_) return;
  FabricChanged change;
  change.up.leaves = {*down_};
  change.program_again = true;
  change.text = "the cable is back";
  down_.reset();
  say(std::move(change));
}

}  // namespace weft::sim
