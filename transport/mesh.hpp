// The public interface of a rank: join the mesh of its job, run collectives on host buffers, report
// progress, leave. All ranks of a job call the same operations in the same order.
//
// A rank's environment (set by its worker): RANK, WORLD_SIZE, LOCAL_RANK, LOCAL_WORLD_SIZE,
// WEFT_WORKER (unix socket), WEFT_ATTEMPT, WEFT_GENERATION, WEFT_RANK_HOSTS. Without WEFT_WORKER
// and with WORLD_SIZE unset or 1 the mesh has one rank and needs nothing.
//
// Shapes: `count` is in elements. all_reduce: count in, count out. all_gather: count in,
// size()*count out, in rank order. reduce_scatter: size()*count in, count out (rank r gets the r-th
// block). reduce: count in, count out on root. gather: count in, size()*count out on root. scatter:
// size()*count in on root, count out. all_to_all: size()*count in and out, block r of `in` goes to
// rank r. Buffers that only the root has may be null elsewhere. In place: `in == out` for
// all_reduce and reduce; for all_gather and gather `in` is the r-th block of `out`, for scatter
// `out` is the r-th block of `in`; the others have their buffers apart. Numerics: all ranks get the
// same bits; the same ranks, size and type give the same bits in every run. avg is sum, then one
// multiplication by 1/size() (integers: truncated division). f16 and bf16 are summed in f32 and
// rounded at each step of the schedule. Integers wrap; booleans: sum and max are "or", prod and min
// are "and", avg is refused. Errors: peer.exit, peer.killed, peer.left, peer.unreachable,
// node.silent (with rank, node and cause in the detail and in last_failure()), op.timeout,
// op.mismatch, op.argument, mesh.aborted. After the first failure every pending and later operation
// fails with the same record. Threads: any thread may start operations, one at a time per mesh;
// Work may be waited for on another. Memory: nothing is allocated per operation after the first of
// its kind.
#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "schemas/state.hpp"
#include "transport/core/types.hpp"  // DataType, ReduceOp, size_of

namespace weft {

// A started operation. Buffers must stay valid until it is done. Destroying an unfinished Work
// waits. A Work may outlive its mesh: leaving finishes all that was started.
class Work {
 public:
  struct State;
  Work() = default;
  explicit Work(std::shared_ptr<State> state) : state_(std::move(state)) {}
  Work(Work&&) = default;
  Work& operator=(Work&& other);
  ~Work();
  [[nodiscard]] bool done() const;
  [[nodiscard]] Result<void> wait();

 private:
  std::shared_ptr<State> state_;
};

// What a mesh has seen, for tests and for the curious.
struct MeshCounters {
  std::uint64_t operations = 0;      // completed
  std::uint64_t stale_messages = 0;  // of another attempt or generation, dropped
  std::uint64_t late_messages = 0;   // of an operation that was over, dropped
};

struct MeshOptions {
  std::chrono::milliseconds join_timeout{60'000};
  std::chrono::milliseconds operation_timeout{1'800'000};
};

class Mesh {
 public:
  // Reads the environment, says hello to the worker, exchanges endpoints with the other ranks.
  static Result<std::unique_ptr<Mesh>> join(const MeshOptions& options = {});
  ~Mesh();  // leaves
  Mesh(const Mesh&) = delete;
  Mesh& operator=(const Mesh&) = delete;

  [[nodiscard]] std::uint32_t rank() const;
  [[nodiscard]] std::uint32_t size() const;
  [[nodiscard]] std::uint32_t generation() const;

  [[nodiscard]] Result<void> all_reduce(const void* in, void* out, std::size_t count, DataType type,
                                        ReduceOp op);
  [[nodiscard]] Result<void> reduce_scatter(const void* in, void* out, std::size_t count,
                                            DataType type, ReduceOp op);
  [[nodiscard]] Result<void> all_gather(const void* in, void* out, std::size_t count,
                                        DataType type);
  [[nodiscard]] Result<void> broadcast(void* buffer, std::size_t count, DataType type,
                                       std::uint32_t root);
  [[nodiscard]] Result<void> reduce(const void* in, void* out, std::size_t count, DataType type,
                                    ReduceOp op, std::uint32_t root);
  [[nodiscard]] Result<void> gather(const void* in, void* out, std::size_t count, DataType type,
                                    std::uint32_t root);
  [[nodiscard]] Result<void> scatter(const void* in, void* out, std::size_t count, DataType type,
                                     std::uint32_t root);
  [[nodiscard]] Result<void> all_to_all(const void* in, void* out, std::size_t count,
                                        DataType type);
  [[nodiscard]] Result<void> barrier();

  // The same, started: returns at once. Operations run in the order in which they were started.
  [[nodiscard]] Work start_all_reduce(const void* in, void* out, std::size_t count, DataType type,
                                      ReduceOp op);
  [[nodiscard]] Work start_reduce_scatter(const void* in, void* out, std::size_t count,
                                          DataType type, ReduceOp op);
  [[nodiscard]] Work start_all_gather(const void* in, void* out, std::size_t count, DataType type);
  [[nodiscard]] Work start_broadcast(void* buffer, std::size_t count, DataType type,
                                     std::uint32_t root);
  [[nodiscard]] Work start_reduce(const void* in, void* out, std::size_t count, DataType type,
                                  ReduceOp op, std::uint32_t root);
  [[nodiscard]] Work start_gather(const void* in, void* out, std::size_t count, DataType type,
                                  std::uint32_t root);
  [[nodiscard]] Work start_scatter(const void* in, void* out, std::size_t count, DataType type,
                                   std::uint32_t root);
  [[nodiscard]] Work start_all_to_all(const void* in, void* out, std::size_t count, DataType type);
  [[nodiscard]] Work start_barrier();

  // Shown by `weft show`; at most ten a second are sent, the newest wins.
  void report_progress(std::uint64_t step, std::string_view text);
  // Who broke the mesh; code none while it is whole.
  [[nodiscard]] Blame last_failure() const;
  [[nodiscard]] MeshCounters counters() const;
  // How this rank reaches another, in UCX's words (for logs and tests); empty while not connected.
  [[nodiscard]] std::string path_to(std::uint32_t rank) const;
  // Waits until all started operations are done everywhere, then closes. Idempotent.
  Result<void> leave();

 private:
  class Impl;
  explicit Mesh(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace weft
