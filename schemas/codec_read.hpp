// Private to the codec: Cap'n Proto reader -> mirror struct, with every limit checked before memory
// is taken. After the first error the rest is skipped.
#pragma once
#include <fmt/format.h>

#include "base/result.hpp"
#include "schemas/codec_fields.hpp"

namespace weft::codec {

// What one decoding shares. The budget bounds the memory that a message can make us take: a list of
// empty structs costs its sender one word an entry, and us the size of the mirror struct.
struct Decoding {
  Error error;
  std::size_t memory_left = 0;
};

template <class T>
void read_struct(capnp::DynamicStruct::Reader reader, T& value, Decoding& decoding);

class Reader {
 public:
  Reader(capnp::DynamicStruct::Reader reader, const Fields& fields, Decoding& decoding)
      : reader_(reader), fields_(fields), decoding_(decoding), error_(decoding.error) {}

  template <class T>
  void operator()(const char* name, T& value, std::size_t limit = 0) {
    const auto field = fields_.plain[next_++];
    if (error_.code != Code::none) return;
    get(name, reader_.get(field), value, limit);
  }
  template <class... T>
  void choice(std::variant<std::monostate, T...>& value) {
    if (error_.code != Code::none) return;
    KJ_IF_MAYBE (which, reader_.which()) {
      for (std::size_t i = 1; i < fields_.arms.size(); ++i) {
        if (fields_.arms[i] == *which) {
          read_arm<0, T...>(i - 1, value, reader_.get(*which));
          return;
        }
      }
    }
    error_ = {Code::wire_unknown, "a message of a kind that this build does not know"};
  }

 private:
  template <std::size_t I, class First, class... Rest, class V>
  void read_arm(std::size_t index, V& value, capnp::DynamicValue::Reader from) {
    if (index == I) {
      read_struct(from.as<capnp::DynamicStruct>(), value.template emplace<First>(), decoding_);
    } else if constexpr (sizeof...(Rest) > 0) {
      read_arm<I + 1, Rest...>(index, value, from);
    }
  }
  void too_large(const char* name, std::size_t size, std::size_t limit) {
    error_ = {Code::wire_limit, fmt::format("{}: {} is above the limit of {}", name, size, limit)};
  }
  template <class T>
  void get(const char* name, capnp::DynamicValue::Reader from, T& v, std::size_t limit) {
    if constexpr (std::is_same_v<T, Code>) {
      v = static_cast<Code>(from.as<std::uint16_t>());
    } else if constexpr (std::is_enum_v<T>) {
      const std::uint16_t raw = from.as<capnp::DynamicEnum>().getRaw();
      if (raw >= names(T{}).size())
        error_ = {Code::wire_unknown,
                  fmt::format("{}: {} is not a value that this build knows", name, raw)};
      else
        v = static_cast<T>(raw);
    } else if constexpr (Number<T>) {
      v = from.as<T>();
    } else if constexpr (Tick<T>) {
      v.ms = from.as<std::int64_t>();
    } else if constexpr (Micros<T>) {
      v.micros = from.as<std::int64_t>();
    } else if constexpr (Identifier<T>) {
      v.value = from.as<std::uint64_t>();
    } else if constexpr (std::is_same_v<T, std::string>) {
      const auto text = from.as<capnp::Text>();
      if (limit == 0) limit = limits::argument_bytes_max;
      if (text.size() > limit) return too_large(name, text.size(), limit);
      v.assign(text.begin(), text.size());
    } else if constexpr (std::is_same_v<T, std::vector<std::uint8_t>>) {
      const auto data = from.as<capnp::Data>();
      if (data.size() > limit) return too_large(name, data.size(), limit);
      v.assign(data.begin(), data.end());
    } else if constexpr (is_vector<T>::value) {
      const auto list = from.as<capnp::DynamicList>();
      if (list.size() > limit) return too_large(name, list.size(), limit);
      const std::size_t bytes = list.size() * sizeof(typename T::value_type);
      if (bytes > decoding_.memory_left) {
        error_ = {Code::wire_limit,
                  fmt::format("{}: {} entries in so small a message", name, list.size())};
        return;
      }
      decoding_.memory_left -= bytes;
      v.resize(list.size());
      for (capnp::uint i = 0; i < list.size() && error_.code == Code::none; ++i)
        get(name, list[i], v[i], 0);
    } else if constexpr (FixedBytes<T>) {
      const auto data = from.as<capnp::Data>();
      if (data.size() != 0 && data.size() != v.data.size())
        error_ = {Code::wire_malformed,
                  fmt::format("{}: {} bytes instead of {}", name, data.size(), v.data.size())};
      else
        std::copy(data.begin(), data.end(), v.data.begin());
    } else {
      read_struct(from.as<capnp::DynamicStruct>(), v, decoding_);
    }
  }

  capnp::DynamicStruct::Reader reader_;
  const Fields& fields_;
  Decoding& decoding_;
  Error& error_;
  std::size_t next_ = 0;
};

template <class T>
void read_struct(capnp::DynamicStruct::Reader reader, T& value, Decoding& decoding) {
  T::fields(value, Reader(reader, fields_of<T>(reader.getSchema()), decoding));
}

}  // namespace weft::codec
