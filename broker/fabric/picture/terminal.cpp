#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>

#include "base/bit_rate.hpp"
#include "broker/fabric/picture/owners.hpp"

namespace weft::broker::fabric {
namespace {

constexpr std::uint32_t map_hosts_max = 4'096;
constexpr std::string_view letters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQSTUVWXYZ0123456789";  // no R: reserved
constexpr std::array<int, 12> ansi_colours{33, 208, 40, 201, 220, 51, 160, 99, 118, 213, 178, 37};

class TerminalDrawing {
 public:
  TerminalDrawing(const Scene& scene, const TerminalOptions& options)
      : scene_(scene),
        options_(options),
        owners_(scene),
        t_(scene.fabric.tree()),
        three_(levels(scene.fabric) == 3) {}

  std::string run() {
    head();
    if (t_.hosts() <= map_hosts_max)
      for (std::uint32_t pod = 0; pod < t_.pods; ++pod) map_of(pod);
    else
      counts();
    legend();
    return std::move(out_);
  }

 private:
  static std::string counted(std::uint32_t n, std::string_view one, std::string_view many) {
    return fmt::format("{} {}", n, n == 1 ? one : many);
  }
  void head() {
    const Fabric& f = scene_.fabric;
    out_ += fmt::format(
        "{}: {}, {} in {}, {}, {}; rail {} of {}{}\n", f.name, counted(t_.hosts(), "host", "hosts"),
        counted(t_.leaves(), "leaf", "leaves"), counted(t_.pods, "pod", "pods"),
        counted(t_.l2(), "L2 switch", "L2 switches"),
        counted(three_ ? t_.spines() : 0, "spine", "spines"), scene_.rail + 1, f.rails.size(),
        f.link_rate_bps == 0 ? "" : ", links of " + bit_rate_text(f.link_rate_bps));
  }

  std::string mark(Owner owner) const {
    switch (owner.kind) {
      case Owner::Kind::free: return "·";
      case Owner::Kind::missing: return paint("-", 244);
      case Owner::Kind::reserved: return paint("R", 250);
      case Owner::Kind::slice: break;
    }
    return paint(std::string(1, letters[owner.slice % letters.size()]),
                 ansi_colours[owner.slice % ansi_colours.size()]);
  }
  std::string paint(std::string text, int colour) const {
    return options_.colours ? fmt::format("\033[38;5;{}m{}\033[0m", colour, text) : text;
  }

  // Groups of marks, each in a column of its own; names above if they fit.
  struct Row {
    std::string title;
    std::uint32_t groups = 0, marks = 0;  // marks a group
    std::function<std::string(std::uint32_t group, std::uint32_t i)> at;
  };
  void rows(std::uint32_t width, std::uint32_t groups, std::span<const Row> all,
            const std::function<std::string(std::uint32_t)>& name) {
    constexpr std::uint32_t margin = 9;
    const std::uint32_t room = std::max(options_.columns, margin + width) - margin + 1;
    const std::uint32_t beside = std::max(1U, room / (width + 1));
    for (std::uint32_t first = 0; first < groups; first += beside) {
      const std::uint32_t last = std::min(groups, first + beside);
      if (name) {
        out_ += std::string(margin, ' ');
        for (std::uint32_t g = first; g < last; ++g) out_ += fmt::format("{:<{}} ", name(g), width);
        end_line();
      }
      for (const Row& row : all) {
        out_ += fmt::format("  {:<{}}", row.title, margin - 2);
        for (std::uint32_t g = first; g < last; ++g) {
          for (std::uint32_t i = 0; i < row.marks; ++i) out_ += row.at(g, i);
          out_.append(width - row.marks + 1, ' ');
        }
        end_line();
      }
    }
  }
  void end_line() {
    while (out_.ends_with(' ')) out_.pop_back();
    out_ += '\n';
  }

