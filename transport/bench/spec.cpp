#include "transport/bench/spec.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace weft::transport::bench {
namespace {

constexpr std::array<std::string_view, operations> operation_names{
    "all_reduce", "all_gather", "reduce_scatter", "broadcast",
    "reduce",     "alltoall",   "gather",         "scatter"};
constexpr std::array<std::pair<std::string_view, DataType>, 9> type_names{
    {{"int8", DataType::i8},
     {"uint8", DataType::u8},
     {"int32", DataType::i32},
     {"int64", DataType::i64},
     {"half", DataType::f16},
     {"float", DataType::f32},
     {"double", DataType::f64},
     {"bfloat16", DataType::bf16},
     {"bool", DataType::boolean}}};
constexpr std::array<std::string_view, 5> reduction_names{"sum", "prod", "min", "max", "avg"};
constexpr std::uint64_t bytes_most = std::uint64_t{1} << 40;

std::string list_of(const auto& names) {
  std::string out;
  for (const auto& name : names) out += (out.empty() ? "" : ", ") + std::string(name);
  return out;
}

template <class T>
bool whole(std::string_view text, T& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc{} && end == text.data() + text.size();
}

}  // namespace

std::string_view to_string(Operation operation) {
  return operation_names[static_cast<std::size_t>(operation)];
}
std::string_view to_string(DataType type) {
  for (const auto& [name, t] : type_names)
    if (t == type) return name;
  return "?";
}
std::string_view to_string(ReduceOp op) { return reduction_names[static_cast<std::size_t>(op)]; }

Result<Operation> parse_operation(std::string_view text) {
  std::string plain(text);
  std::erase(plain, '_');
  for (std::size_t i = 0; i < operations; ++i) {
    std::string name(operation_names[i]);
    std::erase(name, '_');
    if (plain == name) return static_cast<Operation>(i);
  }
  return fail(Code::usage, fmt::format("'{}' is no collective; {}", text.substr(0, 40),
                                       list_of(operation_names)));
}

Result<std::vector<DataType>> parse_types(std::string_view text) {
  std::vector<DataType> out;
  for (const auto& [name, type] : type_names)
    if (text == "all" || text == name) out.push_back(type);
  if (!out.empty()) return out;
  return fail(Code::usage,
              fmt::format("'{}' is no data type; int8, uint8, int32, int64, half, float, double, "
                          "bfloat16, bool or all",
                          text.substr(0, 40)));
}

Result<std::vector<ReduceOp>> parse_reductions(std::string_view text) {
  std::vector<ReduceOp> out;
  for (std::size_t i = 0; i < reduction_names.size(); ++i)
    if (text == "all" || text == reduction_names[i]) out.push_back(static_cast<ReduceOp>(i));
  if (!out.empty()) return out;
  return fail(Code::usage, fmt::format("'{}' is no reduction; {} or all", text.substr(0, 40),
                                       list_of(reduction_names)));
}

Result<std::uint64_t> parse_bytes(std::string_view text) {
  std::uint64_t unit = 1, value = 0;
  std::string_view digits = text;
  if (!digits.empty()) {
    const std::size_t which = std::string_view("kKmMgG").find(digits.back());
    if (which != std::string_view::npos) {
      unit = std::uint64_t{1} << (10 * (which / 2 + 1));
      digits.remove_suffix(1);
    }
  }
  if (!whole(digits, value))
    return fail(Code::usage,
                fmt::format("'{}' is no size; write e.g. 8, 64K, 32M or 1G", text.substr(0, 40)));
  if (value > bytes_most / unit)
    return fail(Code::usage, fmt::format("'{}' is more than 1024G", text.substr(0, 40)));
  return value * unit;
}

