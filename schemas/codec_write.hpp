// Private to the codec: mirror struct -> Cap'n Proto builder.
#pragma once
#include "schemas/codec_fields.hpp"

namespace weft::codec {

template <class T>
void write_struct(capnp::DynamicStruct::Builder builder, const T& value);

class Writer {
 public:
  Writer(capnp::DynamicStruct::Builder builder, const Fields& fields)
      : builder_(builder), fields_(fields) {}

  template <class T>
  void operator()(const char*, const T& value, std::size_t = 0) {
    put(fields_.plain[next_++], value);
  }
  template <class... T>
  void choice(const std::variant<std::monostate, T...>& value) {
    const auto field = fields_.arms[value.index()];
    std::visit(
        [&](const auto& arm) {
          if constexpr (std::is_same_v<std::decay_t<decltype(arm)>, std::monostate>)
            builder_.set(field, capnp::VOID);
          else
            write_struct(builder_.init(field).template as<capnp::DynamicStruct>(), arm);
        },
        value);
  }

 private:
  using Field = capnp::StructSchema::Field;
  template <class T>
  static capnp::DynamicValue::Reader plain(const T& v, const capnp::Type& type) {
    if constexpr (std::is_same_v<T, Code>) {
      return static_cast<std::uint16_t>(v);
    } else if constexpr (std::is_enum_v<T>) {
      return capnp::DynamicEnum(type.asEnum(), static_cast<std::uint16_t>(v));
    } else if constexpr (Number<T>) {
      return v;
    } else if constexpr (Tick<T>) {
      return v.ms;
    } else if constexpr (Micros<T>) {
      return v.micros;
    } else if constexpr (Identifier<T>) {
      return v.value;
    } else if constexpr (FixedBytes<T>) {
      return capnp::Data::Reader(v.data.data(), v.data.size());
    } else {
      static_assert(std::is_same_v<T, std::string>);
      return capnp::Text::Reader(v.c_str(), v.size());
    }
  }
  template <class T>
  void put(Field field, const T& v) {
    if constexpr (std::is_same_v<T, std::vector<std::uint8_t>>) {
      builder_.set(field, capnp::Data::Reader(v.data(), v.size()));
    } else if constexpr (is_vector<T>::value) {
      if (v.empty()) return;
      auto list = builder_.init(field, static_cast<capnp::uint>(v.size()))
                      .template as<capnp::DynamicList>();
      for (capnp::uint i = 0; i < v.size(); ++i) put_item(list, i, v[i]);
    } else if constexpr (requires { T::fields(v, *this); }) {
      write_struct(builder_.init(field).template as<capnp::DynamicStruct>(), v);
    } else {
      builder_.set(field, plain(v, field.getType()));
    }
  }
  template <class T>
  static void put_item(capnp::DynamicList::Builder& list, capnp::uint i, const T& v) {
    if constexpr (requires { T::fields(v, std::declval<Writer&>()); })
      write_struct(list[i].template as<capnp::DynamicStruct>(), v);
    else
      list.set(i, plain(v, list.getSchema().getElementType()));
  }

  capnp::DynamicStruct::Builder builder_;
  const Fields& fields_;
  std::size_t next_ = 0;
};

template <class T>
void write_struct(capnp::DynamicStruct::Builder builder, const T& value) {
  T::fields(value, Writer(builder, fields_of<T>(builder.getSchema())));
}

}  // namespace weft::codec