  // Names are worth a line where they don't push the columns apart too far.
  template <class Names>
  std::uint32_t column(std::uint32_t marks, std::uint32_t groups, Names names, bool& named) const {
    std::size_t width = marks;
    for (std::uint32_t g = 0; g < groups; ++g) width = std::max(width, names(g).size());
    named = t_.hosts() <= 256 && width <= 2 * marks + 8;
    return named ? static_cast<std::uint32_t>(width) : marks;
  }
  void map_of(std::uint32_t pod) {
    const Rail& rail = scene_.fabric.rails[scene_.rail];
    const auto leaf = [&](std::uint32_t g) { return pod * t_.leaves_per_pod + g; };
    const auto l2 = [&](std::uint32_t g) { return pod * t_.l2_per_pod + g; };
    const auto leaf_name = [&](std::uint32_t g) { return shown(rail.leaves[leaf(g)].name); };
    const auto l2_name = [&](std::uint32_t g) { return shown(rail.l2[l2(g)].name); };
    out_ += fmt::format("pod {}\n", pod);
    bool named = false;
    const Row leaf_rows[] = {
        {"hosts", t_.leaves_per_pod, t_.hosts_per_leaf,
         [&](std::uint32_t g, std::uint32_t i) {
           return mark(owners_.host(leaf(g) * t_.hosts_per_leaf + i));
         }},
        {"L2", t_.leaves_per_pod, t_.l2_per_pod,
         [&](std::uint32_t g, std::uint32_t i) { return mark(owners_.leaf_up(leaf(g), i)); }}};
    std::uint32_t width =
        column(std::max(t_.hosts_per_leaf, t_.l2_per_pod), t_.leaves_per_pod, leaf_name, named);
    rows(width, t_.leaves_per_pod, leaf_rows,
         named ? std::function<std::string(std::uint32_t)>(leaf_name) : nullptr);
    if (!three_) return;
    const Row l2_rows[] = {
        {"spines", t_.l2_per_pod, t_.spines_per_l2,
         [&](std::uint32_t g, std::uint32_t j) { return mark(owners_.l2_up(l2(g), j)); }}};
    width = column(t_.spines_per_l2, t_.l2_per_pod, l2_name, named);
    rows(width, t_.l2_per_pod, l2_rows,
         named ? std::function<std::string(std::uint32_t)>(l2_name) : nullptr);
  }
  static std::string shown(const std::string& name) { return name.empty() ? "(none)" : name; }

  void counts() {
    out_ += fmt::format("{:>5} {:>24} {:>24} {:>24}\n", "pod", "hosts free/taken/gone",
                        "to L2 free/taken/gone", "to spines free/taken/gone");
    const auto cell = [](const Tally& n) {
      return fmt::format("{}/{}/{}", n.free, n.taken + n.reserved, n.missing);
    };
    for (std::uint32_t pod = 0; pod < t_.pods; ++pod)
      out_ += fmt::format("{:>5} {:>24} {:>24} {:>24}\n", pod, cell(owners_.hosts_of_pod(pod)),
                          cell(owners_.leaf_links_of_pod(pod)),
                          three_ ? cell(owners_.spine_links_of_pod(pod)) : "-");
  }

  void legend() {
    const auto line = [&](std::string_view what, const Tally& n) {
      out_ += fmt::format("{:<17}{} free of {}", what, n.free, n.there());
      if (n.taken != 0) out_ += fmt::format(", {} in slices", n.taken);
      if (n.reserved != 0) out_ += fmt::format(", {} reserved (R)", n.reserved);
      if (n.missing != 0) out_ += fmt::format("; {} missing (-)", n.missing);
      out_ += '\n';
    };
    line("hosts", owners_.hosts());
    line("links to L2", owners_.leaf_links());
    if (three_) line("links to spines", owners_.spine_links());
    for (std::uint32_t s = 0; s < scene_.slices.size(); ++s)
      out_ += fmt::format("{}  {} ({})\n", mark({Owner::Kind::slice, s}), owners_.label(s),
                          owners_.cut_text(s));
  }

  const Scene& scene_;
  const TerminalOptions& options_;
  Owners owners_;
  Tree t_;
  bool three_;
  std::string out_;
};

}  // namespace

std::string draw_terminal(const Scene& scene, const TerminalOptions& options) {
  return TerminalDrawing(scene, options).run();
}

}  // namespace weft::broker::fabric
