#include "transport/bench/sweep.hpp"

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

#include "transport/bench/values.hpp"

namespace weft::transport::bench {
namespace {

using Json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

constexpr std::size_t device_bytes = 256;

// Touched before the first operation, so that none pays for its pages.
class Memory {
 public:
  explicit Memory(std::size_t bytes) : bytes_(std::max<std::size_t>(bytes, 1)) {
    data_ = ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (data_ == MAP_FAILED) data_ = nullptr;
  }
  ~Memory() {
    if (data_ != nullptr) ::munmap(data_, bytes_);
  }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  std::byte* get() const { return static_cast<std::byte*>(data_); }

 private:
  std::size_t bytes_;
  void* data_ = nullptr;
};

std::string cpu_model() {
  std::ifstream in("/proc/cpuinfo");
  for (std::string line; std::getline(in, line);)
    if (line.starts_with("model name"))
      return line.substr(std::min(line.find(':') + 2, line.size()));
  return "cpu";
}

class Sweep {
 public:
  Sweep(Mesh& mesh, const Spec& spec, const std::function<void(const std::string&)>& tell)
      : mesh_(mesh),
        spec_(spec),
        tell_(tell),
        bytes_(spec.bytes_max + 16 * std::size_t{mesh.size()}),
        in_(bytes_),
        out_(bytes_) {}

  Result<std::uint64_t> run();

 private:
  struct Times {
    double mean_us = 0;
    std::vector<double> each_us;
  };
  struct Column {
    Times times;
    std::uint64_t wrong = 0;
    bool checked = false;
    std::string first_wrong;
  };
  Result<void> head();
  Result<void> warm_up();
  Result<void> row(std::uint64_t bytes, DataType type, ReduceOp op);
  Result<Column> column(const Case& c, const Shape& shape, bool in_place);
  Result<Times> time(const Case& c, const Shape& shape, bool in_place);
  Result<void> check(const Case& c, bool in_place, Column& out);
  Result<void> once(const Case& c, bool in_place, std::size_t offset);
  Result<double> over_ranks(double value, std::uint32_t average);
  std::byte* result_of(const Case& c, bool in_place, std::size_t offset) const;
  Json json_of(const Column& column, const Shape& shape) const;

