#include "broker/fabric/opensm/lft_file.hpp"

#include <fmt/format.h>

#include <charconv>
#include <map>

#include "broker/fabric/opensm/sealed.hpp"

namespace weft::broker::fabric {
namespace {

constexpr std::string_view header_start = "Unicast lids [0x0-0x";

void add_row(std::string& out, std::uint32_t lid, std::uint8_t port) {
  static constexpr char digits[] = "0123456789abcdef";
  char row[16] = {'0', 'x'};
  for (int i = 0; i < 4; ++i) row[2 + i] = digits[lid >> (12 - 4 * i) & 15];
  row[6] = ' ';
  char* end = std::to_chars(row + 7, row + 15, port).ptr;
  *end++ = '\n';
  out.append(row, end);
}

class LftParser {
 public:
  LftParser(const Rail& rail) : rail_(rail) {
    out_.lids = lid_count(rail);
    out_.of.resize(switch_count(rail.tree));
    for (std::uint32_t s = 0; s < out_.of.size(); ++s)
      if (const Switch& sw = switch_at(rail, at_number(rail.tree, s)); !sw.name.empty())
        by_guid_[sw.guid] = s;
  }

  Result<Tables> run(std::string_view text) {
    while (!text.empty()) {
      ++line_;
      const std::size_t end = text.find('\n');
      if (end == text.npos) return wrong("the last line has no end");
      const std::string_view line = text.substr(0, end);
      text.remove_prefix(end + 1);
      if (line.empty() || line[0] == '#') continue;
      if (auto read = line[0] == 'U' ? header(line) : row(line); !read)
        return tl::make_unexpected(read.error());
    }
    return std::move(out_);
  }

 private:
  tl::unexpected<Error> wrong(std::string what) const {
    return fail(Code::fabric_plan, fmt::format("forwarding tables, line {}: {}", line_, what));
  }

  Result<void> header(std::string_view line) {
    const std::size_t at = line.find(" guid 0x");
    if (!line.starts_with(header_start) || at == line.npos) return wrong("no header of a switch");
    std::uint64_t guid = 0;
    const char* end = line.data() + line.size();
    const auto read = std::from_chars(line.data() + at + 8, end, guid, 16);
    if (read.ec != std::errc{} || read.ptr == end || *read.ptr != ' ') return wrong("bad GUID");
    const auto it = by_guid_.find(guid);
    if (it == by_guid_.end()) return wrong(fmt::format("unknown switch 0x{:016x}", guid));
    current_ = &out_.of[it->second];
    if (!current_->empty()) return wrong("this switch was there before");
    ports_ = switch_at(rail_, at_number(rail_.tree, it->second)).ports;
    current_->assign(out_.lids, Tables::none);
    return {};
  }

  Result<void> row(std::string_view line) {
    if (current_ == nullptr) return wrong("a row before the first header");
    std::uint32_t lid = 0, port = 0;
    const char* end = line.data() + line.size();
    if (!line.starts_with("0x")) return wrong("no row");
    auto read = std::from_chars(line.data() + 2, end, lid, 16);
    if (read.ec != std::errc{} || read.ptr == end || *read.ptr != ' ') return wrong("bad LID");
    read = std::from_chars(read.ptr + 1, end, port);
    if (read.ec != std::errc{} || read.ptr != end) return wrong("bad port");
    if (lid == 0 || lid >= out_.lids) return wrong(fmt::format("LID 0x{:x} is nobody's", lid));
    if (port > ports_) return wrong(fmt::format("the switch has {} ports", ports_));
    if ((*current_)[lid] != Tables::none) return wrong("this LID was there before");
    (*current_)[lid] = static_cast<std::uint8_t>(port);
    return {};
  }

  const Rail& rail_;
  std::map<std::uint64_t, std::uint32_t> by_guid_;
  Tables out_;
  std::vector<std::uint8_t>* current_ = nullptr;
  std::uint32_t ports_ = 0;
  std::size_t line_ = 0;
};

}  // namespace

std::string lft_text(const Rail& rail, const Tables& tables, Epoch epoch) {
  std::string body;
  std::size_t rows = 0;
  for (const auto& table : tables.of) rows += table.size();
  body.reserve(rows * 10 + tables.of.size() * 120 + 256);
  for (std::uint32_t s = 0; s < tables.of.size(); ++s) {
    if (tables.of[s].empty()) continue;
    const Switch& sw = switch_at(rail, at_number(rail.tree, s));
    fmt::format_to(std::back_inserter(body), "{}{:x}] of switch Lid {} guid 0x{:016x} ({}):\n",
                   header_start, tables.lids - 1, sw.lid, sw.guid, sw.name);
    for (std::uint32_t lid = 1; lid < tables.lids; ++lid)
      if (const std::uint8_t port = tables.of[s][lid]; port != Tables::none)
        add_row(body, lid, port);
  }
  return seal(body, epoch, true);
}

Result<Tables> parse_lft(const Rail& rail, std::string_view text) {
  return LftParser(rail).run(text);
}

Result<void> lint_lft(const Rail& rail, const Tables& tables, std::string_view text) {
  if (const std::string why = broken_seal(text, true); !why.empty())
    return fail(Code::fabric_plan, "forwarding tables: " + why);
  const Result<Tables> said = parse_lft(rail, text);
  if (!said) return tl::make_unexpected(said.error());
  for (std::uint32_t s = 0; s < tables.of.size(); ++s)
    if (said->of[s] != tables.of[s])
      return fail(Code::fabric_plan,
                  fmt::format("forwarding tables: rows of {} differ from the plan",
                              switch_at(rail, at_number(rail.tree, s)).name));
  return {};
}

Epoch lft_epoch(std::string_view text) { return sealed_epoch(text, true); }

}  // namespace weft::broker::fabric
