#include "broker/fabric/import/blocks.hpp"

#include <fmt/format.h>

#include "base/bit_rate.hpp"
#include "broker/fabric/import/link_speed.hpp"
#include "broker/fabric/import/scan.hpp"

namespace weft::broker::fabric {
namespace {

constexpr std::size_t description_max = 64;  // bytes of an InfiniBand node description
constexpr std::uint32_t ports_max = 254;
constexpr std::size_t odd_lines_max = 1'000;

// Names end up in terminals, drawings and files: printable ASCII without double quotes.
std::string tame(std::string_view text) {
  std::string out(text.substr(0, description_max));
  for (char& c : out)
    if (c < 0x20 || c > 0x7e) c = '?';
  for (char& c : out)
    if (c == '"') c = '\'';
  return out;
}

// Attributes and headings that say nothing about the topology.
bool known_and_idle(std::string_view line) {
  for (const std::string_view word :
       {"vendid=", "devid=", "sysimgguid=", "Chassis ", "Non-Chassis Nodes", "Spine Nodes",
        "Line Nodes", "Chassis Switches", "Chassis CAs", "#"})
    if (line.starts_with(word)) return true;
  return false;
}

class BlockReader {
 public:
  explicit BlockReader(Findings& findings) : findings_(findings) {}

  Topology run(std::string_view text) {
    while (!text.empty() && !stopped_) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      std::string_view line = text.substr(0, end);
      text.remove_prefix(std::min(end + 1, text.size()));
      if (line.ends_with('\r')) line.remove_suffix(1);
      ++number_;
      if (line.size() > limits::fabric_line_bytes_max) {
        stop(1, Code::spec_size,
             fmt::format("a line of {} bytes; a line has at most {}", line.size(),
                         limits::fabric_line_bytes_max));
      } else if (!take(line)) {
        odd(line);
      }
      if (findings_.full()) stopped_ = true;
    }
    return std::move(out_);
  }

 private:
  void stop(int column, Code code, std::string text) {
    findings_.problem(number_, column, code, std::move(text));
    stopped_ = true;
  }
  void bad(const Scan& at, std::string text) {
    findings_.problem(number_, at.column(), Code::spec_syntax, std::move(text));
  }
  void odd(std::string_view line) {
    findings_.warning(number_, Code::spec_unknown_key,
                      fmt::format("a line that ibnetdiscover does not write: '{}'; passed over",
                                  tame(line.substr(0, 40))));
    if (++odd_lines_ > odd_lines_max)
      stop(1, Code::spec_syntax,
           fmt::format("more than {} lines that ibnetdiscover does not write; this is some other "
                       "text",
                       odd_lines_max));
  }

  bool take(std::string_view line) {
    Scan scan(line);
    scan.blanks();
    if (scan.rest().empty()) return true;
    if (scan.eat("#WEFT ")) return setting(scan);
    if (known_and_idle(scan.rest())) return true;
    for (const std::string_view word : {"switchguid=", "caguid=", "rtguid="})
      if (scan.eat(word)) return guid_line(scan);
    if (scan.rest().starts_with("[")) return link(scan);
    const std::string_view word = scan.word();
    if (word == "Switch") return header(scan, NodeKind::switch_);
    if (word == "Ca" || word == "Hca") return header(scan, NodeKind::adapter);
    if (word == "Rt") return header(scan, NodeKind::router);
    return false;
  }

  // What the form has no words for: see write.hpp.
  bool setting(Scan& scan) {
    const auto value = [&] { return tame(scan.rest()); };
    if (scan.eat("name=")) {
      out_.name = value();
    } else if (scan.eat("reserved=")) {
      if (out_.reserved.size() < limits::fabric_nodes_max)
        out_.reserved.push_back({value(), number_});
    } else if (scan.eat("link_rate=")) {
      const auto rate = parse_bit_rate(value());
      if (!rate) bad(scan, rate.error().detail);
      if (rate) out_.link_rate_bps = *rate;
    } else {
      return false;
    }
    return true;
  }

  bool guid_line(Scan& scan) {
    announced_ = scan.hex();
    if (!announced_) bad(scan, "no GUID; write e.g. switchguid=0x2c90200000000(2c90200000000)");
    return true;
  }

  // "S-0002c90200000010"
  std::optional<NodeId> node_id(Scan& scan) {
    NodeId id;
    const bool quote = scan.eat("\"");
    if (scan.eat("S-"))
      id.kind = NodeKind::switch_;
    else if (scan.eat("H-"))
      id.kind = NodeKind::adapter;
    else if (scan.eat("R-"))
      id.kind = NodeKind::router;
    else
      return std::nullopt;
    const auto guid = scan.hex();
    if (!quote || !guid || !scan.eat("\"")) return std::nullopt;
    id.guid = *guid;
    return id;
  }
  static constexpr std::string_view id_form =
      "no node; write \"S-<GUID>\" for a switch, \"H-<GUID>\" for a channel adapter";

