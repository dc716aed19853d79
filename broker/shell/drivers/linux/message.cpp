#include "broker/shell/drivers/linux/message.hpp"

#include <cstring>

namespace weft::broker::netns {

Request::Request(std::uint16_t type, std::uint16_t flags) {
  nlmsghdr head{};
  head.nlmsg_type = type;
  head.nlmsg_flags = static_cast<std::uint16_t>(flags | NLM_F_REQUEST);
  raw(&head, sizeof head);
}

void Request::raw(const void* data, std::size_t bytes) {
  const auto* from = static_cast<const std::uint8_t*>(data);
  bytes_.insert(bytes_.end(), from, from + bytes);
  bytes_.resize(aligned(bytes_.size()));
}

void Request::put(std::uint16_t attribute, const void* data, std::size_t bytes) {
  const nlattr head{static_cast<std::uint16_t>(sizeof(nlattr) + bytes), attribute};
  raw(&head, sizeof head);
  raw(data, bytes);
}

void Request::put(std::uint16_t attribute, std::string_view text) {
  const std::string zero_ended(text);
  put(attribute, zero_ended.c_str(), zero_ended.size() + 1);
}

std::size_t Request::open(std::uint16_t attribute) {
  const std::size_t at = bytes_.size();
  put(static_cast<std::uint16_t>(attribute | NLA_F_NESTED), nullptr, 0);
  return at;
}

void Request::close(std::size_t opened) {
  const auto bytes = static_cast<std::uint16_t>(bytes_.size() - opened);
  std::memcpy(bytes_.data() + opened, &bytes, sizeof bytes);
}

std::span<std::uint8_t> Request::finish(std::uint32_t sequence) {
  auto* head = reinterpret_cast<nlmsghdr*>(bytes_.data());
  head->nlmsg_len = static_cast<std::uint32_t>(bytes_.size());
  head->nlmsg_seq = sequence;
  return bytes_;
}

Attributes::Attributes(const Message& message, std::size_t head_bytes) {
  const std::size_t skip = aligned(head_bytes);
  if (message.payload.size() > skip) read(std::span(message.payload).subspan(skip));
}

Attributes::Attributes(std::span<const std::uint8_t> nested) { read(nested); }

void Attributes::read(std::span<const std::uint8_t> all) {
  while (all.size() >= sizeof(nlattr)) {
    nlattr head{};
    std::memcpy(&head, all.data(), sizeof head);
    if (head.nla_len < sizeof head || head.nla_len > all.size()) return;
    if (const std::size_t type = head.nla_type & NLA_TYPE_MASK; type < found_.size())
      found_[type] = all.subspan(sizeof head, head.nla_len - sizeof head);
    all = all.subspan(std::min(aligned(head.nla_len), all.size()));
  }
}

std::uint32_t Attributes::number(std::size_t attribute) const {
  std::uint32_t out = 0;
  if (found_[attribute].size() >= sizeof out)
    std::memcpy(&out, found_[attribute].data(), sizeof out);
  return out;
}

std::string Attributes::text(std::size_t attribute) const {
  const auto bytes = found_[attribute];
  const std::string_view all(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return std::string(all.substr(0, all.find('\0')));
}

}  // namespace weft::broker::netns