  Mesh& mesh_;
  const Spec& spec_;
  const std::function<void(const std::string&)>& tell_;
  std::size_t bytes_;
  Memory in_, out_;
  std::uint64_t wrong_ = 0;
};

Result<void> Sweep::head() {
  std::array<char, device_bytes> own{};
  char host[128] = "";
  (void)::gethostname(host, sizeof host - 1);
  fmt::format_to_n(own.data(), own.size() - 1, "{} {} {}", ::getpid(), host, cpu_model());
  std::vector<char> all(device_bytes * mesh_.size());
  if (auto got = mesh_.all_gather(own.data(), all.data(), device_bytes, DataType::i8); !got)
    return got;
  if (mesh_.rank() != 0) return {};
  Json head{{"kind", "head"}, {"ranks", mesh_.size()}, {"devices", Json::array()}};
  for (std::uint32_t rank = 0; rank < mesh_.size(); ++rank) {
    const std::string text(all.data() + rank * device_bytes);
    const auto first = text.find(' '), second = text.find(' ', first + 1);
    head["devices"].push_back({{"rank", rank},
                               {"pid", std::stol(text.substr(0, first))},
                               {"host", text.substr(first + 1, second - first - 1)},
                               {"info", text.substr(second + 1)}});
  }
  tell_(head.dump(-1, ' ', false, Json::error_handler_t::replace));
  return {};
}

// Through all sizes, doubling: connections, pools and algorithms are met once before any is timed.
Result<void> Sweep::warm_up() {
  const DataType type = spec_.types.front();
  for (std::uint64_t bytes = std::max<std::uint64_t>(spec_.bytes_min, 1);;) {
    const Shape shape = shape_of(spec_.operation, bytes, type, mesh_.size());
    const Case c{spec_.operation, type,      spec_.reductions.front(), shape.count, mesh_.rank(),
                 mesh_.size(),    spec_.root};
    for (std::uint32_t i = 0; i < spec_.warmup; ++i)
      if (auto done = once(c, false, 0); !done) return done;
    if (bytes >= spec_.bytes_max) return {};
    bytes = std::min(2 * bytes, spec_.bytes_max);
  }
}

// Where the operation leaves its result on this rank.
std::byte* Sweep::result_of(const Case& c, bool in_place, std::size_t offset) const {
  const bool root = c.rank == c.root;
  const std::size_t own = c.rank * c.count * size_of(c.type);
  if (c.operation == Operation::broadcast)
    return (root && !in_place ? in_.get() : out_.get()) + offset;
  if (in_place && c.operation == Operation::scatter && root) return in_.get() + offset + own;
  return out_.get() + offset;
}

Result<void> Sweep::once(const Case& c, bool in_place, std::size_t offset) {
  const std::size_t own = c.rank * c.count * size_of(c.type);
  const bool root = c.rank == c.root;
  std::byte *in = in_.get() + offset, *out = out_.get() + offset;
  switch (c.operation) {
    case Operation::all_reduce:
      return mesh_.all_reduce(in_place ? out : in, out, c.count, c.type, c.op);
    case Operation::all_gather:
      return mesh_.all_gather(in_place ? out + own : in, out, c.count, c.type);
    case Operation::reduce_scatter: return mesh_.reduce_scatter(in, out, c.count, c.type, c.op);
    case Operation::broadcast:
      return mesh_.broadcast(root && !in_place ? in : out, c.count, c.type, c.root);
    case Operation::reduce:
      return mesh_.reduce(in_place && root ? out : in, out, c.count, c.type, c.op, c.root);
    case Operation::alltoall: return mesh_.all_to_all(in, out, c.count, c.type);
    case Operation::gather:
      return mesh_.gather(in_place && root ? out + own : in, out, c.count, c.type, c.root);
    case Operation::scatter:
      return mesh_.scatter(in, in_place && root ? in + own : out, c.count, c.type, c.root);
  }
  return {};
}

// 0 of rank 0, 1 mean, 2 least, 3 most.
Result<double> Sweep::over_ranks(double value, std::uint32_t average) {
  double out = value;
  if (average == 0) {
    if (auto sent = mesh_.broadcast(&out, 1, DataType::f64, 0); !sent)
      return tl::make_unexpected(sent.error());
    return out;
  }
  const ReduceOp op = average == 1 ? ReduceOp::avg : average == 2 ? ReduceOp::min : ReduceOp::max;
  if (auto summed = mesh_.all_reduce(&value, &out, 1, DataType::f64, op); !summed)
    return tl::make_unexpected(summed.error());
  return out;
}

// As nccl-tests: the buffers are walked through, so that small messages are not always the same
// cache lines; one clock around all iterations, or one around each.
Result<Sweep::Times> Sweep::time(const Case& c, const Shape& shape, bool in_place) {
  const std::size_t step = std::max<std::size_t>((shape.bytes + 63) / 64 * 64, 64);
  const std::size_t places = std::max<std::size_t>(spec_.bytes_max / step, 1);
  std::size_t place = 0;
  const auto next = [&] { return shape.bytes == 0 ? 0 : step * (place++ % places); };
  for (std::uint32_t i = 0; i < spec_.warmup; ++i)
    if (auto done = once(c, in_place, next()); !done) return tl::make_unexpected(done.error());
  if (auto met = mesh_.barrier(); !met) return tl::make_unexpected(met.error());
  Times out;
  const auto us = [](Clock::duration d) {
    return std::chrono::duration<double, std::micro>(d).count();
  };
  const auto begin = Clock::now();
  for (std::uint32_t i = 0; i < spec_.iterations; ++i) {
    const auto at = Clock::now();
    for (std::uint32_t k = 0; k < spec_.aggregated; ++k)
      if (auto done = once(c, in_place, next()); !done) return tl::make_unexpected(done.error());
    if (spec_.per_iteration) out.each_us.push_back(us(Clock::now() - at) / spec_.aggregated);
  }
  const double calls = std::max<double>(1.0 * spec_.iterations * spec_.aggregated, 1);
  auto mean = over_ranks(us(Clock::now() - begin) / calls, spec_.average);
  if (!mean) return tl::make_unexpected(mean.error());
  out.mean_us = *mean;
  if (!out.each_us.empty()) {  // each iteration took as long as on its slowest rank
    std::vector<double> most(out.each_us.size());
    if (auto met = mesh_.all_reduce(out.each_us.data(), most.data(), most.size(), DataType::f64,
                                    ReduceOp::max);
        !met)
      return tl::make_unexpected(met.error());
    out.each_us = std::move(most);
  }
  return out;
}

Result<void> Sweep::check(const Case& c, bool in_place, Column& out) {
  const std::size_t element = size_of(c.type);
  for (std::uint32_t i = 0; i < spec_.checks; ++i) {
    std::memset(out_.get(), 0x5a, c.count * element * (out_elements(c) > c.count ? c.ranks : 1));
    const bool root = c.rank == c.root;
    const bool at_root = c.operation == Operation::reduce || c.operation == Operation::gather;
    std::byte* in = in_.get();
    if (in_place && c.operation != Operation::scatter && (root || !at_root) &&
        (c.operation != Operation::broadcast || root)) {
      const bool block = c.operation == Operation::all_gather || c.operation == Operation::gather;
      in = out_.get() + (block ? c.rank * c.count * element : 0);
    }
    fill_in(c, in);
    if (auto done = once(c, in_place, 0); !done) return done;
    std::byte* result = result_of(c, in_place, 0);
    if (spec_.plant_wrong && c.rank + 1 == c.ranks) plant(c, result);
    const Wrong wrong = compare_out(c, result);
    if (wrong.elements > 0 && out.wrong == 0)
      out.first_wrong = fmt::format("rank {} element {}: {} where {} was expected", c.rank,
                                    wrong.index, wrong.got, wrong.expected);
    out.wrong += wrong.elements;
  }
  out.checked = spec_.checks > 0;
  std::int64_t mine = static_cast<std::int64_t>(out.wrong), all = 0;
  if (auto met = mesh_.all_reduce(&mine, &all, 1, DataType::i64, ReduceOp::sum); !met) return met;
  out.wrong = static_cast<std::uint64_t>(all);
  if (all == 0) return {};
  std::array<char, device_bytes> own{};  // rank 0 tells the first one that there is
  fmt::format_to_n(own.data(), own.size() - 1, "{}", out.first_wrong);
  std::vector<char> each(device_bytes * mesh_.size());
  if (auto met = mesh_.all_gather(own.data(), each.data(), device_bytes, DataType::i8); !met)
    return met;
  out.first_wrong.clear();
  for (std::uint32_t r = 0; r < mesh_.size() && out.first_wrong.empty(); ++r)
    out.first_wrong = each.data() + r * device_bytes;
  return {};
}

Result<Sweep::Column> Sweep::column(const Case& c, const Shape& shape, bool in_place) {
  Column out;
  auto times = time(c, shape, in_place);
  if (!times) return tl::make_unexpected(times.error());
  out.times = std::move(*times);
  // These have no in-place form of ours: timed once more as they are, and not checked twice.
  const bool apart = c.operation == Operation::alltoall || c.operation == Operation::reduce_scatter;
  if (in_place && apart) return out;
  if (auto checked = check(c, in_place, out); !checked) return tl::make_unexpected(checked.error());
  wrong_ += out.wrong;
  return out;
}

Json Sweep::json_of(const Column& column, const Shape& shape) const {
  const double seconds = column.times.mean_us / 1e6;
  const double algorithm = seconds > 0 ? static_cast<double>(shape.bytes) / 1e9 / seconds : 0;
  Json out{{"time_us", column.times.mean_us},
           {"algbw", algorithm},
           {"busbw", algorithm * bus_factor(spec_.operation, mesh_.size())}};
  out["wrong"] = column.checked ? Json(column.wrong) : Json(nullptr);
  if (!column.first_wrong.empty()) out["first_wrong"] = column.first_wrong;
  if (!column.times.each_us.empty()) out["each_us"] = column.times.each_us;
  return out;
}

Result<void> Sweep::row(std::uint64_t bytes, DataType type, ReduceOp op) {
  const Shape shape = shape_of(spec_.operation, bytes, type, mesh_.size());
  const Case c{spec_.operation, type, op, shape.count, mesh_.rank(), mesh_.size(), spec_.root};
  auto apart = column(c, shape, false);
  if (!apart) return tl::make_unexpected(apart.error());
  auto in_place = column(c, shape, true);
  if (!in_place) return tl::make_unexpected(in_place.error());
  if (mesh_.rank() != 0) return {};
  Json out{{"kind", "row"},
           {"size", shape.bytes},
           {"count", shape.count},
           {"type", to_string(type)},
           {"redop", reduces(spec_.operation) ? to_string(op) : "none"},
           {"root", has_root(spec_.operation) ? static_cast<int>(spec_.root) : -1},
           {"out_of_place", json_of(*apart, shape)},
           {"in_place", json_of(*in_place, shape)}};
  tell_(out.dump());
  return {};
}

Result<std::uint64_t> Sweep::run() {
  if (in_.get() == nullptr || out_.get() == nullptr)
    return fail(Code::os_error, fmt::format("no memory for two buffers of {} bytes", bytes_));
  if (has_root(spec_.operation) && spec_.root >= mesh_.size())
    return fail(Code::usage, fmt::format("root {}: there are {} ranks", spec_.root, mesh_.size()));
  if (auto told = head(); !told) return tl::make_unexpected(told.error());
  if (auto warm = warm_up(); !warm) return tl::make_unexpected(warm.error());
  for (const DataType type : spec_.types)
    for (const ReduceOp op : spec_.reductions) {
      if (reduces(spec_.operation) && type == DataType::boolean && op == ReduceOp::avg) continue;
      if (!reduces(spec_.operation) && op != spec_.reductions.front()) continue;
      for (const std::uint64_t bytes : sizes_of(spec_))
        if (auto done = row(bytes, type, op); !done) return tl::make_unexpected(done.error());
    }
  return wrong_;
}

}  // namespace

Result<std::uint64_t> sweep(Mesh& mesh, const Spec& spec,
                            const std::function<void(const std::string&)>& tell) {
  return Sweep(mesh, spec, tell).run();
}

}  // namespace weft::transport::bench
