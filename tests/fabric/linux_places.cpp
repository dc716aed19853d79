// Names, addresses and messages; needs no root.
#include <gtest/gtest.h>

#include <cstring>
#include <set>

#include "broker/fabric/model/generate.hpp"
#include "broker/shell/drivers/linux/message.hpp"
#include "broker/shell/drivers/linux/places.hpp"

namespace weft::broker::netns {
namespace {

TEST(LinuxPlaces, EveryCableHasTwoEndsThatNameEachOther) {
  for (const std::uint32_t levels : {2U, 3U}) {
    const auto tree = levels == 3 ? fabric::Tree{3, 2, 4, 2, 3} : fabric::Tree{3, 5, 1, 2, 1};
    const auto fabric = fabric::generate(tree, levels);
    const Places places(fabric, "x");
    std::set<Mac> macs;
    std::set<std::string> spaces;
    std::set<std::uint32_t> own;
    std::size_t ends = 0;
    for (const At at : places.switches()) {
      EXPECT_TRUE(spaces.insert(places.space(at)).second);
      EXPECT_TRUE(own.insert(places.own_address(at)).second);
      for (const Hop port : places.ports(at)) {
        ++ends;
        EXPECT_TRUE(macs.insert(Places::mac({false, 0, at, port})).second);
        EXPECT_EQ(Places::port_of(Places::device(port)), port);
        const End far = places.beyond(at, port);
        if (far.is_host) {
          EXPECT_TRUE(macs.insert(Places::mac(far)).second);
          continue;
        }
        EXPECT_EQ(places.beyond(far.at, far.port), (End{false, 0, at, port}));
        EXPECT_EQ(places.link(at, port), places.link(far.at, far.port));
      }
    }
    const std::size_t spine_links = levels == 3 ? tree.l2() * tree.spines_per_l2 : 0;
    EXPECT_EQ(ends, tree.hosts() + 2 * (tree.leaves() * tree.l2_per_pod + spine_links));
    for (const std::uint32_t host : places.hosts()) {
      EXPECT_TRUE(spaces.insert(places.space(host)).second);
      EXPECT_EQ(places.host_at(places.address(host)), host);
    }
    EXPECT_FALSE(places.host_at(far_end));
    EXPECT_FALSE(places.host_at(10U << 24));  // slot -1
  }
}

TEST(LinuxMessages, AttributesComeBackAndBrokenOnesAreLeftOut) {
  Request request(1, 0);
  request.put(3, std::uint32_t{77});
  const auto nested = request.open(5);
  request.put(2, std::string_view("eth0"));
  request.close(nested);
  request.put(64, std::uint32_t{1});  // beyond what is read
  const auto bytes = request.finish(9);
  Message message{1, {bytes.begin() + sizeof(nlmsghdr), bytes.end()}};
  const Attributes whole(message, 0);
  EXPECT_EQ(whole.number(3), 77U);
  EXPECT_EQ(Attributes(whole.bytes(5)).text(2), "eth0");
  EXPECT_FALSE(whole.has(4));
  // Cut anywhere, and with a length that is too long or too short: what is whole is read, no more.
  for (std::size_t cut = 0; cut < message.payload.size(); ++cut) {
    const Message part{1,
                       {message.payload.begin(), message.payload.begin() + static_cast<long>(cut)}};
    const Attributes read(part, 0);
    EXPECT_EQ(read.has(3), cut >= 8) << cut;
    EXPECT_EQ(read.has(5), cut >= 8 + 4 + 12) << cut;
  }
  for (const std::uint16_t length : {std::uint16_t{0}, std::uint16_t{3}, std::uint16_t{60'000}}) {
    std::memcpy(message.payload.data(), &length, sizeof length);
    EXPECT_FALSE(Attributes(message, 0).has(3));
  }
}

}  // namespace
}  // namespace weft::broker::netns
