// Drawings of small fabrics: every element once, in its owner's colour, well formed.
#include "broker/fabric/picture/picture.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <map>
#include <set>

#include "broker/fabric/model/generate.hpp"

namespace weft::broker::fabric {
namespace {

using testing::HasSubstr;

struct Tag {
  std::string name;
  std::map<std::string, std::string> attributes;
  std::string text;  // that follows it
};

// The start tags of an XML text, in order; a failure where tags do not balance.
std::vector<Tag> tags_of(const std::string& xml) {
  std::vector<Tag> out;
  std::vector<std::string> open;
  for (std::size_t at = xml.find('<'); at != xml.npos; at = xml.find('<', at)) {
    const std::size_t end = xml.find('>', at);
    EXPECT_NE(end, xml.npos);
    std::string inside = xml.substr(at + 1, end - at - 1);
    at = end + 1;
    if (inside.starts_with("/")) {
      EXPECT_FALSE(open.empty());
      if (open.empty()) return out;
      EXPECT_EQ(open.back(), inside.substr(1));
      open.pop_back();
      continue;
    }
    const bool closed = inside.ends_with("/");
    if (closed) inside.pop_back();
    Tag tag;
    tag.name = inside.substr(0, inside.find(' '));
    for (std::size_t quote = inside.find("=\""); quote != inside.npos;
         quote = inside.find("=\"", quote)) {
      const std::size_t key = inside.rfind(' ', quote) + 1, close = inside.find('"', quote + 2);
      EXPECT_NE(close, inside.npos);
      const std::string name = inside.substr(key, quote - key);
      EXPECT_TRUE(tag.attributes.emplace(name, inside.substr(quote + 2, close - quote - 2)).second)
          << name << " twice";
      quote = close;
    }
    tag.text = xml.substr(at, xml.find('<', at) - at);
    EXPECT_EQ(tag.text.find('>'), tag.text.npos);
    if (!closed) open.push_back(tag.name);
    out.push_back(std::move(tag));
  }
  EXPECT_TRUE(open.empty());
  return out;
}
std::size_t count_class(const std::vector<Tag>& tags, const std::string& name,
                        const std::string& classes) {
  return static_cast<std::size_t>(std::count_if(tags.begin(), tags.end(), [&](const Tag& tag) {
    const auto found = tag.attributes.find("class");
    return tag.name == name && found != tag.attributes.end() &&
           (found->second == classes || found->second.starts_with(classes + " "));
  }));
}

// Radix 4, with one link and one host less, one host reserved, and two slices.
class Picture : public testing::Test {
 protected:
  Picture() {
    Rail& rail = fabric_.rails[0];
    rail.hosts[5] = {};
    rail.leaves[2].down[1] = 0;
    rail.hosts[0].reserved = true;
    rail.leaves[0].up[1] = rail.l2[1].down[0] = 0;
    slices_.push_back({7, {Shape::pod, 4, {{4, 0b11, 0b11}, {5, 0b11, 0b11}}, {}}, 0});
    slices_.push_back(
        {9, {Shape::pods, 3, {{6, 0b11, 0b01}, {2, 0b01, 0b01}}, {{2, 1}, {6, 1}}}, 0});
  }
  Fabric fabric_ = generate(tree_of_radix(4), 3);
  std::vector<Placed> slices_;
  std::vector<std::string> labels_{"train <\"a\" & 'b'>\n"};
};

TEST_F(Picture, TheSvgHasEveryElementOnceInItsOwnersColour) {
  const auto tags = tags_of(draw_svg({fabric_, slices_, labels_}));
  EXPECT_EQ(tags.front().name, "svg");
  EXPECT_EQ(count_class(tags, "line", "link"), 16U + 16U + 16U);
  EXPECT_EQ(count_class(tags, "line", "link missing"), 2U) << "a host's and a leaf's";
  EXPECT_EQ(count_class(tags, "line", "link reserved"), 1U);
  EXPECT_EQ(count_class(tags, "line", "link slice s0"), 4U + 4U);
  EXPECT_EQ(count_class(tags, "line", "link slice s1"), 3U + 2U + 2U);
  EXPECT_EQ(count_class(tags, "rect", "switch"), 8U + 8U + 4U);
  EXPECT_EQ(count_class(tags, "rect", "host slice s0"), 4U);
  EXPECT_EQ(count_class(tags, "rect", "host slice s1"), 3U);
  EXPECT_EQ(count_class(tags, "rect", "key"), 3U + 2U) << "the legend";
  std::map<std::string, std::set<std::string>> colours;  // by class
  std::set<std::string> lines;
  for (const Tag& tag : tags) {
    const auto classes = tag.attributes.find("class");
    if (classes == tag.attributes.end() || classes->second.find(" slice ") == std::string::npos)
      continue;
    const auto paint = tag.attributes.find(tag.name == "line" ? "stroke" : "fill");
    ASSERT_NE(paint, tag.attributes.end());
    colours[classes->second.substr(classes->second.rfind(' '))].insert(paint->second);
  }
  ASSERT_EQ(colours.size(), 2U);
  EXPECT_EQ(colours[" s0"].size(), 1U);
  EXPECT_EQ(colours[" s1"].size(), 1U);
  EXPECT_NE(colours[" s0"], colours[" s1"]);
  for (const Tag& tag : tags)
    if (tag.name == "line") {
      const auto& a = tag.attributes;
      EXPECT_TRUE(
          lines.insert(a.at("x1") + "," + a.at("y1") + "," + a.at("x2") + "," + a.at("y2")).second)
          << "two links in one place";
    }
}

TEST_F(Picture, TheSvgNamesWhatIsPointedAt) {
  const std::string svg = draw_svg({fabric_, slices_, labels_});
  EXPECT_THAT(svg, HasSubstr("<title>leaf2_0 - l2_2_1: slice 7: train &lt;&quot;a&quot; &amp; "
                             "&#39;b&#39;&gt;?</title>"));
  EXPECT_THAT(svg, HasSubstr("<title>leaf0_0 - l2_0_1: missing</title>"));
  EXPECT_THAT(svg, HasSubstr("<title>l2_3_0 - spine0_0: slice 9</title>"));
  EXPECT_THAT(svg, HasSubstr("<title>h0, place 0 of leaf 0: reserved</title>"));
}

TEST_F(Picture, TheTerminalShowsEachElement) {
  const std::string text = draw_terminal({fabric_, slices_, labels_});
  EXPECT_EQ(text,
            "generated-16: 16 hosts, 8 leaves in 4 pods, 8 L2 switches, 4 spines; rail 1 of 1\n"
            "pod 0\n"
            "         leaf0_0 leaf0_1\n"
            "  hosts  R·      ··\n"
            "  L2     ·-      ··\n"
            "         l2_0_0 l2_0_1\n"
            "  spines ··     ··\n"
            "pod 1\n"
            "         leaf1_0 leaf1_1\n"
            "  hosts  b-      ··\n"
            "  L2     b·      ··\n"
            "         l2_1_0 l2_1_1\n"
            "  spines b·     ··\n"
            "pod 2\n"
            "         leaf2_0 leaf2_1\n"
            "  hosts  aa      aa\n"
            "  L2     aa      aa\n"
            "         l2_2_0 l2_2_1\n"
            "  spines ··     ··\n"
            "pod 3\n"
            "         leaf3_0 leaf3_1\n"
            "  hosts  bb      ··\n"
            "  L2     b·      ··\n"
            "         l2_3_0 l2_3_1\n"
            "  spines b·     ··\n"
            "hosts            7 free of 15, 7 in slices, 1 reserved (R); 1 missing (-)\n"
            "links to L2      9 free of 15, 6 in slices; 1 missing (-)\n"
            "links to spines  14 free of 16, 2 in slices\n"
            "a  slice 7: train <\"a\" & 'b'>? (4 hosts, 4 + 0 links)\n"
            "b  slice 9 (3 hosts, 2 + 2 links)\n");
}

TEST_F(Picture, LargeFabricsStayCompactAndWhole) {
  for (const std::uint32_t radix : {16U, 36U}) {
    const Fabric large = generate(tree_of_radix(radix), 3);
    const Tree& t = large.tree();
    const std::string text = draw_terminal({large, {}, {}}, {80, false});
    EXPECT_LE(std::count(text.begin(), text.end(), '\n'), 4 * t.pods + 6);
    if (radix > 16) continue;  // a drawing of 20 MB would show nothing more
    const auto tags = tags_of(draw_svg({large, {}, {}}));
    EXPECT_EQ(count_class(tags, "line", "link free"),
              t.hosts() + t.leaves() * t.l2_per_pod + t.l2() * t.spines_per_l2);
  }
}

TEST_F(Picture, TwoLevelsHaveNoSpines) {
  const Fabric two = generate({2, 4, 1, 2, 1}, 2);
  const auto tags = tags_of(draw_svg({two, {}, {}}));
  EXPECT_EQ(count_class(tags, "line", "link"), 8U + 8U);
  EXPECT_EQ(count_class(tags, "rect", "switch"), 4U + 2U);
  EXPECT_EQ(draw_terminal({two, {}, {}}).find("spines "), std::string::npos);
}

}  // namespace
}  // namespace weft::broker::fabric
