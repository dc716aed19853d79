// The texts that OpenSM reads: what they say, and that lint refuses what would fail open.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "broker/fabric/model/generate.hpp"
#include "broker/fabric/opensm/config.hpp"
#include "broker/fabric/opensm/lft_file.hpp"
#include "broker/fabric/opensm/partitions.hpp"
#include "broker/fabric/opensm/sealed.hpp"
#include "broker/fabric/tree/allocator.hpp"
#include "broker/fabric/verify/verify.hpp"

namespace weft::broker::fabric {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct World {  // several slices on one generated fabric
  explicit World(const Tree& tree, std::uint32_t levels, std::vector<std::uint32_t> sizes)
      : fabric(generate(tree, levels)), there(present(fabric.rails[0])) {
    Masks masks = all_free(fabric);
    Allocator allocator(Policy::jigsaw);
    for (const std::uint32_t n : sizes) {
      auto cut = allocator.cut(masks, n);
      if (!cut) continue;
      masks.take(*cut);
      slices.push_back(
          {slices.size() + 1, *cut, static_cast<std::uint16_t>(0x0a01 + slices.size())});
    }
  }
  Tables tables() const {
    Tables out = switch_tables(fabric.rails[0], there);
    add_hosts(out, fabric.rails[0], Routes(there, slices));
    return out;
  }
  Fabric fabric;
  Masks there;
  std::vector<Placed> slices;
};

World small() { return World(Tree{4, 4, 1, 4, 1}, 2, {6, 3, 5}); }

TEST(OpenSmText, PartitionsSayWhoIsWhere) {
  const World w = small();
  ASSERT_EQ(w.slices.size(), 3U);
  const auto partitions = partitions_of(w.fabric.rails[0], w.slices);
  ASSERT_TRUE(partitions);
  const std::string text = partitions_text(*partitions, Epoch{7});
  EXPECT_TRUE(
      text.starts_with("Default=0x7fff : ALL=limited, SELF=full ;\ns1=0x0a01, defmember=full : 0x"))
      << text;
  EXPECT_EQ(partitions_epoch(text), Epoch{7});
  EXPECT_TRUE(lint_partitions(*partitions, text));
  EXPECT_EQ(*parse_partitions(text), *partitions);
}

TEST(OpenSmText, LongPartitionsAreSplit) {
  const World w(tree_of_radix(16), 3, {600});
  ASSERT_EQ(w.slices.size(), 1U);
  const auto partitions = partitions_of(w.fabric.rails[0], w.slices);
  const std::string text = partitions_text(*partitions, Epoch{1});
  std::size_t lines = 0, longest = 0;
  for (std::size_t at = 0; at < text.size(); ++lines) {
    const std::size_t end = text.find('\n', at);
    longest = std::max(longest, end - at);
    at = end + 1;
  }
  EXPECT_EQ(lines, 1 + 10 + 2U);  // default; 9 of 64 and one of 24; digest and end
  EXPECT_LT(longest, 2'048U);
  EXPECT_TRUE(lint_partitions(*partitions, text));
}

TEST(OpenSmText, LintRefusesWhatWouldFailOpen) {
  const World w = small();
  const auto partitions = *partitions_of(w.fabric.rails[0], w.slices);
  const std::string good = partitions_text(partitions, Epoch{7});
  const auto refused = [&](const std::string& text, std::string_view why) {
    const auto said = parse_partitions(text);
    ASSERT_FALSE(said) << text;
    EXPECT_EQ(said.error().code, Code::fabric_plan);
    EXPECT_THAT(said.error().detail, HasSubstr(std::string(why)));
  };
  for (std::size_t cut = 0; cut < good.size(); cut += 17) refused(good.substr(0, cut), "truncated");
  std::string changed = good;
  changed[changed.find("0x0a01") + 5] = '9';
  refused(changed, "digest");
  // Syntax, under a digest that fits.
  const std::string first = "Default=0x7fff : ALL=limited, SELF=full ;\n";
  const auto sealed = [&](const std::string& body) { return seal(body, Epoch{7}, false); };
  const std::string guid = "0x0002c90100000001";
  refused(sealed("s1=0x0a01, defmember=full : " + guid + " ;\n"), "default partition");
  refused(sealed(first + first), "default partition");
  refused(sealed(first + "s1=0x0a01, defmember=full : " + guid + "\n"), "line 2");
  refused(sealed(first + "s1=0x0a01, defmember=full : 0x2c9 ;\n"), "line 2");
  refused(sealed(first + "s1=0x7fff, defmember=full : " + guid + " ;\n"), "P_Key");
  refused(sealed(first + "s1=0x0a01, defmember=full : " + guid + ", " + guid + " ;\n"), "twice");
  refused(sealed(first + "Other=0x0a01 : ALL=full ;\n"), "line 2");
  std::string line = "s1=0x0a01, defmember=full : " + guid;
  for (std::uint64_t i = 1; i < 240; ++i)
    line += fmt::format(", 0x{:016x}", 0x0002c90100000001 + i);
  refused(sealed(first + line + " ;\n"), "too long");
}

TEST(OpenSmText, AReservedHostOrAKeyTwiceIsRefused) {
  World w = small();
  w.slices[1].key = w.slices[0].key;
  const auto twice = *partitions_of(w.fabric.rails[0], w.slices);
  EXPECT_FALSE(lint_partitions(twice, partitions_text(twice, Epoch{1})));
  w.slices[1].key = 0x7fff;  // the default partition's
  const auto out_of_range = *partitions_of(w.fabric.rails[0], w.slices);
  EXPECT_FALSE(lint_partitions(out_of_range, partitions_text(out_of_range, Epoch{1})));
  const Cut::Leaf first = w.slices[0].cut.leaves[0];
  w.fabric.rails[0].hosts[first.leaf * 4 + std::countr_zero(first.hosts)].reserved = true;
  const auto reserved = partitions_of(w.fabric.rails[0], w.slices);
  ASSERT_FALSE(reserved);
  EXPECT_THAT(reserved.error().detail, HasSubstr("reserved"));
}

TEST(OpenSmText, KeysAdmitMembersOnly) {
  EXPECT_THAT(keys_of(0x0a01, false), ElementsAre(0x7fff, 0x8a01));
  EXPECT_THAT(keys_of(0, false), ElementsAre(0x7fff));
  EXPECT_THAT(keys_of(0, true), ElementsAre(0xffff));
  EXPECT_TRUE(admits(keys_of(0x0a01, false), keys_of(0x0a01, false)));
  EXPECT_FALSE(admits(keys_of(0x0a01, false), keys_of(0x0a02, false)));
  EXPECT_FALSE(admits(keys_of(0, false), keys_of(0, false)));  // both limited members
  EXPECT_TRUE(admits(keys_of(0, true), keys_of(0, false)));
}

// Walks the tables as a packet does, from host to host or switch.
std::string walk(const World& w, const Tables& tables, std::uint32_t from, std::uint32_t lid) {
  const Rail& rail = w.fabric.rails[0];
  const PortGraph graph(rail, w.there);
  std::uint32_t at = from / rail.tree.hosts_per_leaf;
  for (int hops = 0; hops < 8; ++hops) {
    const std::uint8_t port = tables.of[at][lid];
    if (port == 0) return switch_at(rail, at_number(rail.tree, at)).name;
    const auto& edges = graph.edges(at);
    const auto edge = std::ranges::find(edges, port, &Edge::port);
    if (edge != edges.end()) {
      at = edge->to;
      continue;
    }
    const Hop hop = hop_of(rail, at_number(rail.tree, at), port);
    if (hop.way != Hop::Way::down || at >= rail.tree.leaves()) return "nowhere";
    return rail.hosts[at * rail.tree.hosts_per_leaf + hop.port].name;
  }
  return "a loop";
}

TEST(OpenSmText, TablesLeadEverywhere) {
  for (const World& w : {small(), World(tree_of_radix(8), 3, {10, 17, 40, 5, 3})}) {
    const Rail& rail = w.fabric.rails[0];
    const Tables tables = w.tables();
    for (std::uint32_t from = 0; from < rail.hosts.size(); from += 3) {
      for (const Host& to : rail.hosts) EXPECT_EQ(walk(w, tables, from, to.lid), to.name);
      for (std::uint32_t s = 0; s < switch_count(rail.tree); ++s)
        if (const Switch& sw = switch_at(rail, at_number(rail.tree, s)); !sw.name.empty()) {
          EXPECT_EQ(walk(w, tables, from, sw.lid), sw.name);
        }
    }
  }
}

TEST(OpenSmText, TheVerifierAgreesWithTheTables) {
  const World w(tree_of_radix(8), 3, {10, 17, 40, 5, 3});
  const Rail& rail = w.fabric.rails[0];
  Tables tables = w.tables();
  const auto check = [&] {
    Observed seen;
    seen.next = [&](At at, std::uint32_t host) {
      return hop_of(rail, at, tables.of[number_of(rail.tree, at)][rail.hosts[host].lid]);
    };
    const Routes routes(w.there, w.slices);
    seen.admitted = [&, routes](std::uint32_t a, std::uint32_t b) {
      return routes.slice_of(a) == routes.slice_of(b);
    };
    seen.name = [&](At at) { return switch_at(rail, at).name; };
    seen.host_name = [&](std::uint32_t h) { return rail.hosts[h].name; };
    std::vector<std::size_t> all(w.slices.size());
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
    return verify(rail.tree, w.slices, all, seen);
  };
  const VerifyReport good = check();
  EXPECT_TRUE(good.differences.empty()) << good.differences.front().what;
  EXPECT_GT(good.pairs, 1'000U);
  // One wrong uplink on a leaf of a slice of several leaves is found.
  const Placed& big = w.slices[2];
  const std::uint32_t leaf = big.cut.leaves[0].leaf, other = big.cut.leaves[1].leaf;
  const std::uint32_t to = other * 4 + std::countr_zero(big.cut.leaves[1].hosts);
  tables.of[leaf][rail.hosts[to].lid] = 1;  // down to a host
  EXPECT_FALSE(check().differences.empty());
}

TEST(OpenSmText, TablesRoundTripAndLintFindsEveryCut) {
  const World w = small();
  const Rail& rail = w.fabric.rails[0];
  const Tables tables = w.tables();
  const std::string text = lft_text(rail, tables, Epoch{3});
  EXPECT_EQ(lft_epoch(text), Epoch{3});
  EXPECT_TRUE(lint_lft(rail, tables, text));
  EXPECT_EQ(*parse_lft(rail, text), tables);
  for (std::size_t cut = 0; cut < text.size(); ++cut)
    EXPECT_FALSE(lint_lft(rail, tables, text.substr(0, cut))) << cut;
  Tables other = tables;
  other.of[0][5] = other.of[0][5] == 1 ? 2 : 1;
  EXPECT_FALSE(lint_lft(rail, other, text));
  EXPECT_FALSE(parse_lft(rail, "0x0001 1\n"));  // no header
  EXPECT_FALSE(parse_lft(rail, text + text));   // each switch twice
  std::string port = text;
  port.replace(port.find("\n0x0001 ") + 8, 1, "99");  // a port that isn't there
  EXPECT_THAT(parse_lft(rail, port).error().detail, HasSubstr("8 ports"));
}

TEST(OpenSmText, LidsAreChecked) {
  World w = small();
  EXPECT_TRUE(check_lids(w.fabric.rails[0]));
  const std::string text = guid2lid_text(w.fabric.rails[0]);
  EXPECT_TRUE(text.starts_with("0x0002c90100000001 0x0001 0x0001\n\n0x")) << text;
  EXPECT_TRUE(lint_guid2lid(w.fabric.rails[0], text));
  std::string dense = text;  // as OpenSM would not read it
  dense.erase(dense.find("\n\n"), 1);
  EXPECT_FALSE(lint_guid2lid(w.fabric.rails[0], dense));
  w.fabric.rails[0].hosts[3].lid = 1;
  EXPECT_FALSE(check_lids(w.fabric.rails[0]));
  EXPECT_FALSE(lint_guid2lid(w.fabric.rails[0], text));
}

}  // namespace
}  // namespace weft::broker::fabric
