#include "transport/mesh/rendezvous.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/limits.hpp"
#include "transport/core/header.hpp"

namespace weft::transport {
namespace {

template <class T>
void put(Bytes& to, T value) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(&value);
  to.insert(to.end(), bytes, bytes + sizeof value);
}
void put_block(Bytes& to, const void* data, std::size_t size) {
  put(to, static_cast<std::uint16_t>(size));
  const auto* bytes = static_cast<const std::uint8_t*>(data);
  to.insert(to.end(), bytes, bytes + size);
}

// Reads until something does not fit; then `good` is false and all reads give nothing.
struct Reader {
  std::span<const std::uint8_t> rest;
  bool good = true;

  std::span<const std::uint8_t> take(std::size_t size) {
    if (!good || size > rest.size()) {
      good = false;
      return {};
    }
    const auto taken = rest.first(size);
    rest = rest.subspan(size);
    return taken;
  }
  template <class T>
  T get() {
    T value{};
    if (const auto bytes = take(sizeof value); good)
      std::memcpy(&value, bytes.data(), sizeof value);
    return value;
  }
  Bytes block(std::size_t most) {
    const auto size = get<std::uint16_t>();
    if (size > most) good = false;
    const auto bytes = take(size);
    return {bytes.begin(), bytes.end()};
  }
};

}  // namespace

std::uint64_t digest_of(const Tuning& tuning) {
  std::uint64_t digest = 0xcbf29ce484222325ull;
  for (const std::uint64_t value :
       {tuning.small_bytes, tuning.chunk_bytes, std::uint64_t{tuning.window},
        std::uint64_t{tuning.synchronise_every}})
    digest = (digest ^ value) * 0x100000001b3ull;
  return digest;
}

Result<Bytes> encode(const Card& card) {
  const auto size = 28 + card.node.size() + card.near.size() + card.far.size();
  if (card.near.size() > UINT16_MAX || card.far.size() > UINT16_MAX ||
      card.node.size() > limits::name_bytes_max || size + 4 > limits::rank_address_bytes_max)
    return fail(
        Code::mesh_rendezvous,
        fmt::format("this rank's address has {} bytes, the most is {}: name fewer devices in "
                    "UCX_NET_DEVICES",
                    size, limits::rank_address_bytes_max));
  Bytes bytes;
  put(bytes, rank_protocol_version);
  put(bytes, card.tuning);
  put(bytes, card.place.host);
  put(bytes, card.place.namespaces);
  put_block(bytes, card.node.data(), card.node.size());
  put_block(bytes, card.near.data(), card.near.size());
  put_block(bytes, card.far.data(), card.far.size());
  return bytes;
}

Result<Card> decode_card(std::span<const std::uint8_t> bytes) {
  Reader reader{bytes};
  if (const auto version = reader.get<std::uint16_t>(); version != rank_protocol_version)
    return fail(Code::mesh_rendezvous,
                fmt::format("a rank speaks rank protocol {}, this one {}: build all ranks of a job "
                            "from one release",
                            version, rank_protocol_version));
  Card card;
  card.tuning = reader.get<std::uint64_t>();
  card.place.host = reader.get<std::uint64_t>();
  card.place.namespaces = reader.get<std::uint64_t>();
  const auto node = reader.block(limits::name_bytes_max);
  card.node.assign(node.begin(), node.end());
  card.near = reader.block(limits::rank_address_bytes_max);
  card.far = reader.block(limits::rank_address_bytes_max);
  if (!reader.good || !reader.rest.empty() || card.near.empty() || card.far.empty())
    return fail(Code::mesh_rendezvous, "the address of a rank is malformed");
  return card;
}

Result<void> Rendezvous::add(std::uint32_t rank, std::span<const std::uint8_t> bytes) {
  auto card = decode_card(bytes);
  if (!card) return tl::make_unexpected(card.error());
  const auto& own = cards_[rank_];
  if (own && card->tuning != own->tuning)
    return fail(
        Code::mesh_rendezvous,
        fmt::format("rank {} ({}) chooses its schedules by other numbers than rank {} ({}): "
                    "build all ranks of a job from one release",
                    rank, card->node, rank_, own->node));
  if (!cards_[rank]) ++known_;
  cards_[rank] = std::move(*card);
  return {};
}

Bytes Rendezvous::table() const {
  Bytes bytes;
  put(bytes, static_cast<std::uint32_t>(cards_.size()));
  for (const auto& card : cards_) {
    const auto encoded = encode(*card);  // fits: it came through decode_card
    put_block(bytes, encoded->data(), encoded->size());
  }
  return bytes;
}

Result<void> Rendezvous::read_table(std::span<const std::uint8_t> bytes) {
  Reader reader{bytes};
  if (const auto size = reader.get<std::uint32_t>(); size != cards_.size())
    return fail(Code::mesh_rendezvous,
                fmt::format("rank 0 counts {} ranks, this one was told {}", size, cards_.size()));
  for (std::uint32_t rank = 0; rank < cards_.size(); ++rank) {
    const auto block = reader.block(limits::rank_address_bytes_max);
    if (!reader.good) return fail(Code::mesh_rendezvous, "the table of ranks is cut short");
    if (auto added = add(rank, block); !added) return added;
  }
  return {};
}

const Bytes& Rendezvous::address_of(std::uint32_t rank) const {
  const auto& mine = *cards_[rank_];
  const auto& other = *cards_[rank];
  return mine.place == other.place && mine.node == other.node ? other.near : other.far;
}

std::string Rendezvous::missing() const {
  constexpr std::size_t named_max = 8;
  std::vector<std::string> names;
  for (std::uint32_t rank = 0; rank < cards_.size(); ++rank)
    if (!cards_[rank]) names.push_back(std::to_string(rank));
  const auto more = names.size() > named_max ? names.size() - named_max : 0;
  names.resize(names.size() - more);
  return fmt::format("rank{} {}{} of {}", names.size() == 1 ? "" : "s", fmt::join(names, ", "),
                     more > 0 ? fmt::format(" and {} more", more) : "", cards_.size());
}

std::uint32_t Rendezvous::ranks_on_this_host() const {
  return static_cast<std::uint32_t>(std::ranges::count_if(cards_, [&](const auto& card) {
    return card && card->place.host == cards_[rank_]->place.host;
  }));
}

}  // namespace weft::transport
