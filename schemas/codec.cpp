#include "schemas/codec.hpp"

#include "schemas/codec_read.hpp"
#include "schemas/codec_write.hpp"
//
#include <capnp/serialize.h>
#include <fmt/format.h>

#include <cstring>
#include <set>

#include "schemas/envelope.capnp.h"
#include "schemas/journal.capnp.h"

namespace weft {
namespace codec {

std::string camel(std::string_view snake) {
  std::string out;
  bool upper = false;
  for (const char c : snake) {
    if (c == '_') {
      upper = true;
    } else {
      out += upper && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
      upper = false;
    }
  }
  return out;
}

namespace {

template <class Wire, class T>
Blob to_bytes(const T& value) {
  capnp::MallocMessageBuilder message;
  write_struct(message.initRoot<capnp::DynamicStruct>(capnp::Schema::from<Wire>()), value);
  const auto words = capnp::messageToFlatArray(message);
  const auto bytes = words.asBytes();
  return {bytes.begin(), bytes.end()};
}

// Mirror structs are larger than their encoding, by less than this.
constexpr std::size_t growth_max = 16, memory_always = 64 << 10;

constexpr auto any_root = [](const auto&) { return Error{}; };

// `check_first(root)` may refuse before anything else of the message is looked at.
template <class Wire, class T, class CheckFirst>
Result<T> from_bytes(std::span<const std::uint8_t> bytes, std::size_t bytes_max,
                     const CheckFirst& check_first) {
  if (bytes.size() > bytes_max)
    return fail(Code::wire_limit,
                fmt::format("a message of {} bytes; at most {}", bytes.size(), bytes_max));
  if (bytes.empty() || bytes.size() % sizeof(capnp::word) != 0)
    return fail(Code::wire_malformed, "not a whole number of 8-byte words");
  // ZeroMQ and SQLite payloads are not aligned: copy.
  auto words = kj::heapArray<capnp::word>(bytes.size() / sizeof(capnp::word));
  std::memcpy(words.begin(), bytes.data(), bytes.size());
  capnp::ReaderOptions options;
  options.traversalLimitInWords = 4 * words.size() + 1024;
  options.nestingLimit = limits::capnp_nesting_max;
  Decoding decoding{{}, growth_max * bytes.size() + memory_always};
  T value{};
  try {
    capnp::FlatArrayMessageReader reader(words, options);
    if (reader.getEnd() != words.end())
      return fail(Code::wire_malformed, "bytes after the end of the message");
    decoding.error = check_first(reader.getRoot<Wire>());
    if (decoding.error.code == Code::none)
      read_struct(reader.getRoot<capnp::DynamicStruct>(capnp::Schema::from<Wire>()), value,
                  decoding);
  } catch (const kj::Exception& e) {
    const auto text = e.getDescription();
    return fail(Code::wire_malformed, std::string(text.begin(), text.size()));
  }
  if (decoding.error.code != Code::none) return tl::make_unexpected(std::move(decoding.error));
  return value;
}

}  // namespace
}  // namespace codec

Blob encode(const Envelope& envelope) { return codec::to_bytes<wire::Envelope>(envelope); }
Blob encode(const JournalRecord& record) { return codec::to_bytes<wire::JournalRecord>(record); }
Blob encode(const Snapshot& snapshot) { return codec::to_bytes<wire::Snapshot>(snapshot); }
Blob encode(const Reply& reply) { return codec::to_bytes<wire::Reply>(reply); }

Result<Envelope> decode_envelope(std::span<const std::uint8_t> bytes) {
  // The version comes first: a newer message may fail to decode for reasons that follow from it.
  return codec::from_bytes<wire::Envelope, Envelope>(
      bytes, limits::message_bytes_max, [](wire::Envelope::Reader root) {
        if (root.getProtocol() == protocol_version) return Error{};
        return Error{Code::wire_version, fmt::format("protocol version {}; this build speaks {}",
                                                     root.getProtocol(), protocol_version)};
      });
}

std::optional<EnvelopeHead> peek_envelope(std::span<const std::uint8_t> bytes) {
  if (bytes.empty() || bytes.size() % sizeof(capnp::word) != 0 ||
      bytes.size() > limits::message_bytes_max)
    return std::nullopt;
  auto words = kj::heapArray<capnp::word>(bytes.size() / sizeof(capnp::word));
  std::memcpy(words.begin(), bytes.data(), bytes.size());
  EnvelopeHead head;
  try {
    capnp::FlatArrayMessageReader reader(words);
    const auto envelope = reader.getRoot<wire::Envelope>();
    head.protocol = envelope.getProtocol();
    const auto key = envelope.getKey();
    if (key.size() != 0 && key.size() != head.key.data.size()) return std::nullopt;
    std::copy(key.begin(), key.end(), head.key.data.begin());
  } catch (const kj::Exception&) {
    return std::nullopt;
  }
  return head;
}

Result<JournalRecord> decode_record(std::span<const std::uint8_t> bytes) {
  return codec::from_bytes<wire::JournalRecord, JournalRecord>(bytes, limits::record_bytes_max,
                                                               codec::any_root);
}

Result<Snapshot> decode_snapshot(std::span<const std::uint8_t> bytes) {
  return codec::from_bytes<wire::Snapshot, Snapshot>(bytes, std::size_t{1} << 34, codec::any_root);
}

Result<Reply> decode_reply(std::span<const std::uint8_t> bytes) {
  return codec::from_bytes<wire::Reply, Reply>(bytes, limits::message_bytes_max, codec::any_root);
}

namespace {

// Walks both sides; fields_of() throws for a mirror field without a schema field, and the counts
// show the reverse.
class Comparer {
 public:
  template <class T>
  void operator()(const char*, const T&, std::size_t = 0) {
    check<T>();
  }
  template <class... T>
  void choice(const std::variant<std::monostate, T...>&) {
    (check<T>(), ...);
  }
  explicit Comparer(capnp::StructSchema schema, std::string& difference)
      : schema_(schema), difference_(difference) {}

