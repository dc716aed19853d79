// Private to the codec: finds the schema field of each mirror field, once per struct type.
#pragma once
#include "schemas/capnp_compat.hpp"
//
#include <capnp/dynamic.h>
#include <capnp/schema.h>

#include <string>
#include <type_traits>
#include <variant>
#include <vector>

namespace weft::codec {

template <class T>
struct is_vector : std::false_type {};
template <class T>
struct is_vector<std::vector<T>> : std::true_type {};
template <class T>
concept Number = std::is_integral_v<T>;
template <class T>
concept Tick = requires(T t) { t.ms; } && sizeof(T) == 8;
template <class T>
concept Micros = requires(T t) { t.micros; } && sizeof(T) == 8;
template <class T>
concept Identifier = requires(T t) { t.value; } && sizeof(T) == 8;
template <class T>
concept FixedBytes = requires { T::byte_count; };

std::string camel(std::string_view snake);

// The schema's fields in the order in which T::fields visits them; an arm of a choice by its name.
struct Fields {
  capnp::StructSchema schema;
  std::vector<capnp::StructSchema::Field> plain;  // one per mirror field
  std::vector<capnp::StructSchema::Field> arms;   // one per alternative of the choice
};

class FieldCollector {
 public:
  explicit FieldCollector(Fields& out) : out_(out) {}
  template <class T>
  void operator()(const char* name, const T&, std::size_t = 0) {
    out_.plain.push_back(out_.schema.getFieldByName(camel(name)));
  }
  template <class... T>
  void choice(const std::variant<std::monostate, T...>&) {
    out_.arms.push_back(out_.schema.getFieldByName("unknown"));
    (out_.arms.push_back(out_.schema.getFieldByName(camel(T::name))), ...);
  }

 private:
  Fields& out_;
};

template <class T>
const Fields& fields_of(capnp::StructSchema schema) {
  static const Fields instance = [&] {
    Fields out{schema, {}, {}};
    T empty{};
    T::fields(empty, FieldCollector(out));
    return out;
  }();
  return instance;
}

}  // namespace weft::codec
