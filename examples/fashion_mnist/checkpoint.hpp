// The state of a run at a step boundary, on disk. Written aside, synced, renamed, and the folder
// synced: a file under its final name is whole, whenever the machine dies. The newest two are kept.
// Errors: os.error, state.dir. Thread: any, one writer a folder.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace fashion {

struct State {
  std::uint64_t settings =
      0;  // digest of everything that shapes the run: another run's file is refused
  std::uint64_t step = 0;  // steps done
  std::vector<float> weights, velocity;
};

weft::Result<void> write_checkpoint(const std::string& folder, const State& state);
// The newest file that is whole and was made with `settings`; nothing: none. Files that are skipped
// are told on standard error.
std::optional<State> newest_checkpoint(const std::string& folder, std::uint64_t settings,
                                       std::size_t weight_count);

}  // namespace fashion
