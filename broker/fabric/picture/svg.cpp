#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/bit_rate.hpp"
#include "broker/fabric/picture/owners.hpp"

namespace weft::broker::fabric {
namespace {

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
    }
  return out;
}

// Hues that differ from their neighbours, however many there are: steps of the golden angle.
std::string slice_colour(std::uint32_t slice) {
  return fmt::format("hsl({},{}%,{}%)", (slice * 137 + 210) % 360, slice % 2 == 0 ? 75 : 60,
                     slice % 3 == 0   ? 42
                     : slice % 3 == 1 ? 52
                                      : 34);
}

constexpr std::string_view style =
    "text{font:12px system-ui,sans-serif;fill:#1d2733}.title{font-size:16px;font-weight:600}"
    ".dim{fill:#66727f}.name{font-size:10px;text-anchor:middle}.tier{text-anchor:end}"
    ".switch{fill:#dfe6ee;stroke:#4a5a6a}.host{stroke:#4a5a6a}.host.free{fill:#fff}"
    ".host.reserved{fill:#b9c2cc}.switch.missing,.host.missing{fill:none;stroke:#c0392b;"
    "stroke-dasharray:3 2}.link{stroke-width:1}.link.free,.link.reserved{stroke:#aab4bf}"
    ".link.missing{stroke:#c0392b;stroke-dasharray:3 3;stroke-opacity:.7}"
    ".link.slice{stroke-width:2}.link:hover{stroke-width:5}.pod{fill:#f5f7fa;stroke:#dde3ea}";

// All lengths are whole pixels.
class SvgDrawing {
 public:
  explicit SvgDrawing(const Scene& scene)
      : scene_(scene),
        rail_(scene.fabric.rails[scene.rail]),
        owners_(scene),
        t_(scene.fabric.tree()),
        three_(levels(scene.fabric) == 3) {
    lay_out();
  }

  std::string run() {
    begin();
    for (std::uint32_t pod = 0; pod < t_.pods; ++pod) pod_box(pod);
    tier_names();
    links();
    for (std::uint32_t i = 0; three_ && i < t_.spines(); ++i)
      draw_switch(rail_.spines[i], spine_x(i), spine_y_, "spine");
    for (std::uint32_t i = 0; i < t_.l2(); ++i)
      draw_switch(rail_.l2[i], l2_x(i), l2_y_, "L2 switch");
    for (std::uint32_t i = 0; i < t_.leaves(); ++i)
      draw_switch(rail_.leaves[i], leaf_x(i), leaf_y_, "leaf");
    for (std::uint32_t h = 0; h < t_.hosts(); ++h) draw_host(h);
    legend();
    out_ += "</svg>\n";
    return std::move(out_);
  }

 private:
  using Px = std::int64_t;
  template <class... A>
  void put(fmt::format_string<A...> format, A&&... values) {
    fmt::format_to(std::back_inserter(out_), format, std::forward<A>(values)...);
  }

  // Few hosts stand side by side with their names; many in a block below their leaf.
  void lay_out() {
    large_ = t_.hosts() > 64;
    host_ = large_ ? 8 : 22;
    gap_ = large_ ? 2 : 18;
    host_columns_ = t_.hosts_per_leaf;
    if (large_)
      for (host_columns_ = 1; host_columns_ * host_columns_ < t_.hosts_per_leaf;) ++host_columns_;
    host_rows_ = (t_.hosts_per_leaf + host_columns_ - 1) / host_columns_;
    leaf_pitch_ =
        std::max<Px>(Px{host_columns_} * (host_ + gap_) + (large_ ? 6 : 14), large_ ? 22 : 84);
    const Px inner = std::max(leaf_pitch_ * t_.leaves_per_pod,
                              Px{t_.l2_per_pod} * (switch_width() + (large_ ? 4 : 14)));
    pod_width_ = inner + 12;
    width_ = std::max<Px>(left_ + (pod_width_ + 10) * t_.pods + 20, 720);
    const Px tall = large_ ? std::max<Px>(220, width_ / 8) : 110;
    spine_y_ = 84;
    l2_y_ = three_ ? spine_y_ + tall : spine_y_;
    leaf_y_ = l2_y_ + (large_ ? 200 : 110);
    host_y_ = leaf_y_ + (large_ ? 26 : 62);
    legend_y_ = host_y_ + Px{host_rows_} * (host_ + gap_) + (large_ ? 24 : 34);
    legend_columns_ = static_cast<std::uint32_t>(std::max<Px>(1, (width_ - left_) / 300));
    const auto entries = static_cast<Px>(scene_.slices.size()) + 3;
    height_ = legend_y_ + 20 * ((entries + legend_columns_ - 1) / legend_columns_) + 24;
  }
  Px switch_width() const { return large_ ? 16 : 70; }
  Px switch_height() const { return large_ ? 12 : 22; }
  Px pod_x(std::uint32_t pod) const { return left_ + (pod_width_ + 10) * pod; }
  Px spread(Px from, Px width, std::uint32_t n, std::uint32_t i) const {
    return from + width * (2 * Px{i} + 1) / (2 * Px{n});
  }
  Px spine_x(std::uint32_t i) const {
    return spread(left_, (pod_width_ + 10) * t_.pods - 10, t_.spines(), i);
  }
  Px l2_x(std::uint32_t i) const {
    return spread(pod_x(i / t_.l2_per_pod), pod_width_, t_.l2_per_pod, i % t_.l2_per_pod);
  }
  Px leaf_x(std::uint32_t i) const {
    return spread(pod_x(t_.pod_of(i)), pod_width_, t_.leaves_per_pod, i % t_.leaves_per_pod);
  }
  Px host_x(std::uint32_t h) const {  // of the middle
    const Px block = Px{host_columns_} * (host_ + gap_) - gap_;
    return leaf_x(h / t_.hosts_per_leaf) - block / 2 +
           Px{h % t_.hosts_per_leaf % host_columns_} * (host_ + gap_) + host_ / 2;
  }
  Px host_top(std::uint32_t h) const {
    return host_y_ + Px{h % t_.hosts_per_leaf / host_columns_} * (host_ + gap_);
  }

