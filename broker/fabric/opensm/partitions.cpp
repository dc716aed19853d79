#include "broker/fabric/opensm/partitions.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "broker/fabric/opensm/sealed.hpp"

namespace weft::broker::fabric {
namespace {

constexpr std::string_view default_line = "Default=0x7fff : ALL=limited, SELF=full ;";

tl::unexpected<Error> bad_partitions(std::string what) {
  return fail(Code::fabric_plan, "partitions: " + std::move(what));
}

// One line of a partition; takes what it understands from the front of `line`.
class LineReader {
 public:
  explicit LineReader(std::string_view line) : rest_(line) {}
  bool take(std::string_view text) {
    if (!rest_.starts_with(text)) return false;
    rest_.remove_prefix(text.size());
    return true;
  }
  // `width` 0: decimal without leading zeros, else that many hexadecimal digits.
  bool number(std::size_t width, std::uint64_t& out) {
    std::size_t n = 0;
    out = 0;
    while (n < rest_.size() && n < (width == 0 ? 19 : width)) {
      const char c = rest_[n];
      const bool digit = c >= '0' && c <= '9';
      if (!digit && (width == 0 || c < 'a' || c > 'f')) break;
      out =
          out * (width == 0 ? 10 : 16) + static_cast<std::uint64_t>(digit ? c - '0' : c - 'a' + 10);
      ++n;
    }
    if (n == 0 || (width != 0 && n != width)) return false;
    rest_.remove_prefix(n);
    return true;
  }
  bool done() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

bool read_partition(std::string_view line, Partition& out) {
  LineReader in(line);
  std::uint64_t key = 0, guid = 0;
  if (!in.take("s") || !in.number(0, out.slice) || !in.take("=0x") || !in.number(4, key) ||
      !in.take(", defmember=full : "))
    return false;
  out.key = static_cast<std::uint16_t>(key);
  do {
    if (!in.take("0x") || !in.number(16, guid)) return false;
    out.guids.push_back(guid);
  } while (in.take(", "));
  return in.take(" ;") && in.done();
}

}  // namespace

Result<std::vector<Partition>> partitions_of(const Rail& rail, std::span<const Placed> slices) {
  std::vector<Partition> out;
  for (const Placed& s : slices) {
    Partition p{s.slice, s.key, {}};
    for (const Cut::Leaf& leaf : s.cut.leaves)
      for (std::uint32_t slot = 0; slot < rail.tree.hosts_per_leaf; ++slot) {
        if ((leaf.hosts >> slot & 1) == 0) continue;
        const Host& host = rail.hosts[leaf.leaf * rail.tree.hosts_per_leaf + slot];
        if (host.port_guid == 0 || host.reserved)
          return bad_partitions(fmt::format("slice {}: host '{}' {}", s.slice, host.name,
                                            host.reserved ? "is reserved" : "has no port GUID"));
        p.guids.push_back(host.port_guid);
      }
    std::ranges::sort(p.guids);
    out.push_back(std::move(p));
  }
  std::ranges::sort(out, {}, &Partition::slice);
  return out;
}

std::string partitions_text(std::span<const Partition> partitions, Epoch epoch) {
  std::string body(default_line);
  body += '\n';
  for (const Partition& p : partitions)
    for (std::size_t i = 0; i < p.guids.size(); i += partition_guids_max) {
      fmt::format_to(std::back_inserter(body), "s{}=0x{:04x}, defmember=full :", p.slice, p.key);
      for (std::size_t j = i; j < std::min(i + partition_guids_max, p.guids.size()); ++j)
        fmt::format_to(std::back_inserter(body), "{} 0x{:016x}", j == i ? "" : ",", p.guids[j]);
      body += " ;\n";
    }
  return seal(body, epoch, false);
}

Result<std::vector<Partition>> parse_partitions(std::string_view text) {
  if (const std::string why = broken_seal(text, false); !why.empty()) return bad_partitions(why);
  std::vector<Partition> out;
  std::set<std::uint64_t> guids, slices;
  std::set<std::uint16_t> keys;
  for (std::size_t line_number = 1; !text.empty(); ++line_number) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(line.size() + 1);
    const auto wrong = [&](std::string_view what) {
      return bad_partitions(fmt::format("line {}: {}", line_number, what));
    };
    if (line.size() > partition_line_max) return wrong("too long");
    if ((line_number == 1) != (line == default_line))
      return wrong("default partition expected first");
    if (line_number == 1 || line.starts_with('#')) continue;
    Partition p;
    if (!read_partition(line, p)) return wrong("not a partition of a slice");
    if (p.guids.size() > partition_guids_max) return wrong("too many GUIDs");
    if (p.key < key_min || p.key > key_max) return wrong("P_Key out of range");
    for (const std::uint64_t guid : p.guids)
      if (!guids.insert(guid).second) return wrong(fmt::format("0x{:016x} twice", guid));
    if (!out.empty() && out.back().slice == p.slice && out.back().key == p.key) {
      out.back().guids.insert(out.back().guids.end(), p.guids.begin(), p.guids.end());
      continue;
    }
    if (!slices.insert(p.slice).second || !keys.insert(p.key).second)
      return wrong("a slice or a P_Key twice");
    out.push_back(std::move(p));
  }
  return out;
}

Result<void> lint_partitions(std::span<const Partition> partitions, std::string_view text) {
  const auto said = parse_partitions(text);
  if (!said) return tl::make_unexpected(said.error());
  if (!std::ranges::equal(*said, partitions)) return bad_partitions("they differ from the plan");
  return {};
}

Epoch partitions_epoch(std::string_view text) { return sealed_epoch(text, false); }

std::vector<std::uint16_t> keys_of(std::uint16_t slice_key, bool manager) {
  if (manager) return {default_key | full_member};
  if (slice_key == 0) return {default_key};
  return {default_key, static_cast<std::uint16_t>(slice_key | full_member)};
}

bool admits(std::span<const std::uint16_t> a, std::span<const std::uint16_t> b) {
  for (const std::uint16_t x : a)
    for (const std::uint16_t y : b)
      if (((x ^ y) & ~full_member) == 0 && ((x | y) & full_member) != 0) return true;
  return false;
}

}  // namespace weft::broker::fabric
