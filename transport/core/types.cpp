#include "transport/core/types.hpp"

#include <array>

namespace weft::transport {
namespace {
constexpr std::array kind_names{"all_reduce", "reduce_scatter", "all_gather", "broadcast",
                                "barrier",    "join",           "leave",      "reduce",
                                "gather",     "scatter",        "all_to_all"};
constexpr std::array type_names{"f32", "f64", "i32", "i64", "f16", "bf16", "i8", "u8", "boolean"};
constexpr std::array op_names{"sum", "prod", "min", "max", "avg"};

// Calls also come from the wire, where a number may be out of range.
template <std::size_t N>
std::string name(const std::array<const char*, N>& names, std::size_t index) {
  return index < N ? names[index] : "unknown(" + std::to_string(index) + ")";
}
}  // namespace

std::string to_string(const Call& call) {
  std::string text = name(kind_names, static_cast<std::size_t>(call.kind));
  if (!moves_data(call.kind)) return text;
  text += " of " + std::to_string(call.count) + " " +
          name(type_names, static_cast<std::size_t>(call.type));
  if (reduces(call.kind)) text += ", " + name(op_names, static_cast<std::size_t>(call.op));
  const bool outwards = call.kind == Kind::broadcast || call.kind == Kind::scatter;
  if (has_root(call.kind))
    text += (outwards ? " from rank " : " to rank ") + std::to_string(call.root);
  return text;
}

}  // namespace weft::transport
