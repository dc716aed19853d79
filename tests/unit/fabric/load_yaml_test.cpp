// fabric.yaml to a model, and a message with its place for what is wrong.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "base/bit_rate.hpp"
#include "broker/fabric/import/load.hpp"
#include "broker/fabric/model/generate.hpp"

namespace weft::broker::fabric {
namespace {

std::string first_problem(const Loaded& loaded) {
  return loaded.problems.empty() ? "" : yaml::to_string(loaded.problems.front(), "f.yaml");
}

TEST(LoadYaml, ARadixIsTheGeneratedFabric) {
  for (const std::uint32_t levels : {2U, 3U}) {
    const Loaded loaded = load(fmt::format("radix: 8\nlevels: {}\nrails: 2\n", levels), "x/f.yaml");
    ASSERT_TRUE(loaded.fabric) << first_problem(loaded);
    Fabric wanted = generate(tree_of_radix(8, levels), levels, 2);
    wanted.name = "f";
    EXPECT_EQ(*loaded.fabric, wanted);
    EXPECT_FALSE(loaded.from_ibnetdiscover);
  }
}

TEST(LoadYaml, ALeafSpineFabricTakesAFewLines) {
  const Loaded loaded = load(
      "name: lab\ntree: {hosts_per_leaf: 2, leaves_per_pod: 4, l2_per_pod: 2}\n"
      "hosts: n[1-8]\nlink_rate: 50Mbps\nreserved: [n8]\nfailed:\n- leaf0_0 - l2_0_1\n- n3\n",
      "f.yaml");
  ASSERT_TRUE(loaded.fabric) << first_problem(loaded);
  const Fabric& fabric = *loaded.fabric;
  EXPECT_EQ(fabric.name, "lab");
  EXPECT_EQ(fabric.link_rate_bps, 50'000'000U);
  EXPECT_EQ(fabric.tree(), (Tree{2, 4, 1, 2, 1}));
  EXPECT_EQ(fabric.rails[0].hosts[7].name, "n8");
  EXPECT_TRUE(fabric.rails[0].spines.front().name.empty());
  const Masks free = all_free(fabric);
  EXPECT_EQ(free.free_hosts(), 6U) << "n3 is missing, n8 reserved";
  EXPECT_EQ(free.leaf_up(0), 0b01U);
  EXPECT_EQ(free.leaf_up(1), 0b11U);
  EXPECT_EQ(free.hosts(1), 0b10U);
}

TEST(LoadYaml, AMissingSwitchTakesItsLinksAlong) {
  const Loaded loaded = load("radix: 4\nfailed: [leaf0_1, l2_1_0, spine1_1]\n", "f.yaml");
  ASSERT_TRUE(loaded.fabric) << first_problem(loaded);
  const Masks free = all_free(*loaded.fabric);
  EXPECT_EQ(free.free_hosts(), 14U);
  EXPECT_EQ(free.leaf_up(1), 0U);
  EXPECT_EQ(free.leaf_up(2), 0b10U);
  EXPECT_EQ(free.l2_up(1, 0), 0U);
  EXPECT_EQ(free.l2_up(0, 1), 0b01U);
  EXPECT_EQ(free.l2_up(0, 0), 0b11U);
}

TEST(LoadYaml, NamesTheLineOfWhatIsWrong) {
  const std::string tree = "tree: {hosts_per_leaf: 2, leaves_per_pod: 4, l2_per_pod: 2}\n";
  const std::pair<std::string, const char*> wrong[] = {
      {"", "f.yaml: spec.missing: radix: is missing"},
      {"radix: 7\n", "f.yaml:1:8: spec.range: radix: 7: half of a switch's ports go up"},
      {"name: x\nradix: 66\n", "f.yaml:2:8: spec.range: radix: 66 is out of range; allowed are 4"},
      {"radix: -4\n", "f.yaml:1:8: spec.range: radix: -4 is out of range"},
      {"radix: 1e3\n", "f.yaml:1:8: spec.type: radix: '1e3' is not a whole number"},
      {"radix: 64\n", "f.yaml:1:8: spec.range: radix: 65536 hosts and 5120 switches; one fabric"},
      {"radix: 8\nlevels: 4\n", "f.yaml:2:9: spec.range: levels: 4 is out of range"},
      {"radix: 8\n" + tree, "f.yaml:2:7: spec.conflict: tree: says again"},
      {"tree: {hosts_per_leaf: 65, leaves_per_pod: 1, l2_per_pod: 1}\n",
       "f.yaml:1:24: spec.range: tree.hosts_per_leaf: 65 is out of range; allowed are 1 to 64"},
      {"tree: {hosts_per_leaf: 4, l2_per_pod: 1}\n", "spec.missing: tree: lacks leaves_per_pod"},
      {"tree: {hosts_per_leaf: 4, leaves_per_pod: 2, l2_per_pod: 1, pods: 2}\n",
       "f.yaml:1:7: spec.conflict: tree.pods: 2 pods without spines"},
      {tree + "levels: 3\n", "f.yaml:1:7: spec.conflict: levels: 3, but the tree lacks"},
      {tree + "hosts: n[1-7]\n", "f.yaml:2:8: spec.conflict: hosts: 7 names for 8 places"},
      {tree + "hosts: n[8-1]\n", "f.yaml:2:8: spec.range: hosts: 'n[8-1]' counts down"},
      {tree + "hosts: n[1-99999999]\n", "spec.size: hosts: 'n[1-99999999]' is 99999999 names"},
      {tree + "hosts: [a, b, c, d, e, f, g, a]\n",
       "f.yaml:2:30: spec.duplicate: hosts: 'a' names two"},
      {tree + "sm_host: h9\n", "f.yaml:2:10: spec.range: reserved: 'h9' is not in this fabric"},
      {tree + "failed: [\"h0 - leaf0_1\"]\n",
       "f.yaml:2:10: spec.range: failed: no link joins h0 -"},
      {tree + "link_rate: 50\n", "f.yaml:2:12: spec.unit: link_rate: '50' lacks a unit"},
      {tree + "rails: 17\n", "f.yaml:2:8: spec.range: rails: 17 is out of range"},
      {tree + "ralis: 1\n", "f.yaml:2:1: spec.unknown_key: ralis: not a key of this file; did you"},
      {"weft: 2\nradix: 4\n", "f.yaml:1:7: spec.version: weft: '2' is a format"},
      {"radix: [\n", "spec.syntax: not YAML"},
  };
  for (const auto& [text, message] : wrong) {
    const Loaded loaded = load(text, "f.yaml");
    EXPECT_FALSE(loaded.fabric) << text;
    EXPECT_THAT(first_problem(loaded), testing::HasSubstr(message)) << text;
  }
}

TEST(LoadYaml, TheExamplesLoad) {
  std::size_t files = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(WEFT_SOURCE_DIR "/examples/fabrics")) {
    std::ifstream in(entry.path());
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    const Loaded loaded = load(text, entry.path().string());
    EXPECT_TRUE(loaded.fabric) << entry.path() << ": " << first_problem(loaded);
    ++files;
  }
  EXPECT_GE(files, 3U);
}

TEST(BitRate, IsReadAndWritten) {
  const std::pair<const char*, std::uint64_t> good[] = {{"50Mbps", 50'000'000},
                                                        {"2.5Gbps", 2'500'000'000},
                                                        {"400Gbps", 400'000'000'000},
                                                        {"1bps", 1},
                                                        {"0.5kbps", 500},
                                                        {"1.50000000000000kbps", 0},
                                                        {"1000Tbps", 1'000'000'000'000'000}};
  for (const auto& [text, value] : good) {
    const auto rate = parse_bit_rate(text);
    EXPECT_EQ(rate ? *rate : 0, value) << text;
    if (rate) {
      EXPECT_EQ(parse_bit_rate(bit_rate_text(*rate)).value(), value) << text;
    }
  }
  for (const char* text : {"", "50", "Mbps", "50mbps", "1.5bps", "0Gbps", "1001Tbps", "5.Gbps",
                           ".5Gbps", "-1Gbps", "99999999999999999999Gbps", "1.0001kbps"})
    EXPECT_FALSE(parse_bit_rate(text)) << text;
}

}  // namespace
}  // namespace weft::broker::fabric