Result<void> check(const Spec& s) {
  if (s.bytes_min > s.bytes_max)
    return fail(Code::usage, fmt::format("-b {} is more than -e {}", s.bytes_min, s.bytes_max));
  if (s.factor == 1) return fail(Code::usage, "-f 1 never gets to the last size; 2 or more");
  if (s.factor == 0 && s.step_bytes == 0 && s.bytes_min != s.bytes_max)
    return fail(Code::usage, "-i 0 never gets to the last size");
  if (sizes_of(s).size() > 10'000)
    return fail(Code::usage, "more than 10000 sizes; -f 2, or a larger -i");
  const bool only_avg = s.reductions == std::vector{ReduceOp::avg};
  if (reduces(s.operation) && only_avg && s.types == std::vector{DataType::boolean})
    return fail(Code::usage, "booleans have no average");
  return {};
}

std::vector<std::uint64_t> sizes_of(const Spec& s) {
  std::vector<std::uint64_t> out;
  for (std::uint64_t bytes = s.bytes_min; bytes <= s.bytes_max && out.size() <= 10'000;) {
    out.push_back(bytes);
    const std::uint64_t next =
        s.factor > 1 ? std::max<std::uint64_t>(bytes, 1) * s.factor : bytes + s.step_bytes;
    if (next <= bytes) break;
    bytes = next;
  }
  return out;
}

Shape shape_of(Operation operation, std::uint64_t bytes, DataType type, std::uint32_t ranks) {
  const std::uint64_t element = size_of(type);
  const bool blocks = operation == Operation::all_gather ||
                      operation == Operation::reduce_scatter || operation == Operation::alltoall ||
                      operation == Operation::gather || operation == Operation::scatter;
  if (!blocks) return {bytes / element * element, bytes / element};
  const std::uint64_t block = bytes / ranks / 16 * 16;
  return {block * ranks, block / element};
}

double bus_factor(Operation operation, std::uint32_t ranks) {
  const double n = ranks;
  switch (operation) {
    case Operation::all_reduce: return 2 * (n - 1) / n;
    case Operation::broadcast:
    case Operation::reduce: return 1;
    default: return (n - 1) / n;
  }
}

std::vector<std::string> words_of(const Spec& s) {
  std::vector<std::string> out;
  const auto add = [&](std::string_view name, auto value) {
    out.push_back(fmt::format("{}={}", name, value));
  };
  add("operation", to_string(s.operation));
  add("min", s.bytes_min);
  add("max", s.bytes_max);
  add("step", s.step_bytes);
  add("factor", s.factor);
  add("iterations", s.iterations);
  add("warmup", s.warmup);
  add("aggregated", s.aggregated);
  add("checks", s.checks);
  for (const ReduceOp op : s.reductions) add("reduction", to_string(op));
  for (const DataType type : s.types) add("type", to_string(type));
  add("root", s.root);
  add("average", s.average);
  add("per_iteration", s.per_iteration ? 1 : 0);
  add("plant_wrong", s.plant_wrong ? 1 : 0);
  return out;
}

Result<Spec> spec_of(const std::vector<std::string>& words) {
  Spec s;
  s.reductions.clear();
  s.types.clear();
  const auto wrong = [](const std::string& word) {
    return fail(Code::usage, fmt::format("'{}' is not understood", word.substr(0, 80)));
  };
  for (const std::string& word : words) {
    const std::size_t equals = word.find('=');
    if (equals == std::string::npos) return wrong(word);
    const std::string_view name = std::string_view(word).substr(0, equals);
    const std::string_view value = std::string_view(word).substr(equals + 1);
    bool good = true;
    std::uint32_t flag = 0;
    if (name == "operation") {
      const auto operation = parse_operation(value);
      good = operation.has_value();
      if (good) s.operation = *operation;
    } else if (name == "type" || name == "reduction") {
      const auto types = name == "type" ? parse_types(value) : std::vector<DataType>{};
      const auto ops = name == "type" ? std::vector<ReduceOp>{} : parse_reductions(value);
      good = types && ops;
      if (good) s.types.insert(s.types.end(), types->begin(), types->end());
      if (good) s.reductions.insert(s.reductions.end(), ops->begin(), ops->end());
    } else if (name == "min") {
      good = whole(value, s.bytes_min);
    } else if (name == "max") {
      good = whole(value, s.bytes_max);
    } else if (name == "step") {
      good = whole(value, s.step_bytes);
    } else if (name == "factor") {
      good = whole(value, s.factor);
    } else if (name == "iterations") {
      good = whole(value, s.iterations);
    } else if (name == "warmup") {
      good = whole(value, s.warmup);
    } else if (name == "aggregated") {
      good = whole(value, s.aggregated) && s.aggregated > 0;
    } else if (name == "checks") {
      good = whole(value, s.checks);
    } else if (name == "root") {
      good = whole(value, s.root);
    } else if (name == "average") {
      good = whole(value, s.average) && s.average <= 3;
    } else if (name == "per_iteration" || name == "plant_wrong") {
      good = whole(value, flag);
      (name == "per_iteration" ? s.per_iteration : s.plant_wrong) = flag != 0;
    } else {
      good = false;
    }
    if (!good) return wrong(word);
  }
  if (s.types.empty() || s.reductions.empty()) return wrong("no type or no reduction");
  if (auto fine = check(s); !fine) return tl::make_unexpected(fine.error());
  return s;
}

}  // namespace weft::transport::bench
