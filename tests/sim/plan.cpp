#include "tests/sim/plan.hpp"

#include <fmt/format.h>

#include "broker/fabric/model/generate.hpp"

namespace weft::sim {

namespace {

// Small worlds find most bugs; a few large ones find those that need many.
void draw_size(Plan& plan, Random& random) {
  const std::uint64_t kind = random.below(40);
  if (kind == 0) {
    plan.workers = static_cast<int>(random.between(50, 60));
    plan.customers = 4;
  } else if (kind < 10) {
    plan.workers = static_cast<int>(random.between(7, 12));
    plan.customers = 3;
  } else {
    plan.workers = static_cast<int>(random.between(2, 6));
    plan.customers = static_cast<int>(random.between(1, 3));
  }
  plan.sellers = random.chance(250) && plan.workers > 2 ? 2 : 1;
}

Duration every(Random& random, std::uint32_t per_mille, std::int64_t low_s, std::int64_t high_s) {
  if (!random.chance(per_mille)) return {};
  return seconds(random.between(low_s, high_s));
}

// Each kind of fault is on in some seeds only: a run with all of them on at once rarely gets far
// enough to reach a rare state.
void draw_faults(Plan& plan, Random& random) {
  if (random.chance(400)) plan.loss = static_cast<std::uint32_t>(random.between(2, 40));
  if (random.chance(350)) plan.repeat = static_cast<std::uint32_t>(random.between(5, 100));
  if (random.chance(350)) plan.overtake = static_cast<std::uint32_t>(random.between(5, 150));
  if (random.chance(400)) plan.delay_max = milliseconds(random.between(50, 2'000));
  plan.cut_every = every(random, 350, 10, 60);
  plan.gateway_every = every(random, 250, 20, 90);
  plan.broker_every = every(random, 350, 20, 90);
  plan.worker_every = every(random, 350, 10, 60);
  plan.hang_every = every(random, 300, 10, 60);
  plan.host_every = every(random, 250, 20, 90);
  if (random.chance(400)) plan.crash_at_commit = static_cast<std::uint32_t>(random.between(2, 30));
  if (random.chance(300)) plan.commit_max = milliseconds(random.between(20, 300));
  if (random.chance(200)) plan.slow_commit = static_cast<std::uint32_t>(random.between(1, 20));
  if (random.chance(500)) plan.bad_rank = static_cast<std::uint32_t>(random.between(10, 200));
  if (random.chance(300)) plan.bad_prepare = static_cast<std::uint32_t>(random.between(10, 150));
  if (random.chance(400)) plan.bad_fabric = static_cast<std::uint32_t>(random.between(5, 80));
  plan.link_every = every(random, 400, 10, 60);
  if (random.chance(250)) plan.clock_step_max = seconds(random.between(1, 600));
}

// The workers as the hosts of a leaf-spine fabric.
std::shared_ptr<const broker::Ground> draw_ground(const Plan& plan, Random& random) {
  const auto per_leaf = static_cast<std::uint32_t>(random.between(2, 4));
  const std::uint32_t leaves = (static_cast<std::uint32_t>(plan.workers) + per_leaf - 1) / per_leaf;
  broker::fabric::Fabric fabric = broker::fabric::generate({per_leaf, leaves, 1, per_leaf, 1}, 2);
  auto& hosts = fabric.rails[0].hosts;
  for (std::size_t i = 0; i < hosts.size(); ++i) hosts[i].name = fmt::format("n{}", i);
  auto ground = std::make_shared<broker::Ground>(std::move(fabric), "linux", "simulated");
  ground->probe.wanted = random.chance(700);
  return ground;
}

}  // namespace

Plan make_plan(std::uint64_t seed, Duration hostile) {
  Random random(seed ^ 0x77656674'73696dULL);
  Plan plan;
  plan.seed = seed;
  draw_size(plan, random);
  if (seed % 16 != 0) draw_faults(plan, random);  // every sixteenth world is a peaceful one
  plan.hostile = hostile.ms != 0 ? hostile : seconds(random.between(60, 240));
  plan.request_every = milliseconds(random.between(1'000, 5'000));
  plan.core.price_default = {random.between(0, 5) * 500'000};
  plan.core.fee_bps = static_cast<std::uint32_t>(random.between(0, 2) * 150);
  plan.core.silence_max = seconds(random.between(3, 8));
  plan.core.recovery_grace = seconds(random.between(5, 60));
  plan.core.prepare_time_max = seconds(random.between(5, 30));
  plan.core.stop_grace = seconds(random.between(1, 5));
  if (seed % 2 == 1) plan.core.ground = draw_ground(plan, random);
  return plan;
}

}  // namespace weft::sim
