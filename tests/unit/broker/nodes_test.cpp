#include "broker/fabric/nodes.hpp"
#include "tests/unit/broker/world.hpp"

namespace weft::broker::testing {

TEST(NameOrder, NumbersByValueTheRestByByte) {
  const std::vector<std::string> ascending{"",      "a",     "n",     "n01",
                                           "n1",    "n2",    "n10",   "n10a",
                                           "n10a2", "n10a9", "n10b1", "n123456789012345678901",
                                           "na",    "z"};
  const fabric::NameOrder before;
  for (std::size_t i = 0; i < ascending.size(); ++i)
    for (std::size_t j = 0; j < ascending.size(); ++j)
      EXPECT_EQ(before(ascending[i], ascending[j]), i < j) << ascending[i] << " " << ascending[j];
}

TEST(Nodes, RanksFollowNamesWhoeverJoinedFirst) {
  World w;
  w.fleet(0);
  for (const int i : {10, 2, 1}) {
    w.enroll(World::worker_key(i), Role::worker, "n" + std::to_string(i), "lab");
    w.join(i);
  }
  w.ok<OfferList>(2, PutOffer{});
  const JobId job = w.submit(World::spec(3));
  const std::vector<std::string> expected{"n1", "n2", "n10"};
  EXPECT_EQ(w.show(job).nodes, expected);
  std::vector<std::string> listed;
  for (const Node& node : w.ok<NodeList>(1, ListNodes{}).nodes) listed.push_back(node.name);
  EXPECT_EQ(listed, expected);
}

}  // namespace weft::broker::testing