  bool header(Scan& scan, NodeKind kind) {
    in_block_ = false;  // links below a header that is wrong belong to no node
    scan.blanks();
    const auto ports = scan.number(ports_max);
    if (!ports || *ports == 0) {
      bad(scan, fmt::format("no count of ports; allowed are 1 to {}", ports_max));
      return true;
    }
    scan.blanks();
    const auto id = node_id(scan);
    if (!id || id->kind != kind) {
      bad(scan, std::string(id_form));
      return true;
    }
    if (announced_ && *announced_ != id->guid)
      findings_.problem(number_, 1, Code::spec_conflict,
                        fmt::format("{} below the GUID 0x{:016x}; a node has one GUID",
                                    to_string(*id), *announced_));
    announced_.reset();
    if (out_.blocks.size() >= limits::fabric_nodes_max) {
      stop(1, Code::spec_size,
           fmt::format("more than {} nodes; at most that many", limits::fabric_nodes_max));
      return true;
    }
    Block block{*id, static_cast<std::uint8_t>(*ports), 0, {}, {}, number_};
    if (scan.skip_past("# \"")) {
      const std::string_view rest = scan.rest();
      const std::size_t close = rest.rfind('"');
      if (close != rest.npos) {
        block.description = tame(rest.substr(0, close));
        Scan tail(rest.substr(close + 1));
        if (tail.skip_past("lid ")) block.lid = lid(tail);
      }
    }
    out_.blocks.push_back(std::move(block));
    in_block_ = true;
    return true;
  }
  std::uint16_t lid(Scan& scan) {
    const auto value = scan.number(limits::fabric_lids_max);
    if (value) return static_cast<std::uint16_t>(*value);
    findings_.problem(number_, 1, Code::spec_range,
                      fmt::format("no unicast LID; allowed are 1 to {}, or 0 for none yet",
                                  limits::fabric_lids_max));
    return 0;
  }

  // [3][ext 1](port guid) "S-..."[7][ext 2](port guid)   # ...
  bool link(Scan& scan) {
    PortLine link;
    link.line = number_;
    const auto own = port(scan);
    if (!own) return true;
    if (scan.eat("(")) {
      link.port_guid = scan.hex().value_or(0);
      if (!scan.eat(")")) bad(scan, "a port GUID that is not closed; write ')' behind it");
    }
    scan.blanks();
    const auto peer = node_id(scan);
    if (!peer) {
      bad(scan, std::string(id_form));
      return true;
    }
    const auto there = port(scan);
    if (!there) return true;
    if (!in_block_) {
      if (findings_.clean())  // else the header's own problem says it
        findings_.problem(number_, 1, Code::spec_syntax,
                          "a port of no node; a 'Switch' or 'Ca' line comes first");
      return true;
    }
    link.port = *own;
    link.peer = *peer;
    link.peer_port = *there;
    Block& block = out_.blocks.back();
    if (link.port > block.ports)
      findings_.problem(number_, 1, Code::spec_range,
                        fmt::format("port {} of {}, which has {} (line {})", link.port,
                                    to_string(block.id), block.ports, block.line));
    if (scan.skip_past("#")) remark(scan, block, link);
    if (block.links.size() >= ports_max)
      bad(scan, fmt::format("more links than ports; a node has at most {}", ports_max));
    else
      block.links.push_back(link);
    return true;
  }
  std::optional<std::uint8_t> port(Scan& scan) {
    if (scan.eat("[")) {
      const auto number = scan.number(ports_max);
      if (number && *number != 0 && scan.eat("]")) {
        if (scan.eat("[ext ")) (void)scan.skip_past("]");
        return static_cast<std::uint8_t>(*number);
      }
    }
    bad(scan, fmt::format("no port; write [1] to [{}]", ports_max));
    return std::nullopt;
  }
  // An adapter's own LID comes first; the speed is the last word.
  void remark(Scan& scan, const Block& block, PortLine& link) {
    scan.blanks();
    if (block.id.kind != NodeKind::switch_ && scan.eat("lid ")) link.lid = lid(scan);
    const std::string_view rest = scan.rest();
    const std::size_t blank = rest.find_last_of(" \t");
    link.bits_per_second = speed_of(blank == rest.npos ? rest : rest.substr(blank + 1));
  }

  Findings& findings_;
  Topology out_;
  int number_ = 0;
  std::size_t odd_lines_ = 0;
  bool stopped_ = false, in_block_ = false;
  std::optional<std::uint64_t> announced_;  // the GUID of a line before a header
};

}  // namespace

std::string to_string(NodeId id) {
  const char letter = id.kind == NodeKind::switch_ ? 'S' : id.kind == NodeKind::adapter ? 'H' : 'R';
  return fmt::format("{}-{:016x}", letter, id.guid);
}

Topology read_blocks(std::string_view text, Findings& findings) {
  return BlockReader(findings).run(text);
}

}  // namespace weft::broker::fabric
