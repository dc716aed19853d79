// Any mirror struct as JSON (for `-o json` and golden files): names as in the struct, ids and
// amounts as numbers, times in milliseconds, keys and blobs in hexadecimal, enums as words. A heavy
// header: include it in one .cpp of a program.
#pragma once
#include <nlohmann/json.hpp>
#include <variant>

#include "schemas/envelope.hpp"

namespace weft {

using Json = nlohmann::ordered_json;

class JsonVisitor {
 public:
  explicit JsonVisitor(Json& out) : out_(out) {}
  template <class T>
  void operator()(const char* name, const T& value, std::size_t = 0) {
    out_[name] = of(value);
  }
  template <class... T>
  void choice(const std::variant<std::monostate, T...>& value) {
    std::visit(
        [this](const auto& arm) {
          using A = std::decay_t<decltype(arm)>;
          if constexpr (!std::is_same_v<A, std::monostate>) out_[A::name] = of(arm);
        },
        value);
  }
  template <class T>
  static Json of(const T& v) {
    if constexpr (std::is_same_v<T, Code>)
      return std::string(to_string(v));
    else if constexpr (std::is_enum_v<T>)
      return std::string(to_string(v));
    else if constexpr (std::is_integral_v<T> || std::is_same_v<T, std::string>)
      return v;
    else if constexpr (requires { v.ms; })
      return v.ms;
    else if constexpr (requires { v.micros; })
      return v.micros;
    else if constexpr (std::is_same_v<T, std::vector<std::uint8_t>>)
      return to_hex(v.data(), v.size());
    else if constexpr (requires { T::byte_count; })
      return to_hex(v);
    else if constexpr (requires { v.begin(); }) {
      Json list = Json::array();
      for (const auto& item : v) list.push_back(of(item));
      return list;
    } else if constexpr (requires(JsonVisitor j) { T::fields(v, j); }) {
      Json object = Json::object();
      T::fields(v, JsonVisitor(object));
      return object;
    } else {
      return v.value;
    }
  }

 private:
  Json& out_;
};

template <class T>
Json to_json(const T& value) {
  return JsonVisitor::of(value);
}

}  // namespace weft
