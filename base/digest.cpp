#include "base/digest.hpp"

#include <sodium.h>

namespace weft {

struct Hasher::State {
  crypto_hash_sha256_state sha;
};

Hasher::Hasher() : state_(std::make_unique<State>()) { crypto_hash_sha256_init(&state_->sha); }
Hasher::~Hasher() = default;
Hasher::Hasher(Hasher&&) noexcept = default;
Hasher& Hasher::operator=(Hasher&&) noexcept = default;

void Hasher::add(std::span<const std::uint8_t> bytes) {
  crypto_hash_sha256_update(&state_->sha, bytes.data(), bytes.size());
}

void Hasher::add(std::string_view text) {
  add(static_cast<std::uint64_t>(text.size()));
  add(std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
}

void Hasher::add(std::uint64_t number) {
  std::uint8_t bytes[8];
  for (int i = 0; i < 8; ++i) bytes[i] = static_cast<std::uint8_t>(number >> (8 * i));
  add(std::span<const std::uint8_t>(bytes, 8));
}

Digest Hasher::finish() {
  Digest digest;
  crypto_hash_sha256_final(&state_->sha, digest.data.data());
  return digest;
}

Digest sha256(std::span<const std::uint8_t> bytes) {
  Digest digest;
  crypto_hash_sha256(digest.data.data(), bytes.data(), bytes.size());
  return digest;
}

}  // namespace weft
