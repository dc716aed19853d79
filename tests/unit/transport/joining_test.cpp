// The environment, cards and tables: what is right, and what is said about what is wrong.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "base/limits.hpp"
#include "transport/core/header.hpp"
#include "transport/mesh/rendezvous.hpp"

namespace weft::transport {
namespace {

using testing::HasSubstr;

std::map<std::string, std::string> environment;
const char* look(const char* name) {
  const auto found = environment.find(name);
  return found == environment.end() ? nullptr : found->second.c_str();
}

TEST(Launch, NothingSetIsAMeshOfOne) {
  environment.clear();
  const auto launch = read_launch(look);
  ASSERT_TRUE(launch);
  EXPECT_EQ(launch->size, 1u);
  EXPECT_EQ(launch->rank, 0u);
  EXPECT_EQ(launch->node_of(0), "");
}

TEST(Launch, ReadsWhatAWorkerSets) {
  environment = {{"RANK", "5"},
                 {"WORLD_SIZE", "6"},
                 {"LOCAL_WORLD_SIZE", "2"},
                 {"WEFT_WORKER", "/run/w.sock"},
                 {"WEFT_ATTEMPT", "17"},
                 {"WEFT_GENERATION", "3"},
                 {"WEFT_RANK_HOSTS", "a=10.0.0.1,b=10.0.0.2,c"}};
  const auto launch = read_launch(look);
  ASSERT_TRUE(launch) << to_string(launch.error());
  EXPECT_EQ(launch->attempt, AttemptId{17});
  EXPECT_EQ(launch->generation, 3u);
  EXPECT_EQ(launch->node_of(0), "a");
  EXPECT_EQ(launch->node_of(3), "b");
  EXPECT_EQ(launch->node_of(5), "c");
  EXPECT_EQ(launch->address_of(3), "10.0.0.2");
  EXPECT_EQ(launch->address_of(4), "");
  environment["WEFT_RANK_HOSTS"] = "a,a,b,b,c,c";
  EXPECT_EQ(read_launch(look)->node_of(3), "b");
}

TEST(Launch, SaysWhatIsWrong) {
  const std::tuple<const char*, const char*, const char*> cases[] = {
      {"RANK", "6", "RANK='6': must be a whole number from 0 to 5"},
      {"RANK", "-1", "RANK='-1'"},
      {"RANK", "1x", "RANK='1x'"},
      {"WORLD_SIZE", "0", "WORLD_SIZE='0': must be a whole number from 1 to 65536"},
      {"WEFT_GENERATION", "zero", "WEFT_GENERATION='zero'"},
      {"WEFT_ATTEMPT", "0x7", "WEFT_ATTEMPT='0x7'"},
      {"WEFT_RANK_HOSTS", "a,b,c,d", "6 ranks cannot be spread evenly over 4 nodes"},
      {"WEFT_WORKER", "", "WORLD_SIZE=6 but WEFT_WORKER is not set"},
  };
  for (const auto& [name, value, text] : cases) {
    environment = {{"RANK", "0"}, {"WORLD_SIZE", "6"}, {"WEFT_WORKER", "/run/w.sock"}};
    environment[name] = value;
    const auto launch = read_launch(look);
    ASSERT_FALSE(launch) << name << "=" << value;
    EXPECT_EQ(launch.error().code, Code::mesh_rendezvous);
    EXPECT_THAT(launch.error().detail, HasSubstr(text));
  }
}

TEST(Launch, FindsTheInterfaceOfAnAddress) {
  EXPECT_EQ(interface_with("127.0.0.1"), "lo");
  EXPECT_EQ(interface_with("203.0.113.77"), "");
  EXPECT_EQ(interface_with(""), "");
}

Card card(const std::string& node, std::uint64_t host, std::uint64_t namespaces) {
  return {{host, namespaces}, node, digest_of({}), {1, 2, 3}, {4, 5}};
}

TEST(Rendezvous, CardsSurviveTheWire) {
  const auto original = card("node-1", 77, 88);
  EXPECT_EQ(*decode_card(*encode(original)), original);
  Card large = original;
  large.near.resize(limits::rank_address_bytes_max);
  EXPECT_THAT(encode(large).error().detail, HasSubstr("UCX_NET_DEVICES"));
}

TEST(Rendezvous, DamagedCardsAreRefused) {
  const auto good = *encode(card("node-1", 77, 88));
  for (std::size_t cut = 0; cut < good.size(); ++cut)
    EXPECT_FALSE(decode_card({good.data(), cut})) << cut;
  auto longer = good;
  longer.push_back(0);
  EXPECT_FALSE(decode_card(longer));
  std::mt19937 random(1);
  for (int i = 0; i < 20'000; ++i) {  // no damage may read outside or crash
    auto damaged = good;
    for (int hits = 0; hits < 3; ++hits)
      damaged[random() % damaged.size()] = static_cast<std::uint8_t>(random());
    (void)decode_card(damaged);
    Rendezvous rendezvous(0, 2);
    (void)rendezvous.read_table(damaged);
  }
}

TEST(Rendezvous, TheTableTellsWhoSharesMemory) {
  Rendezvous zero(0, 4);
  ASSERT_TRUE(zero.add(0, *encode(card("a", 1, 1))));
  EXPECT_EQ(zero.missing(), "ranks 1, 2, 3 of 4");
  ASSERT_TRUE(zero.add(1, *encode(card("a", 1, 1))));
  ASSERT_TRUE(zero.add(2, *encode(card("b", 1, 1))));  // another node on the same machine
  EXPECT_EQ(zero.missing(), "rank 3 of 4");
  ASSERT_TRUE(zero.add(3, *encode(card("a", 1, 2))));  // the same name in other namespaces
  ASSERT_TRUE(zero.complete());
  Rendezvous other(1, 4);
  ASSERT_TRUE(other.add(1, *encode(card("a", 1, 1))));
  ASSERT_TRUE(other.read_table(zero.table()));
  EXPECT_EQ(other.address_of(0), (Bytes{1, 2, 3}));
  EXPECT_EQ(other.address_of(2), (Bytes{4, 5}));
  EXPECT_EQ(other.address_of(3), (Bytes{4, 5}));
  EXPECT_EQ(other.ranks_on_this_host(), 4u);
  Rendezvous wrong(0, 3);
  EXPECT_THAT(wrong.read_table(zero.table()).error().detail, HasSubstr("rank 0 counts 4 ranks"));
}

TEST(Rendezvous, ARankOfAnotherReleaseIsRefused) {
  Rendezvous zero(0, 2);
  ASSERT_TRUE(zero.add(0, *encode(card("a", 1, 1))));
  auto other = card("b", 1, 1);
  other.tuning = digest_of({.chunk_bytes = 1 << 10});
  EXPECT_THAT(zero.add(1, *encode(other)).error().detail,
              HasSubstr("rank 1 (b) chooses its schedules"));
  auto bytes = *encode(card("b", 1, 1));
  bytes[0] = 9;
  EXPECT_THAT(zero.add(1, bytes).error().detail, HasSubstr("speaks rank protocol 9"));
}

TEST(Header, OnlyThisVersionIsRead) {
  auto header = header_of({Kind::broadcast, DataType::i64, {}, 3, 12}, 7, 2, 1, 40);
  Header read;
  EXPECT_TRUE(read_header(&header, sizeof header, read));
  EXPECT_EQ(call_of(read), (Call{Kind::broadcast, DataType::i64, {}, 3, 12}));
  EXPECT_FALSE(read_header(&header, sizeof header - 1, read));
  header.version = 2;
  EXPECT_FALSE(read_header(&header, sizeof header, read));
  EXPECT_EQ(to_string(Call{static_cast<Kind>(1), static_cast<DataType>(9), static_cast<ReduceOp>(9),
                           0, 1}),
            "reduce_scatter of 1 unknown(9), unknown(9)");
}

}  // namespace
}  // namespace weft::transport