  void begin() {
    const Fabric& f = scene_.fabric;
    put("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} "
        "{1}\">\n<title>{2}</title>\n<style>{3}</style>\n"
        "<rect width=\"{0}\" height=\"{1}\" fill=\"#fff\"/>\n",
        width_, height_, escaped(f.name), style);
    put("<text class=\"title\" x=\"16\" y=\"28\">{}</text>\n", escaped(f.name));
    put("<text class=\"dim\" x=\"16\" y=\"48\">{} hosts, {} leaves in {} pods, {} L2 switches, {} "
        "spines; rail {} of {}{}</text>\n",
        t_.hosts(), t_.leaves(), t_.pods, t_.l2(), three_ ? t_.spines() : 0, scene_.rail + 1,
        f.rails.size(), f.link_rate_bps == 0 ? "" : "; links of " + bit_rate_text(f.link_rate_bps));
  }
  void pod_box(std::uint32_t pod) {
    const Px top = l2_y_ - 26;
    put("<rect class=\"pod\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"6\"/>\n", pod_x(pod),
        top, pod_width_, legend_y_ - 16 - top);
    put("<text class=\"dim\" x=\"{}\" y=\"{}\">pod {}</text>\n", pod_x(pod) + 6, top + 13, pod);
  }
  void tier_names() {
    const auto name = [&](Px y, std::string_view text) {
      put("<text class=\"tier dim\" x=\"{}\" y=\"{}\">{}</text>\n", left_ - 10, y + 4, text);
    };
    if (three_) name(spine_y_, "spines");
    name(l2_y_, "L2");
    name(leaf_y_, "leaves");
    name(host_y_ + host_ / 2, "hosts");
  }

  std::string class_of(Owner owner) const {
    switch (owner.kind) {
      case Owner::Kind::free: return "free";
      case Owner::Kind::missing: return "missing";
      case Owner::Kind::reserved: return "reserved";
      case Owner::Kind::slice: break;
    }
    return fmt::format("slice s{}", owner.slice);
  }
  std::string words(Owner owner) const {
    return owner.kind == Owner::Kind::slice ? owners_.label(owner.slice) : class_of(owner);
  }
  static std::string called(const std::string& name) { return name.empty() ? "(nobody)" : name; }

  void link(Px x1, Px y1, Px x2, Px y2, Owner owner, const std::string& a, const std::string& b) {
    put("<line class=\"link {}\" x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\"", class_of(owner), x1, y1,
        x2, y2);
    if (owner.kind == Owner::Kind::slice) put(" stroke=\"{}\"", slice_colour(owner.slice));
    put("><title>{} - {}: {}</title></line>\n", escaped(called(a)), escaped(called(b)),
        escaped(words(owner)));
  }
  // Free and missing ones first: those of slices lie on top.
  void links() {
    for (const bool slices : {false, true}) {
      const auto now = [&](Owner o) { return (o.kind == Owner::Kind::slice) == slices; };
      for (std::uint32_t s = 0; three_ && s < t_.l2(); ++s)
        for (std::uint32_t j = 0; j < t_.spines_per_l2; ++j) {
          const std::uint32_t spine = s % t_.l2_per_pod * t_.spines_per_l2 + j;
          if (const Owner o = owners_.l2_up(s, j); now(o))
            link(l2_x(s), l2_y_, spine_x(spine), spine_y_, o, rail_.l2[s].name,
                 rail_.spines[spine].name);
        }
      for (std::uint32_t l = 0; l < t_.leaves(); ++l)
        for (std::uint32_t i = 0; i < t_.l2_per_pod; ++i) {
          const std::uint32_t l2 = t_.pod_of(l) * t_.l2_per_pod + i;
          if (const Owner o = owners_.leaf_up(l, i); now(o))
            link(leaf_x(l), leaf_y_, l2_x(l2), l2_y_, o, rail_.leaves[l].name, rail_.l2[l2].name);
        }
      for (std::uint32_t h = 0; h < t_.hosts(); ++h)
        if (const Owner o = owners_.host(h); now(o))
          link(host_x(h), host_top(h) + host_ / 2, leaf_x(h / t_.hosts_per_leaf), leaf_y_, o,
               rail_.hosts[h].name, rail_.leaves[h / t_.hosts_per_leaf].name);
    }
  }

