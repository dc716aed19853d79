// A fabric and its driver, as the broker's core knows them: they take their time, die, fail, hold
// something else than was asked, and lose links. What it checks by itself: a gang runs only on a
// slice that this fabric holds and has verified.
#pragma once
#include <map>
#include <optional>
#include <set>

#include "broker/core/event.hpp"
#include "tests/sim/random.hpp"

namespace weft::sim {

class World;

class Fabric {
 public:
  explicit Fabric(World& world);
  void broker_started();  // its driver is a child of the broker
  void ask(const DriverOrderBody& order);
  void decided(const std::vector<FactBox>& facts);  // by the core, durable or not yet
  void break_a_link();
  void fix();  // every link is up again

 private:
  void answer(std::uint64_t generation, const ApplySlices& order);
  void answer(std::uint64_t generation, const CheckSlices& check);
  void say(DriverSaysBody body);
  void die();

  World& world_;
  Random random_;
  std::uint64_t generation_ = 0;  // of the driver's process
  std::map<std::uint64_t, Links> held_;
  std::set<std::uint64_t> verified_;
  std::map<AttemptId, LeaseId> leases_;  // of attempts
  std::optional<SliceLeaf> down_;        // one link at a time
};

}  // namespace weft::sim
