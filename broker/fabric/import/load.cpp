#include "broker/fabric/import/load.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/limits.hpp"
#include "broker/fabric/import/parts.hpp"

namespace weft::broker::fabric {
namespace {

// By the first line that is neither blank nor a comment; ibnetdiscover's own comment counts too.
bool is_ibnetdiscover(std::string_view text) {
  for (int lines = 0; !text.empty() && lines < 1'000; ++lines) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    line.remove_prefix(std::min(line.find_first_not_of(" \t\r"), line.size()));
    if (line.starts_with("# Topology file") || line.starts_with("#WEFT ")) return true;
    if (line.empty() || line[0] == '#') continue;
    for (const std::string_view word :
         {"vendid=", "devid=", "sysimgguid=", "switchguid=", "caguid=", "rtguid=", "Switch\t",
          "Switch ", "Ca\t", "Ca ", "Rt\t", "Rt ", "Chassis "})
      if (line.starts_with(word)) return true;
    return false;
  }
  return false;
}

std::string stem(std::string_view path) {
  path = path.substr(path.rfind('/') == path.npos ? 0 : path.rfind('/') + 1);
  std::string out(path.substr(0, std::min(path.rfind('.'), path.size())));
  for (char& c : out)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  return out;
}

}  // namespace

Loaded load(std::string_view text, std::string_view name) {
  const bool discovered = is_ibnetdiscover(text);
  if (!discovered && text.size() > limits::job_spec_bytes_max) {
    Loaded out;
    out.problems.push_back(
        {1,
         1,
         Code::spec_size,
         {},
         fmt::format("{} bytes that do not begin as ibnetdiscover text does; YAML has at most {}",
                     text.size(), limits::job_spec_bytes_max)});
    return out;
  }
  Loaded out = discovered ? load_ibnetdiscover(text, stem(name)) : load_yaml(text, stem(name));
  out.from_ibnetdiscover = discovered;
  if (!out.problems.empty()) out.fabric.reset();
  return out;
}

}  // namespace weft::broker::fabric
