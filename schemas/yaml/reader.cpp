#include "schemas/yaml/reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <numeric>

#include "base/ids.hpp"
#include "base/limits.hpp"
#include "base/money.hpp"

namespace weft::yaml {
namespace {

std::string joined(const std::string& path, std::string_view key) {
  return path.empty() ? std::string(key) : path + "." + std::string(key);
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0]++;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row.back();
}

const char* kind_name(Node::Kind kind) {
  return kind == Node::Kind::list ? "a list" : kind == Node::Kind::map ? "a map" : "nothing";
}

}  // namespace

std::string join_words(std::span<const std::string_view> words) {
  return fmt::format("{}", fmt::join(words.begin(), words.end(), ", "));
}

std::string_view nearest(std::string_view word, std::span<const std::string_view> words) {
  std::string_view best;
  std::size_t least = std::max<std::size_t>(2, word.size() / 3) + 1;
  if (word.size() > limits::name_bytes_max) return best;  // the distance is quadratic
  for (const std::string_view candidate : words) {
    const std::size_t distance = edit_distance(word, candidate);
    if (distance < least && distance < candidate.size()) {
      least = distance;
      best = candidate;
    }
  }
  return best;
}

std::string quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text.substr(0, 60)) out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  while (text.size() > 60 && !out.empty() && (static_cast<unsigned char>(out.back()) & 0x80) != 0)
    out.pop_back();
  return out + (text.size() > 60 ? "...'" : "'");
}

void Reader::problem(Place at, Code code, const std::string& path, std::string text) {
  problems_.push_back({at.line, at.column, code, path, std::move(text)});
}

void Reader::missing(const std::string& path, std::string text) {
  if (std::find(suggested_.begin(), suggested_.end(), path) != suggested_.end()) return;
  problems_.push_back({0, 0, Code::spec_missing, path, std::move(text)});
}

std::vector<Problem> Reader::take_problems() {
  std::stable_sort(problems_.begin(), problems_.end(), [](const Problem& a, const Problem& b) {
    const auto key = [](const Problem& p) {
      return std::pair(p.line == 0 ? INT32_MAX : p.line, p.column);
    };
    return key(a) < key(b);
  });
  if (problems_.size() > static_cast<std::size_t>(limits::spec_errors_max))
    problems_.resize(static_cast<std::size_t>(limits::spec_errors_max));
  return std::move(problems_);
}

std::string Reader::suggest(const std::string& path, std::string_view unknown,
                            std::span<const Key> keys) {
  for (const std::string_view known : known_paths_) {  // the right word in the wrong map
    const std::size_t dot = known.rfind('.');
    const std::string_view parent = dot == known.npos ? "" : known.substr(0, dot);
    if (known.substr(dot == known.npos ? 0 : dot + 1) == unknown && parent != path)
      return fmt::format("did you mean '{}'?", known);
  }
  std::vector<std::string_view> names;
  for (const Key& key : keys)
    if (key.read) names.push_back(key.name);
  const std::string_view near = nearest(unknown, names);
  if (!near.empty()) {
    suggested_.push_back(joined(path, near));
    return fmt::format("did you mean '{}'?", suggested_.back());
  }
  return "known here: " + join_words(names);
}

void Reader::map(const Node& node, const std::string& path, std::span<const Key> keys) {
  if (node.kind == Node::Kind::refused) return;
  if (node.kind != Node::Kind::map) {
    std::vector<std::string_view> names;
    for (const Key& key : keys)
      if (key.read) names.push_back(key.name);
    problem(node.at, Code::spec_type, path,
            fmt::format("{} where a map belongs; its keys are {}",
                        node.kind == Node::Kind::scalar ? quoted(node.text) : kind_name(node.kind),
                        join_words(names)));
    return;
  }
  for (const Entry& entry : node.entries) {
    const std::string full = joined(path, entry.key);
    const auto known =
        std::find_if(keys.begin(), keys.end(), [&](const Key& k) { return k.name == entry.key; });
    if (known == keys.end())
      problem(entry.at, Code::spec_unknown_key,
              joined(path, quoted(entry.key).substr(1, quoted(entry.key).size() - 2)),
              "not a key of this file; " + suggest(path, entry.key, keys));
    else if (!known->read)
      problem(entry.at, Code::spec_unsupported, full, std::string(known->not_yet));
    else if (entry.value.kind == Node::Kind::null)
      problem(entry.value.at.line > entry.at.line ? entry.at : entry.value.at, Code::spec_type,
              full, "has no value; write one, or leave the key out");
    else if (entry.value.kind != Node::Kind::refused)
      known->read(entry.value, full);
  }
}

std::optional<std::string> Reader::text(const Node& node, const std::string& path,
                                        std::size_t bytes_max, std::string_view allowed) {
  if (node.kind == Node::Kind::refused) return std::nullopt;
  if (node.kind != Node::Kind::scalar) {
    problem(node.at, Code::spec_type, path,
            fmt::format("{} where one value belongs; {}", kind_name(node.kind), allowed));
    return std::nullopt;
  }
  if (node.text.size() > bytes_max) {
    problem(node.at, Code::spec_size, path,
            fmt::format("{} bytes; at most {}", node.text.size(), bytes_max));
    return std::nullopt;
  }
  if (node.text.find('\0') != node.text.npos) {
    problem(node.at, Code::spec_syntax, path, "holds a NUL character; leave it out");
    return std::nullopt;
  }
  return node.text;
}

