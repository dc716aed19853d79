#include "broker/fabric/opensm/sealed.hpp"

#include <fmt/format.h>

#include <charconv>

#include "base/digest.hpp"

namespace weft::broker::fabric {
namespace {

constexpr std::string_view mark = "# weft epoch ", end_mark = "# weft end\n";

std::string digest_line(std::string_view body, Epoch epoch) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(body.data());
  return fmt::format("{}{} sha256 {}\n", mark, epoch.value, to_hex(sha256({bytes, body.size()})));
}

struct SealedParts {
  std::string_view digest, body;  // both with their newline; empty: not there
};
SealedParts sealed_parts(std::string_view text, bool in_front) {
  if (!text.ends_with(end_mark)) return {};
  text.remove_suffix(end_mark.size());
  if (in_front) {
    const std::size_t end = text.find('\n');
    if (end == text.npos || !text.starts_with(mark)) return {};
    return {text.substr(0, end + 1), text.substr(end + 1)};
  }
  const std::size_t start = text.rfind(mark);
  if (start == text.npos || start == 0 || text[start - 1] != '\n') return {};
  return {text.substr(start), text.substr(0, start)};
}

}  // namespace

std::string seal(std::string_view body, Epoch epoch, bool in_front) {
  const std::string digest = digest_line(body, epoch);
  std::string out;
  out.reserve(body.size() + digest.size() + end_mark.size());
  if (in_front) out += digest;
  out += body;
  if (!in_front) out += digest;
  out += end_mark;
  return out;
}

Epoch sealed_epoch(std::string_view text, bool in_front) {
  const std::string_view line = sealed_parts(text, in_front).digest;
  Epoch out;
  if (!line.empty())
    std::from_chars(line.data() + mark.size(), line.data() + line.size(), out.value);
  return out;
}

std::string broken_seal(std::string_view text, bool in_front) {
  const SealedParts parts = sealed_parts(text, in_front);
  if (parts.digest.empty()) return "the end mark or the digest is missing: truncated?";
  if (digest_line(parts.body, sealed_epoch(text, in_front)) != parts.digest)
    return "the digest does not fit the text";
  return {};
}

}  // namespace weft::broker::fabric
