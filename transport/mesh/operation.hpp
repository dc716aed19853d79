// One operation from start to end: what a Work points to. States are pooled by the engine.
#pragma once
#include <atomic>
#include <memory>
#include <string>

#include "transport/mesh.hpp"

namespace weft::transport {
class Engine;
}

namespace weft {

struct Work::State {
  enum class Phase : std::uint8_t { pending, done, failed };

  transport::Call call;
  const void* in = nullptr;
  void* out = nullptr;
  transport::Engine* engine = nullptr;  // not used once finished: the mesh may be gone
  Error error;                          // of a failed one; written before the phase is
  std::atomic<Phase> phase{Phase::done};

  [[nodiscard]] bool finished() const {
    return phase.load(std::memory_order_acquire) != Phase::pending;
  }
  [[nodiscard]] Result<void> result() const {
    if (phase.load(std::memory_order_acquire) == Phase::failed) return tl::make_unexpected(error);
    return {};
  }
};

}  // namespace weft

namespace weft::transport {
using Operation = std::shared_ptr<Work::State>;
}