std::optional<std::string> Reader::name(const Node& node, const std::string& path) {
  constexpr std::string_view allowed = "allowed are 1 to 63 of a-z, 0-9 and '-'";
  const auto value = text(node, path, limits::text_bytes_max, allowed);
  if (!value) return value;
  const bool good = !value->empty() && value->size() <= limits::name_bytes_max &&
                    std::all_of(value->begin(), value->end(), [](char c) {
                      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
                    });
  if (good) return value;
  problem(node.at, Code::spec_range, path,
          fmt::format("{} is not a name; {}", quoted(*value), allowed));
  return std::nullopt;
}

std::optional<std::int64_t> Reader::integer(const Node& node, const std::string& path,
                                            std::int64_t min, std::int64_t max) {
  const std::string allowed = fmt::format("allowed are {} to {}", min, max);
  const auto value = text(node, path, limits::text_bytes_max, allowed);
  if (!value) return std::nullopt;
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(value->data(), value->data() + value->size(), number);
  const bool whole = end == value->data() + value->size();
  if (whole && error == std::errc::result_out_of_range)
    problem(node.at, Code::spec_range, path,
            fmt::format("{} is out of range; {}", quoted(*value), allowed));
  else if (!whole || error != std::errc{})
    problem(node.at, Code::spec_type, path,
            fmt::format("{} is not a whole number; {}", quoted(*value), allowed));
  else if (number < min || number > max)
    problem(node.at, Code::spec_range, path,
            fmt::format("{} is out of range; {}", number, allowed));
  else
    return number;
  return std::nullopt;
}

std::optional<Duration> Reader::duration(const Node& node, const std::string& path, Duration min,
                                         Duration max) {
  const auto value = text(node, path, limits::text_bytes_max, "write e.g. 90s, 1h30m");
  if (!value) return std::nullopt;
  const auto parsed = parse_duration(quoted(*value).size() == value->size() + 2 ? *value : "?");
  if (!parsed) {
    problem(node.at, parsed.error().code, path, parsed.error().detail);
  } else if (*parsed < min || *parsed > max) {
    problem(node.at, Code::spec_range, path,
            fmt::format("{} is out of range; allowed are {} to {}", quoted(*value),
                        weft::to_string(min), weft::to_string(max)));
  } else {
    return *parsed;
  }
  return std::nullopt;
}

std::optional<std::int64_t> Reader::micros(const Node& node, const std::string& path) {
  const auto value = text(node, path, limits::name_bytes_max, "write dollars, e.g. 2.40");
  if (!value) return std::nullopt;
  const auto parsed = parse_micros(*value);
  if (parsed) return *parsed;
  problem(node.at, parsed.error().code, path, parsed.error().detail);
  return std::nullopt;
}

std::optional<std::size_t> Reader::word(const Node& node, const std::string& path,
                                        std::span<const std::string_view> words) {
  const std::string allowed = "allowed are " + join_words(words);
  const auto value = text(node, path, limits::text_bytes_max, allowed);
  if (!value) return std::nullopt;
  const auto found = std::find(words.begin(), words.end(), *value);
  if (found != words.end()) return static_cast<std::size_t>(found - words.begin());
  const std::string_view near = nearest(*value, words);
  problem(
      node.at, Code::spec_range, path,
      fmt::format("{} is not one of its words; {}", quoted(*value),
                  near.empty() ? allowed : fmt::format("did you mean '{}'? {}", near, allowed)));
  return std::nullopt;
}

std::optional<std::vector<std::uint8_t>> Reader::hex(const Node& node, const std::string& path,
                                                     std::size_t bytes) {
  const std::string allowed = fmt::format("write {} hexadecimal digits", 2 * bytes);
  const auto value = text(node, path, limits::text_bytes_max, allowed);
  if (!value) return std::nullopt;
  std::vector<std::uint8_t> out(bytes);
  if (from_hex(*value, out.data(), bytes)) return out;
  // The value is not repeated: it may be a secret.
  problem(node.at, Code::spec_type, path, fmt::format("not a key; {}", allowed));
  return std::nullopt;
}

const std::vector<Node>* Reader::list(const Node& node, const std::string& path,
                                      std::size_t count_max, std::string_view allowed) {
  if (node.kind == Node::Kind::refused) return nullptr;
  if (node.kind != Node::Kind::list) {
    problem(node.at, Code::spec_type, path,
            fmt::format("{} where a list belongs; {}",
                        node.kind == Node::Kind::scalar ? quoted(node.text) : kind_name(node.kind),
                        allowed));
    return nullptr;
  }
  if (node.items.size() > count_max) {
    problem(node.at, Code::spec_size, path,
            fmt::format("{} entries; at most {}", node.items.size(), count_max));
    return nullptr;
  }
  return &node.items;
}

}  // namespace weft::yaml
