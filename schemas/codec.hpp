// Bytes to plain structs and back: the only part of weft that includes Cap'n Proto.
// decode() checks everything (framing, limits, enum ranges, sizes, protocol version) before it
// returns; nothing downstream ever holds a pointer into the message.
// Errors: wire.malformed, wire.limit, wire.version, wire.unknown (an arm of a newer build); the
// detail names the field. Thread: any.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/result.hpp"
#include "schemas/envelope.hpp"

namespace weft {

using Blob = std::vector<std::uint8_t>;

Blob encode(const Envelope& envelope);
Blob encode(const JournalRecord& record);
Blob encode(const Snapshot& snapshot);
Blob encode(const Reply& reply);

Result<Envelope> decode_envelope(std::span<const std::uint8_t> bytes);
// Only the fields by which a message that cannot be decoded can still be answered; nothing when not
// even they can be read.
struct EnvelopeHead {
  std::uint16_t protocol = 0;
  RequestKey key;
};
std::optional<EnvelopeHead> peek_envelope(std::span<const std::uint8_t> bytes);
Result<JournalRecord> decode_record(std::span<const std::uint8_t> bytes);
Result<Snapshot> decode_snapshot(std::span<const std::uint8_t> bytes);
Result<Reply> decode_reply(std::span<const std::uint8_t> bytes);

// True when every field of every schema has its mirror field and the reverse; else names the first
// difference. For tests.
Result<void> compare_schema_with_mirrors();

}  // namespace weft