  void draw_switch(const Switch& s, Px x, Px y, std::string_view tier) {
    const Px w = switch_width(), h = switch_height();
    put("<rect class=\"switch {}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"3\"><title>",
        s.name.empty() ? "missing" : "there", x - w / 2, y - h / 2, w, h);
    if (s.name.empty())
      put("{}: missing</title></rect>\n", tier);
    else
      put("{} {}, LID {}, GUID 0x{:016x}</title></rect>\n", tier, escaped(s.name), s.lid, s.guid);
    if (!large_ && !s.name.empty())
      put("<text class=\"name\" x=\"{}\" y=\"{}\">{}</text>\n", x, y + 4,
          escaped(std::string_view(s.name).substr(0, 12)));
  }
  void draw_host(std::uint32_t h) {
    const Host& host = rail_.hosts[h];
    const Owner owner = owners_.host(h);
    put("<rect class=\"host {}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"", class_of(owner),
        host_x(h) - host_ / 2, host_top(h), host_, host_);
    if (owner.kind == Owner::Kind::slice) put(" fill=\"{}\"", slice_colour(owner.slice));
    put("><title>{}, place {} of leaf {}: {}</title></rect>\n", escaped(called(host.name)),
        h % t_.hosts_per_leaf, h / t_.hosts_per_leaf, escaped(words(owner)));
    if (!large_ && !host.name.empty())
      put("<text class=\"name\" x=\"{}\" y=\"{}\">{}</text>\n", host_x(h), host_top(h) + host_ + 12,
          escaped(std::string_view(host.name).substr(0, 7)));
  }

  void legend() {
    std::uint32_t entry = 0;
    const auto put_entry = [&](std::string_view classes, const std::string& fill,
                               const std::string& text) {
      const Px x = left_ + 300 * Px{entry % legend_columns_};
      const Px y = legend_y_ + 20 * Px{entry / legend_columns_};
      put("<rect class=\"key {}\" x=\"{}\" y=\"{}\" width=\"12\" height=\"12\"", classes, x, y);
      if (!fill.empty()) put(" fill=\"{}\"", fill);
      put("/><text x=\"{}\" y=\"{}\">{}</text>\n", x + 18, y + 10, escaped(text));
      ++entry;
    };
    const Tally hosts = owners_.hosts(), low = owners_.leaf_links(), high = owners_.spine_links();
    const auto sums = [&](std::uint32_t Tally::* of) {
      std::string out = fmt::format("{} hosts, {}", hosts.*of, low.*of);
      return out + (three_ ? fmt::format(" + {} links", high.*of) : " links");
    };
    put_entry("host free", {}, "free: " + sums(&Tally::free));
    put_entry("host missing", {}, "missing: " + sums(&Tally::missing));
    put_entry("host reserved", {}, fmt::format("reserved: {} hosts", hosts.reserved));
    for (std::uint32_t s = 0; s < scene_.slices.size(); ++s)
      put_entry("slice", slice_colour(s),
                fmt::format("{} ({})", owners_.label(s), owners_.cut_text(s)));
  }

  const Scene& scene_;
  const Rail& rail_;
  Owners owners_;
  Tree t_;
  bool three_, large_ = false;
  std::string out_;
  static constexpr Px left_ = 70;
  Px host_ = 0, gap_ = 0, leaf_pitch_ = 0, pod_width_ = 0, width_ = 0, height_ = 0;
  Px spine_y_ = 0, l2_y_ = 0, leaf_y_ = 0, host_y_ = 0, legend_y_ = 0;
  std::uint32_t host_columns_ = 1, host_rows_ = 1, legend_columns_ = 1;
};

}  // namespace

std::string draw_svg(const Scene& scene) { return SvgDrawing(scene).run(); }

}  // namespace weft::broker::fabric
