// The public interface over the engine: argument checks, and nothing else.
#include "transport/mesh.hpp"

#include <fmt/format.h>

#include <cstdlib>

#include "transport/mesh/engine.hpp"

namespace weft {

using transport::Call;
using transport::Kind;

bool Work::done() const { return !state_ || state_->finished(); }

Result<void> Work::wait() {
  if (!state_) return {};
  return state_->finished() ? state_->result() : state_->engine->wait(*state_);
}

Work::~Work() {
  if (!done()) (void)wait();
}

Work& Work::operator=(Work&& other) {
  if (this != &other) {
    if (!done()) (void)wait();
    state_ = std::move(other.state_);
  }
  return *this;
}

class Mesh::Impl {
 public:
  explicit Impl(std::unique_ptr<transport::Engine> given) : engine(std::move(given)) {}
  Work start(const Call& call, const void* in, void* out, bool blocking);
  std::unique_ptr<transport::Engine> engine;

 private:
  Result<void> check(const Call& call, const void* in, const void* out) const;
};

namespace {

bool overlap(const void* a, std::uint64_t a_bytes, const void* b, std::uint64_t b_bytes) {
  const auto x = reinterpret_cast<std::uintptr_t>(a), y = reinterpret_cast<std::uintptr_t>(b);
  return x < y + b_bytes && y < x + a_bytes;
}

Error argument(const Call& call, std::string_view what) {
  return {Code::op_argument, fmt::format("{}: {}", to_string(call), what)};
}

// What a call reads and writes on this rank, in bytes, and where `in` may be inside `out`.
struct Buffers {
  std::uint64_t in = 0, out = 0;
  bool can_be_in_place = false;
  std::int64_t in_place = 0;  // offset of `in` from `out`
};
Buffers buffers_of(const Call& call, std::uint32_t size, std::uint32_t rank) {
  const std::uint64_t one = call.count * size_of(call.type), all = size * one;
  const bool root = rank == call.root;
  const auto own = static_cast<std::int64_t>(rank * one);
  switch (call.kind) {
    case Kind::all_gather: return {one, all, true, own};
    case Kind::reduce_scatter: return {all, one, false, 0};
    case Kind::reduce: return {one, root ? one : 0, true, 0};
    case Kind::gather: return {one, root ? all : 0, true, own};
    case Kind::scatter: return {root ? all : 0, one, true, -own};
    case Kind::all_to_all: return {all, all, false, 0};
    default: return {one, one, true, 0};
  }
}

Work failed(const Error& error) {
  auto state = std::make_shared<Work::State>();
  state->error = error;
  state->phase = Work::State::Phase::failed;
  return Work(std::move(state));
}

}  // namespace

Result<void> Mesh::Impl::check(const Call& call, const void* in, const void* out) const {
  const auto size = engine->launch().size;
  if (call.type > DataType::boolean)
    return tl::make_unexpected(argument(call, "no such data type"));
  if (call.op > ReduceOp::avg) return tl::make_unexpected(argument(call, "no such reduction"));
  if (transport::reduces(call.kind) && call.type == DataType::boolean && call.op == ReduceOp::avg)
    return tl::make_unexpected(argument(call, "booleans have no average"));
  if (call.count > UINT64_MAX / 16 / size)
    return tl::make_unexpected(argument(call, "too many elements"));
  if (transport::has_root(call.kind) && call.root >= size)
    return tl::make_unexpected(argument(call, fmt::format("root must be below {}", size)));
  if (!transport::moves_data(call.kind) || call.count == 0) return {};
  const Buffers b = buffers_of(call, size, engine->launch().rank);
  if ((b.in > 0 && in == nullptr) || (b.out > 0 && out == nullptr))
    return tl::make_unexpected(argument(call, "a buffer is null"));
  const auto* allowed = static_cast<const std::byte*>(out) + b.in_place;
  const bool in_place = b.can_be_in_place && in == allowed;
  if (size > 1 && !in_place && call.kind != Kind::broadcast && overlap(in, b.in, out, b.out))
    return tl::make_unexpected(
        argument(call, b.can_be_in_place ? "in and out overlap; they may be in place or apart"
                                         : "in and out overlap; they must be apart"));
  return {};
}

Work Mesh::Impl::start(const Call& call, const void* in, void* out, bool blocking) {
  if (auto fine = check(call, in, out); !fine) return failed(fine.error());
  return Work(engine->start(call, in, out, blocking));
}

Result<std::unique_ptr<Mesh>> Mesh::join(const MeshOptions& options) {
  auto launch =
      transport::read_launch([](const char* name) -> const char* { return std::getenv(name); });
  if (!launch) return tl::make_unexpected(launch.error());
  auto engine = transport::Engine::join(*launch, options);
  if (!engine) return tl::make_unexpected(engine.error());
  return std::unique_ptr<Mesh>(new Mesh(std::make_unique<Impl>(std::move(*engine))));
}

Mesh::Mesh(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Mesh::~Mesh() = default;

std::uint32_t Mesh::rank() const { return impl_->engine->launch().rank; }
std::uint32_t Mesh::size() const { return impl_->engine->launch().size; }
std::uint32_t Mesh::generation() const { return impl_->engine->launch().generation; }

Result<void> Mesh::all_reduce(const void* in, void* out, std::size_t count, DataType type,
                              ReduceOp op) {
  return impl_->start({Kind::all_reduce, type, op, 0, count}, in, out, true).wait();
}
Result<void> Mesh::reduce_scatter(const void* in, void* out, std::size_t count, DataType type,
                                  ReduceOp op) {
  return impl_->start({Kind::reduce_scatter, type, op, 0, count}, in, out, true).wait();
}
Result<void> Mesh::all_gather(const void* in, void* out, std::size_t count, DataType type) {
  return impl_->start({Kind::all_gather, type, {}, 0, count}, in, out, true).wait();
}
Result<void> Mesh::broadcast(void* buffer, std::size_t count, DataType type, std::uint32_t root) {
  return impl_->start({Kind::broadcast, type, {}, root, count}, buffer, buffer, true).wait();
}
Result<void> Mesh::reduce(const void* in, void* out, std::size_t count, DataType type, ReduceOp op,
                          std::uint32_t root) {
  return impl_->start({Kind::reduce, type, op, root, count}, in, out, true).wait();
}
Result<void> Mesh::gather(const void* in, void* out, std::size_t count, DataType type,
                          std::uint32_t root) {
  return impl_->start({Kind::gather, type, {}, root, count}, in, out, true).wait();
}
Result<void> Mesh::scatter(const void* in, void* out, std::size_t count, DataType type,
                           std::uint32_t root) {
  return impl_->start({Kind::scatter, type, {}, root, count}, in, out, true).wait();
}
Result<void> Mesh::all_to_all(const void* in, void* out, std::size_t count, DataType type) {
  return impl_->start({Kind::all_to_all, type, {}, 0, count}, in, out, true).wait();
}
Result<void> Mesh::barrier() {
  return impl_->start({.kind = Kind::barrier}, nullptr, nullptr, true).wait();
}

Work Mesh::start_all_reduce(const void* in, void* out, std::size_t count, DataType type,
                            ReduceOp op) {
  return impl_->start({Kind::all_reduce, type, op, 0, count}, in, out, false);
}
Work Mesh::start_reduce_scatter(const void* in, void* out, std::size_t count, DataType type,
                                ReduceOp op) {
  return impl_->start({Kind::reduce_scatter, type, op, 0, count}, in, out, false);
}
Work Mesh::start_all_gather(const void* in, void* out, std::size_t count, DataType type) {
  return impl_->start({Kind::all_gather, type, {}, 0, count}, in, out, false);
}
Work Mesh::start_broadcast(void* buffer, std::size_t count, DataType type, std::uint32_t root) {
  return impl_->start({Kind::broadcast, type, {}, root, count}, buffer, buffer, false);
}
Work Mesh::start_reduce(const void* in, void* out, std::size_t count, DataType type, ReduceOp op,
                        std::uint32_t root) {
  return impl_->start({Kind::reduce, type, op, root, count}, in, out, false);
}
Work Mesh::start_gather(const void* in, void* out, std::size_t count, DataType type,
                        std::uint32_t root) {
  return impl_->start({Kind::gather, type, {}, root, count}, in, out, false);
}
Work Mesh::start_scatter(const void* in, void* out, std::size_t count, DataType type,
                         std::uint32_t root) {
  return impl_->start({Kind::scatter, type, {}, root, count}, in, out, false);
}
Work Mesh::start_all_to_all(const void* in, void* out, std::size_t count, DataType type) {
  return impl_->start({Kind::all_to_all, type, {}, 0, count}, in, out, false);
}
Work Mesh::start_barrier() {
  return impl_->start({.kind = Kind::barrier}, nullptr, nullptr, false);
}

void Mesh::report_progress(std::uint64_t step, std::string_view text) {
  impl_->engine->report_progress(step, text);
}
Blame Mesh::last_failure() const { return impl_->engine->last_failure(); }
MeshCounters Mesh::counters() const { return impl_->engine->counters(); }
std::string Mesh::path_to(std::uint32_t rank) const { return impl_->engine->path_to(rank); }
Result<void> Mesh::leave() { return impl_->engine->leave(); }

}  // namespace weft
