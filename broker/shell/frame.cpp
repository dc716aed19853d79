#include "broker/shell/frame.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace weft::broker {

void add_frame(std::vector<std::uint8_t>& out, const FrameHeader& header,
               std::span<const std::uint8_t> payload) {
  FrameHeader whole = header;
  whole.length = static_cast<std::uint32_t>(payload.size());
  const std::size_t at = out.size();
  out.resize(at + sizeof whole + payload.size());
  std::memcpy(out.data() + at, &whole, sizeof whole);
  if (!payload.empty()) std::memcpy(out.data() + at + sizeof whole, payload.data(), payload.size());
}

std::span<std::uint8_t> FrameReader::room() {
  if (begin_ == end_) {
    begin_ = end_ = 0;
  } else if (begin_ > buffer_.size() / 2) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (buffer_.size() - end_ < 64 << 10)
    buffer_.resize(std::min(2 * buffer_.size(), 2 * (frame_payload_max + (256 << 10))));
  return {buffer_.data() + end_, buffer_.size() - end_};
}

Result<std::optional<FrameView>> FrameReader::next() {
  FrameView view;
  if (end_ - begin_ < sizeof view.header) return std::optional<FrameView>();
  std::memcpy(&view.header, buffer_.data() + begin_, sizeof view.header);
  if (view.header.length > frame_payload_max)
    return fail(Code::wire_limit, fmt::format("a frame of {} bytes on the gateway link; at most {}",
                                              view.header.length, frame_payload_max));
  if (end_ - begin_ < sizeof view.header + view.header.length) return std::optional<FrameView>();
  view.payload = {buffer_.data() + begin_ + sizeof view.header, view.header.length};
  begin_ += sizeof view.header + view.header.length;
  return std::optional(view);
}

Blob pack(const GatewaySetup& setup) {
  Blob out(setup.secret.data.begin(), setup.secret.data.end());
  out.push_back(setup.workers);
  const auto put = [&](std::uint64_t number) {
    for (int shift = 0; shift < 64; shift += 8)
      out.push_back(static_cast<std::uint8_t>(number >> shift));
  };
  put(setup.generation);
  put(setup.memory_bytes_max);
  out.insert(out.end(), setup.endpoints.begin(), setup.endpoints.end());
  return out;
}

std::optional<GatewaySetup> unpack_setup(std::span<const std::uint8_t> bytes) {
  constexpr std::size_t fixed = 32 + 1 + 8 + 8;
  if (bytes.size() < fixed) return std::nullopt;
  const auto number = [&](std::size_t at) {
    std::uint64_t value = 0;
    for (int i = 7; i >= 0; --i) value = value << 8 | bytes[at + static_cast<std::size_t>(i)];
    return value;
  };
  GatewaySetup setup;
  std::copy_n(bytes.begin(), 32, setup.secret.data.begin());
  setup.workers = bytes[32];
  setup.generation = number(33);
  setup.memory_bytes_max = number(41);
  setup.endpoints.assign(bytes.begin() + fixed, bytes.end());
  return setup;
}

void pack(Blob& out, const AllowedKey& key) {
  out.insert(out.end(), key.key.data.begin(), key.key.data.end());
  out.push_back(static_cast<std::uint8_t>(key.role));
}

std::vector<AllowedKey> unpack_allowed(std::span<const std::uint8_t> bytes) {
  std::vector<AllowedKey> keys(bytes.size() / allowed_key_bytes);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(i * allowed_key_bytes), 32,
                keys[i].key.data.begin());
    keys[i].role = static_cast<Role>(bytes[i * allowed_key_bytes + 32]);
  }
  return keys;
}

}  // namespace weft::broker
