// ibnetdiscover text to a model and back: what was generated is found again, whatever the order of
// blocks; what is missing becomes a missing place; what is no fat tree is refused with its line.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <chrono>
#include <fstream>
#include <random>

#include "base/limits.hpp"
#include "broker/fabric/import/load.hpp"
#include "broker/fabric/import/write.hpp"
#include "broker/fabric/model/generate.hpp"

namespace weft::broker::fabric {
namespace {

using testing::HasSubstr;

std::string shown(const std::vector<Problem>& problems) {
  std::string out;
  for (const Problem& p : problems) out += yaml::to_string(p, "f.net") + "\n";
  return out;
}

using Blocks = std::vector<std::string>;
Blocks blocks_of(const std::string& text) {
  Blocks out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find("\n\n", at), text.size());
    out.push_back(text.substr(at, end - at) + "\n");
    at = end + 2;
  }
  return out;
}
std::string joined(const Blocks& blocks) {
  std::string out;
  for (const std::string& block : blocks) out += block + "\n";
  return out;
}
// Lines that hold `what`, from the whole text; how many there were.
std::size_t drop_lines(std::string& text, const std::string& what) {
  std::size_t count = 0;
  for (std::size_t at = text.find(what); at != text.npos; at = text.find(what), ++count) {
    const std::size_t begin = text.rfind('\n', at) + 1;
    text.erase(begin, text.find('\n', at) + 1 - begin);
  }
  return count;
}
// Both ends of a link, each given by the begin of its line below a node's header.
void drop_port(std::string& text, const std::string& node, int port) {
  const std::size_t block = text.find(fmt::format("\"{}\"\t\t#", node));
  ASSERT_NE(block, text.npos) << node;
  const std::size_t line = text.find(fmt::format("\n[{}]", port), block);
  ASSERT_NE(line, text.npos) << node;
  text.erase(line, text.find('\n', line + 1) - line);
}
std::size_t line_of(const std::string& text, const std::string& what) {
  const std::size_t at = text.find(what);
  EXPECT_NE(at, text.npos) << what;
  return 1 + static_cast<std::size_t>(
                 std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n'));
}
std::string switch_id(int n) { return fmt::format("S-{:016x}", 0x0002c90200000000 + 16 * n); }
std::string host_id(int n) { return fmt::format("H-{:016x}", 0x0002c90100000000 + 16 * n); }

// Radix 4, three levels: switches by number are leaf0_0, leaf0_1, l2_0_0, l2_0_1, leaf1_0, ...,
// l2_3_1 (15), spine0_0 (16), spine0_1, spine1_0, spine1_1.
Fabric small() { return generate(tree_of_radix(4), 3); }

TEST(LoadIbnetdiscover, WhatIsWrittenIsReadAgain) {
  std::vector<std::pair<Tree, std::uint32_t>> trees{{{2, 4, 1, 2, 1}, 2}, {{5, 3, 4, 2, 7}, 3}};
  for (const std::uint32_t radix : {4U, 8U, 16U})
    for (const std::uint32_t levels : {2U, 3U})
      trees.emplace_back(tree_of_radix(radix, levels), levels);
  for (const auto& [tree, levels] : trees) {
    Fabric fabric = generate(tree, levels);
    fabric.name = "Lab 7";
    fabric.link_rate_bps = 50'000'000;
    fabric.rails[0].hosts[1].reserved = true;
    const Loaded loaded = load(to_ibnetdiscover(fabric), "f.net");
    EXPECT_TRUE(loaded.from_ibnetdiscover);
    EXPECT_EQ(shown(loaded.problems) + shown(loaded.warnings), "");
    ASSERT_TRUE(loaded.fabric);
    EXPECT_TRUE(*loaded.fabric == fabric) << tree.hosts() << " hosts";
  }
}

TEST(LoadIbnetdiscover, WhatTheRealOnePrintsIsTheGeneratedFabric) {
  // Printed by ibnetdiscover of infiniband-diags 44.0 on ibsim 0.10 with OpenSM 3.3.23, which
  // simulated to_ibnetdiscover(small()).
  std::ifstream in(WEFT_SOURCE_DIR "/tests/unit/fabric/data/ibnetdiscover-16.txt");
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  const Loaded loaded = load(text, "lab/net16.txt");
  EXPECT_EQ(shown(loaded.problems) + shown(loaded.warnings), "");
  ASSERT_TRUE(loaded.fabric);
  EXPECT_EQ(loaded.fabric->name, "net16");
  EXPECT_EQ(loaded.fabric->link_rate_bps, 10'000'000'000U) << "4xSDR, which ibsim simulates";
  EXPECT_TRUE(loaded.fabric->rails == small().rails);
}

TEST(LoadIbnetdiscover, TheOrderOfBlocksMakesNoDifference) {
  std::string damaged = to_ibnetdiscover(small());
  drop_port(damaged, switch_id(0), 3);  // leaf0_0 - l2_0_0
  drop_port(damaged, switch_id(2), 1);
  const Loaded first = load(damaged, "f.net");
  ASSERT_TRUE(first.fabric) << shown(first.problems);
  std::mt19937 random(7);
  for (int round = 0; round < 50; ++round) {
    Blocks blocks = blocks_of(damaged);
    std::shuffle(blocks.begin() + 1, blocks.end(), random);
    const Loaded again = load(joined(blocks), "f.net");
    ASSERT_TRUE(again.fabric) << shown(again.problems);
    EXPECT_TRUE(*again.fabric == *first.fabric) << round;
    EXPECT_EQ(again.warnings.size(), first.warnings.size());
  }
}

TEST(LoadIbnetdiscover, MissingLinksAreMissingPlacesWithALine) {
  std::string text = to_ibnetdiscover(small());
  drop_port(text, switch_id(0), 3);  // leaf0_0 - l2_0_0
  drop_port(text, switch_id(2), 1);
  drop_port(text, switch_id(7), 4);  // l2_1_1 - spine1_1
  drop_port(text, switch_id(19), 2);
  const Loaded loaded = load(text, "f.net");
  ASSERT_TRUE(loaded.fabric) << shown(loaded.problems);
  Fabric wanted = small();
  Rail& rail = wanted.rails[0];
  rail.leaves[0].up[0] = rail.l2[0].down[0] = 0;
  rail.l2[3].up[1] = rail.spines[3].down[1] = 0;
  EXPECT_TRUE(*loaded.fabric == wanted);
  ASSERT_EQ(loaded.warnings.size(), 2U) << shown(loaded.warnings);
  EXPECT_EQ(loaded.warnings[0].line, line_of(text, "Switch\t4 \"" + switch_id(0)));
  EXPECT_THAT(loaded.warnings[0].text, HasSubstr("no link between leaf0_0 (S-0002c90200000000"));
  EXPECT_EQ(loaded.warnings[1].line, line_of(text, "Switch\t4 \"" + switch_id(7)));
}

// Removes a node with all lines that lead to it.
void drop_node(std::string& text, const std::string& id) {
  Blocks blocks = blocks_of(text);
  std::erase_if(blocks, [&](const std::string& b) { return b.find(" \"" + id) != b.npos; });
  text = joined(blocks);
  drop_lines(text, "\"" + id + "\"[");
}

TEST(LoadIbnetdiscover, MissingNodesAreMissingPlacesWithALine) {
  std::string text = to_ibnetdiscover(small());
  drop_node(text, host_id(2));     // h2 on leaf0_1
  drop_node(text, switch_id(6));   // l2_1_0
  drop_node(text, switch_id(17));  // spine0_1
  drop_node(text, host_id(14));
  drop_node(text, host_id(15));
  drop_node(text, switch_id(13));  // leaf3_1, with both its hosts
  const Loaded loaded = load(text, "f.net");
  ASSERT_TRUE(loaded.fabric) << shown(loaded.problems);
  const Fabric& fabric = *loaded.fabric;
  EXPECT_EQ(fabric.tree(), tree_of_radix(4));
  EXPECT_EQ(fabric.rails[0].hosts[2].name, "h3") << "missing ones move behind";
  EXPECT_EQ(fabric.rails[0].hosts[3].name, "");
  EXPECT_EQ(fabric.rails[0].l2[2].name, "");
  EXPECT_EQ(fabric.rails[0].l2[3].name, "l2_1_1") << "the tree tells the index";
  const Masks free = all_free(fabric);
  EXPECT_EQ(free.free_hosts(), 13U);
  EXPECT_EQ(free.leaf_up(2), 0b10U);
  EXPECT_EQ(free.l2_up(0, 0), 0b01U);
  EXPECT_EQ(free.leaf_up(7), 0U);
  const std::string warnings = shown(loaded.warnings);
  EXPECT_THAT(warnings, HasSubstr("1 hosts at leaf0_1"));
  EXPECT_THAT(warnings, HasSubstr("1 L2 switches in the pod that begins at leaf1_0"));
  EXPECT_THAT(warnings, HasSubstr("1 leaves in the pod that begins at leaf3_0"));
  EXPECT_THAT(warnings, HasSubstr("1 spines in the tree that begins at spine0_0"));
  for (const Problem& warning : loaded.warnings) EXPECT_GT(warning.line, 0);
}

TEST(LoadIbnetdiscover, HeadingsExternalPortsAndOldFormsAreRead) {
  std::string text = "Chassis 1 (guid 0x2c9000000)\n\n# Spine Nodes\n" + to_ibnetdiscover(small());
  const std::string port = "[3]\t\"" + switch_id(2) + "\"[1]";
  const std::size_t at = text.find(port);
  ASSERT_NE(at, text.npos);
  text.replace(at, port.size(), "[3][ext 12]  \"S-0x2c90200000020\"[1][ext 3]");
  const std::string guid = "switchguid=0x2c90200000000(2c90200000000)";
  ASSERT_NE(text.find(guid), text.npos);
  text.replace(text.find(guid), guid.size(), "switchguid=0x0002c90200000000");
  for (std::size_t i = text.find('\n'); i != text.npos; i = text.find('\n', i + 2))
    text.insert(i, "\r");
  const Loaded loaded = load(text, "f.net");
  EXPECT_EQ(shown(loaded.problems) + shown(loaded.warnings), "");
  ASSERT_TRUE(loaded.fabric);
  EXPECT_TRUE(loaded.fabric->rails == small().rails);
}

TEST(LoadIbnetdiscover, AggregationAdaptersAreNoHosts) {
  const auto with_adapter = [](const char* description, int ports) {
    std::string text = to_ibnetdiscover(small());
    const std::string head = "Switch\t4 \"" + switch_id(16) + "\"";
    const std::size_t at = text.find(head);
    text.replace(at, head.size(), fmt::format("Switch\t{} \"{}\"", ports, switch_id(16)));
    const std::size_t line = text.find('\n', at);
    text.insert(line, fmt::format("\n[{}]\t\"H-00000000000000aa\"[1](ab) \t\t# \"{}\" lid 90 4xHDR",
                                  ports, description));
    return text + fmt::format(
                      "\ncaguid=0xaa\nCa\t1 \"H-00000000000000aa\"\t\t# \"{}\"\n[1](ab) "
                      "\t\"{}\"[{}]\t\t# lid 90 lmc 0 \"spine0_0\" lid 33 4xHDR\n",
                      description, switch_id(16), ports);
  };
  for (const auto& [description, ports] : {std::pair{"Mellanox Technologies Aggregation Node", 41},
                                           {"Quantum", 41},
                                           {"AN", 65},
                                           {"Mellanox Technologies Aggregation Node", 5}}) {
    const Loaded loaded = load(with_adapter(description, ports), "f.net");
    ASSERT_TRUE(loaded.fabric) << description << ports << shown(loaded.problems);
    EXPECT_EQ(loaded.fabric->tree(), small().tree());
  }
  EXPECT_FALSE(load(with_adapter("n17 HCA-1", 5), "f.net").fabric) << "a host on a spine";
}

TEST(LoadIbnetdiscover, SharedNamesAreReplaced) {
  std::string text = to_ibnetdiscover(small());
  for (std::size_t at = text.find("\"h1 HCA-1\""); at != text.npos; at = text.find("\"h1 HCA-1\""))
    text.replace(at, 10, "\"h0 HCA-2\"");
  const Loaded loaded = load(text, "f.net");
  ASSERT_TRUE(loaded.fabric) << shown(loaded.problems);
  EXPECT_EQ(loaded.fabric->rails[0].hosts[0].name, "h0 HCA-1");
  EXPECT_EQ(loaded.fabric->rails[0].hosts[1].name, "h0 HCA-2");
  EXPECT_EQ(loaded.warnings.size(), 2U) << shown(loaded.warnings);
  Fabric fabric = *loaded.fabric;
  fabric.rails[0].hosts[1].reserved = true;
  const Loaded again = load(to_ibnetdiscover(fabric), "f.net");
  ASSERT_TRUE(again.fabric) << shown(again.problems);
  EXPECT_TRUE(again.fabric->rails == fabric.rails);
}

// Each refusal: a change to the text of small(), and parts of its first message.
struct Refused {
  const char* what;
  std::function<void(std::string&)> change;
  std::vector<std::string> message;
  std::string line;  // first text on the line that is named
};

void replace(std::string& text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  ASSERT_NE(at, text.npos) << from;
  text.replace(at, from.size(), to);
}
std::string cable(int port, const std::string& peer, int peer_port) {
  return fmt::format("[{}]\t\"{}\"[{}]", port, peer, peer_port);
}
// Adds a link between two switches on ports that they don't have yet.
void add_link(std::string& text, int a, int a_port, int b, int b_port) {
  for (const auto& [from, port, to, peer] :
       {std::tuple{a, a_port, b, b_port}, {b, b_port, a, a_port}}) {
    const std::string head = fmt::format("\"{}\"\t\t#", switch_id(from));
    replace(text, "Switch\t4 " + head, "Switch\t8 " + head);
    const std::size_t line = text.find('\n', text.find("Switch\t8 " + head));
    text.insert(line, "\n" + cable(port, switch_id(to), peer));
  }
}

TEST(LoadIbnetdiscover, NamesTheLineOfWhatIsWrong) {
  const std::string gone = cable(3, switch_id(2), 1);  // of leaf0_0, to l2_0_0
  const Refused cases[] = {
      {"a switch without its block",
       [](std::string& t) {
         Blocks blocks = blocks_of(t);
         std::erase_if(blocks,
                       [](const auto& b) { return b.find(" \"" + switch_id(2)) != b.npos; });
         t = joined(blocks);
       },
       {"leaf0_0 (S-", "port 3 leads to S-0002c90200000020, which this file does not describe"},
       gone},
      {"a one-way link",
       [](std::string& t) { drop_port(t, switch_id(2), 1); },
       {"leaf0_0", "port 3 leads to port 1 of l2_0_0", "which has no link there"},
       gone},
      {"ends that disagree",
       [&](std::string& t) { replace(t, gone, cable(3, switch_id(2), 2)); },
       {"leaf0_0", "port 2 of l2_0_0", "which leads to port 3 of S-0002c90200000010"},
       cable(3, switch_id(2), 2)},
      {"a GUID twice",
       [](std::string& t) { t += "\nSwitch\t4 \"" + switch_id(3) + "\"\t\t# \"again\"\n"; },
       {"again (S-0002c90200000030, line", "has the GUID of l2_0_1 (S-0002c90200000030, line"},
       "# \"again\""},
      {"a port twice",
       [&](std::string& t) { replace(t, gone, gone + "\n" + cable(4, switch_id(2), 2)); },
       {"port 4 of leaf0_0", "is already on line"},
       cable(4, switch_id(3), 1)},
      {"two components",
       [](std::string& t) {
         std::string other = to_ibnetdiscover(generate({1, 1, 1, 1, 1}, 2));
         for (std::size_t at = 0; (at = other.find("0002c90", at)) != other.npos;)
           other.replace(at, 7, "000aaaa");
         for (const char* idle : {"sysimgguid", "switchguid", "caguid"}) drop_lines(other, idle);
         for (std::size_t at = 0; (at = other.find(" lid ", at)) != other.npos;)
           other.replace(at, 5, " xxx ");
         t += "\n" + other;
       },
       {"no path joins h0 HCA-1 (H-000aaaa100000000", "two components"},
       "Ca\t1 \"H-000aaaa100000000\""},
      {"a link between leaves",
       [](std::string& t) { add_link(t, 0, 5, 4, 5); },
       {"a link joins leaf0_0", "leaf1_0", "leaf and leaf: no fat tree"},
       cable(5, switch_id(4), 5)},
      {"a link between L2 switches",
       [](std::string& t) { add_link(t, 2, 5, 3, 5); },
       {"a link joins l2_0_0", "l2_0_1", "L2 switch and L2 switch: no fat tree"},
       cable(5, switch_id(3), 5)},
      {"parallel links",
       [](std::string& t) { add_link(t, 0, 5, 2, 5); },
       {"leaf0_0", "l2_0_0", "parallel links"},
       cable(5, switch_id(2), 5)},
      {"an L2 switch in two trees",
       [](std::string& t) { add_link(t, 2, 5, 18, 5); },
       {"l2_0_0", "reaches spines of two trees, spine1_0", "l2_0_1"},
       cable(5, switch_id(18), 5)},
      {"a fourth level",
       [](std::string& t) {
         add_link(t, 16, 5, 0, 5);
         replace(t, cable(5, switch_id(16), 5), "");
         replace(t, cable(5, switch_id(0), 5), cable(5, "S-00000000000000cc", 1));
         t += "\nSwitch\t8 \"S-00000000000000cc\"\t\t# \"core\"\n" + cable(1, switch_id(16), 5) +
              "\n";
       },
       {"core (S-00000000000000cc", "beyond the spine spine0_0", "fourth level"},
       "# \"core\""},
      {"a LID twice",
       [](std::string& t) { replace(t, "# lid 2 lmc", "# lid 1 lmc"); },
       {"LID 1 is of h0", "and of h1"},
       "Ca\t1 \"" + host_id(1)},
      {"a LID that is none",
       [](std::string& t) { replace(t, "# lid 2 lmc", "# lid 49152 lmc"); },
       {"no unicast LID; allowed are 1 to 49151"},
       "# lid 49152"},
      {"a GUID that is none",
       [](std::string& t) { replace(t, "\"" + switch_id(0), "\"S-xyz"); },
       {"no node; write \"S-<GUID>\""},
       "\"S-xyz"},
      {"another GUID above",
       [](std::string& t) { replace(t, "caguid=0x2c9", "caguid=0x3c9"); },
       {"H-0002c90100000000 below the GUID 0x0003c90100000000"},
       "Ca\t1 \"" + host_id(0)},
      {"a port that is none",
       [&](std::string& t) { replace(t, gone, "[255]" + gone.substr(3)); },
       {"no port; write [1] to [254]"},
       "[255]"},
      {"a port beyond the last",
       [&](std::string& t) { replace(t, gone, "[7]" + gone.substr(3)); },
       {"port 7 of S-0002c90200000000, which has 4"},
       "[7]"},
      {"a host to reserve that is none",
       [](std::string& t) { replace(t, "#WEFT name", "#WEFT reserved=h99\n#WEFT name"); },
       {"'h99' is to be reserved"},
       "#WEFT reserved"},
  };
  for (const Refused& each : cases) {
    SCOPED_TRACE(each.what);
    std::string text = to_ibnetdiscover(small());
    each.change(text);
    const Loaded loaded = load(text, "f.net");
    EXPECT_FALSE(loaded.fabric);
    ASSERT_FALSE(loaded.problems.empty());
    const auto all = shown(loaded.problems);
    bool found = false;
    for (const Problem& p : loaded.problems) {
      bool fits = static_cast<std::size_t>(p.line) == line_of(text, each.line);
      for (const std::string& part : each.message) fits &= p.text.find(part) != p.text.npos;
      found |= fits;
    }
    EXPECT_TRUE(found) << "wanted on line " << line_of(text, each.line) << ":\n" << all;
    EXPECT_LE(loaded.problems.size(), 20U);
  }
}

TEST(LoadIbnetdiscover, TruncationsNeitherCrashNorPass) {
  const std::string text = to_ibnetdiscover(small());
  for (std::size_t size = 60; size + 60 < text.size(); size += 97) {
    const Loaded loaded = load(text.substr(0, size), "f.net");
    EXPECT_FALSE(loaded.fabric) << size;
    ASSERT_FALSE(loaded.problems.empty()) << size;
    EXPECT_GT(loaded.problems[0].line, 0);
  }
}

TEST(LoadIbnetdiscover, NoiseIsRefusedInBoundedTime) {
  constexpr std::size_t bytes = 10'000'000;
  std::mt19937_64 random(3);
  std::string binary = "# Topology file\n", letters = binary, lines = binary, ports = binary;
  while (binary.size() < bytes) binary += static_cast<char>(random());
  while (letters.size() < bytes) letters += static_cast<char>('a' + random() % 26);
  while (lines.size() < bytes) lines += "x\n";
  ports += "Switch 4 \"S-1\"\n";
  while (ports.size() < bytes) ports += "[1] \"S-2\"[1]\n";
  std::string hosts = "# Topology file\n";
  for (std::uint64_t n = 0; hosts.size() < bytes; ++n) hosts += fmt::format("Ca 1 \"H-{:x}\"\n", n);
  const auto start = std::chrono::steady_clock::now();
  for (const std::string* text : {&binary, &letters, &lines, &ports, &hosts}) {
    const Loaded loaded = load(*text, "noise");
    EXPECT_FALSE(loaded.fabric);
    ASSERT_FALSE(loaded.problems.empty());
    EXPECT_GT(loaded.problems[0].line, 0);
    EXPECT_LE(loaded.problems.size(), 20U);
    EXPECT_LE(loaded.warnings.size(), limits::fabric_warnings_max);
    const Loaded headless = load(std::string_view(*text).substr(16), "noise");
    EXPECT_FALSE(headless.fabric);
    ASSERT_FALSE(headless.problems.empty());
    EXPECT_GT(headless.problems[0].line, 0);
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
}

}  // namespace
}  // namespace weft::broker::fabric