  template <class T>
  void compare() {
    const auto& found = codec::fields_of<T>(schema_);
    const std::size_t mirrored = found.plain.size() + found.arms.size();
    if (mirrored != schema_.getFields().size() && difference_.empty()) {
      const auto name = schema_.getProto().getDisplayName();
      difference_ = fmt::format("{}: {} fields in the schema, {} in the mirror", name.cStr(),
                                schema_.getFields().size(), mirrored);
    }
    T empty{};
    all_ = &found;
    T::fields(empty, *this);
  }

 private:
  template <class T>
  void check() {
    const std::size_t i = next_++;
    const auto& f =
        i < all_->plain.size() ? all_->plain[i] : all_->arms[i - all_->plain.size() + 1];
    descend<T>(f.getType());
  }
  template <class T>
  void descend(capnp::Type type) {
    if constexpr (std::is_same_v<T, std::vector<std::uint8_t>>) {
    } else if constexpr (codec::is_vector<T>::value) {
      descend<typename T::value_type>(type.asList().getElementType());
    } else if constexpr (requires(T t, Comparer c) { T::fields(t, c); }) {
      Comparer(type.asStruct(), difference_).template compare<T>();
    } else if constexpr (std::is_enum_v<T> && !std::is_same_v<T, Code>) {
      const auto words = type.asEnum().getEnumerants();
      if (words.size() != names(T{}).size() && difference_.empty())
        difference_ = fmt::format("enum {}", type.asEnum().getProto().getDisplayName().cStr());
    }
  }
  capnp::StructSchema schema_;
  std::string& difference_;
  const codec::Fields* all_ = nullptr;
  std::size_t next_ = 0;
};

}  // namespace

Result<void> compare_schema_with_mirrors() {
  std::string difference;
  try {
    Comparer(capnp::Schema::from<wire::Envelope>(), difference).compare<Envelope>();
    Comparer(capnp::Schema::from<wire::JournalRecord>(), difference).compare<JournalRecord>();
    Comparer(capnp::Schema::from<wire::Snapshot>(), difference).compare<Snapshot>();
  } catch (const kj::Exception& e) {
    difference = e.getDescription().cStr();
  }
  if (!difference.empty()) return fail(Code::internal, difference);
  return {};
}

}  // namespace weft
