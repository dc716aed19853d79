// Every counter-offer of `weft why` starts when it is taken: on random fabrics, with random slices
// on them, for random requests that cannot start.
#include <algorithm>
#include <random>

#include "broker/fabric/model/generate.hpp"
#include "tests/unit/broker/world.hpp"

namespace weft::broker::testing {
namespace {

constexpr int cases_wanted = 200;

CoreConfig some_fabric(std::mt19937_64& random) {
  constexpr fabric::Tree trees[] = {{2, 4, 1, 2, 1}, {3, 4, 1, 2, 1}, {2, 2, 2, 2, 2},
                                    {2, 2, 3, 2, 2}, {4, 3, 1, 4, 1}, {3, 2, 2, 3, 2}};
  const fabric::Tree& tree = trees[random() % std::size(trees)];
  fabric::Fabric fabric = generate(tree, tree.pods > 1 ? 3 : 2);
  auto& hosts = fabric.rails[0].hosts;
  for (std::size_t i = 0; i < hosts.size(); ++i) hosts[i].name = "n" + std::to_string(i + 1);
  for (fabric::Switch& leaf : fabric.rails[0].leaves)  // some uplinks were never there
    for (std::uint8_t& port : leaf.up)
      if (random() % 4 == 0) port = 0;
  CoreConfig c = World::standard();
  c.ground = std::make_shared<Ground>(std::move(fabric), "none", "");
  return c;
}

JobSpec some_job(std::mt19937_64& random, std::uint32_t nodes_max) {
  JobSpec spec = World::spec(1 + static_cast<std::uint32_t>(random() % nodes_max),
                             minutes(30 + static_cast<std::int64_t>(random() % 300)));
  spec.within = static_cast<SliceWithin>(random() % 3);
  if (random() % 5 == 0) spec.exclusive = SliceExclusive::switches;
  if (random() % 4 == 0) spec.price_max = Price{1'000'000 * static_cast<int>(1 + random() % 4)};
  return spec;
}

std::optional<Duration> minutes_of(const std::string& text) {
  const auto parsed = parse_duration(text);
  return parsed ? std::optional(*parsed) : std::nullopt;
}

std::optional<JobSpec> with_one(JobSpec spec, const std::string& what) {
  const std::size_t colon = what.find(": ");
  const std::string key = what.substr(0, colon), value = what.substr(colon + 2);
  if (key == "nodes") {
    spec.nodes = static_cast<std::uint32_t>(std::stoul(value));
  } else if (key == "max_price") {
    spec.price_max = Price{*parse_micros(value)};
  } else if (key == "time") {
    spec.time = *minutes_of(value);
  } else if (key == "within") {
    spec.within = value == "any" ? SliceWithin::any : SliceWithin::block;
  } else if (key == "exclusive") {
    spec.exclusive = value == "none" ? SliceExclusive::none : SliceExclusive::links;
  } else {
    return {};
  }
  return spec;
}

// The request with this fix; nothing for fixes that change the world and not the request.
std::optional<JobSpec> with(std::optional<JobSpec> spec, const std::string& what) {
  for (std::size_t at = 0; spec && at < what.size();) {
    const std::size_t end = std::min(what.find(", ", at), what.size());
    spec = with_one(*spec, what.substr(at, end - at));
    at = end + 2;
  }
  return spec;
}

}  // namespace

TEST(WhyOnFabrics, EveryCounterOfferStartsWhenItIsTaken) {
  std::mt19937_64 random(20261124);
  int cases = 0, taken = 0, about_links = 0, about_shape = 0;
  for (int round = 0; cases < cases_wanted && round < 2'000; ++round) {
    const CoreConfig config = some_fabric(random);
    const auto hosts = static_cast<int>(config.ground->fabric.tree().hosts());
    World w(config);
    w.check_always = false;
    w.fleet(hosts);
    w.ok<Done>(1, Deposit{"acme", Money{1'000'000'000'000}});
    for (int i = 0; i < hosts / 2; ++i) w.submit(some_job(random, 3));
    for (const JobLine& line : w.ok<JobList>(1, ListJobs{}).jobs)
      if (line.state == JobState::queued) w.ok<Done>(1, CancelJob{line.job});
    std::size_t free = 0;
    for (const Node& node : w.ok<NodeList>(1, ListNodes{}).nodes) free += !node.lease;
    if (free == 0) continue;
    const JobSpec spec = some_job(random, static_cast<std::uint32_t>(hosts));
    const JobId job = w.submit(spec);
    if (w.state(job) != JobState::queued) continue;
    ++cases;
    const Why why = w.ok<Why>(3, WhyJob{job});
    ASSERT_FALSE(why.blockers.empty()) << round;
    about_links += why.blockers.front() == Code::place_links;
    about_shape += why.blockers.front() == Code::place_shape;
    w.ok<Done>(1, CancelJob{job});
    int offers = 0;
    for (const Fix& fix : why.fixes) {
      const auto changed = with(spec, fix.what);
      if (!changed) continue;
      World copy = w;
      ++offers;
      EXPECT_EQ(copy.state(copy.submit(*changed)), JobState::starting)
          << "round " << round << ": " << fix.what << ": " << why.summary;
    }
    taken += offers;
    EXPECT_GT(offers, 0) << "round " << round << ": " << why.summary;
  }
  EXPECT_EQ(cases, cases_wanted);
  EXPECT_GT(taken, cases_wanted);
  EXPECT_GT(about_links, 0);
  EXPECT_GT(about_shape, 10);
}

}  // namespace weft::broker::testing
