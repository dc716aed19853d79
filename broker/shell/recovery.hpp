// From the store back to the state that it describes: the newest snapshot that is whole and gives
// the state whose digest it carries, then every record after it, each checked against the chain.
// Decides nothing: facts are applied as they stand. Thread: the caller's.
// Errors: journal.corrupt (names the seq), journal.io.
#pragma once
#include "broker/core/core.hpp"
#include "broker/shell/lease_index.hpp"
#include "broker/shell/store.hpp"

namespace weft::broker {

struct Recovered {
  Core core;
  LeaseIndex leases;
  Seq last, snapshot;
  std::uint64_t replayed = 0;
};
Result<Recovered> recover(Store& store, const CoreConfig& config);

}  // namespace weft::broker
