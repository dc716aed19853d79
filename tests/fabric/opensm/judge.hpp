// A second verdict on the slices of a fabric of tree16(), by code that shares nothing with the
// driver, verify() or Routes.
#pragma once
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>

#include "broker/shell/drivers/opensm/reader.hpp"
#include "tests/fabric/opensm/lab.hpp"

namespace weft::broker::lab {

using namespace fabric;

// Reads everything and judges it without the driver, verify() or Routes: the fabric of tree16().
class Judge {
 public:
  explicit Judge(Lab& lab)
      : rail_(lab.fabric.rails[0]), reader_(*FabricReader::make(rail_, lab.port())) {
    reader_.strangers();
  }

  // Empty, or the first thing that is wrong.
  std::string wrong(const std::vector<Placed>& slices, const Masks& usable) {
    reader_.use(usable);
    std::map<std::uint32_t, const Placed*> owner;
    for (const Placed& s : slices)
      for (const Cut::Leaf& leaf : s.cut.leaves)
        for (std::uint32_t slot = 0; slot < 4; ++slot)
          if (leaf.hosts >> slot & 1) owner[leaf.leaf * 4 + slot] = &s;
    if (std::string why = keys(owner); !why.empty()) return why;
    std::vector<TableBlock> blocks;
    for (std::uint32_t s = 0; s < 8; ++s) blocks.push_back({s, 0});
    tables_ = reader_.tables(blocks);
    for (const auto& [from, slice] : owner)
      for (const auto& [to, other] : owner)
        if (slice == other && from != to)
          if (std::string why = path(from, to, slice->cut); !why.empty())
            return fmt::format("h{} to h{}: {}", from, to, why);
    return {};
  }

  std::vector<std::uint16_t> keys_of(std::uint32_t host) {
    const KeyPort port{host, false};
    return reader_.keys({&port, 1}, true)[0].value_or(std::vector<std::uint16_t>{});
  }

 private:
  std::string keys(const std::map<std::uint32_t, const Placed*>& owner) {
    std::vector<KeyPort> ports;
    for (std::uint32_t h = 1; h < 16; ++h) ports.insert(ports.end(), {{h, false}, {h, true}});
    const auto read = reader_.keys(ports, true);
    for (std::size_t i = 0; i < ports.size(); ++i) {
      std::vector<std::uint16_t> want{0x7fff};
      if (const auto it = owner.find(ports[i].host); it != owner.end())
        want.push_back(it->second->key | 0x8000);
      if (read[i] != want)
        return fmt::format("h{}{}: keys {:#x}", ports[i].host,
                           ports[i].facing ? "'s leaf port" : "",
                           fmt::join(read[i].value_or(std::vector<std::uint16_t>{}), " "));
    }
    return {};
  }

  // Two levels: leaf, and perhaps L2 and another leaf. Ports as generated: 1..4 down, 5..8 up.
  std::string path(std::uint32_t from, std::uint32_t to, const Cut& cut) const {
    const auto up_of = [&](std::uint32_t leaf) {
      for (const Cut::Leaf& l : cut.leaves)
        if (l.leaf == leaf) return l.up;
      return std::uint64_t{0};
    };
    const auto row = [&](std::uint32_t s) -> std::uint32_t {
      return tables_[s] ? (*tables_[s])[to + 1] : 255;
    };
    const std::uint32_t leaf = from / 4, other = to / 4;
    if (leaf != other) {
      const std::uint32_t up = row(leaf) - 5;
      if (up > 3) return fmt::format("port {} of its leaf", row(leaf));
      if ((up_of(leaf) >> up & 1) == 0 || (up_of(other) >> up & 1) == 0)
        return fmt::format("off the slice's links, by uplink {}", up);
      if (row(4 + up) != other + 1) return "the L2 sends it elsewhere";
    }
    return row(other) == to % 4 + 1 ? "" : fmt::format("port {} of the last leaf", row(other));
  }

  const Rail& rail_;
  FabricReader reader_;
  std::vector<std::optional<FabricReader::Rows>> tables_;
};

}  // namespace weft::broker::lab
