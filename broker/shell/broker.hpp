// The broker as a program: opens its state, recovers, leads, starts the gateways, serves, stops.
// State directory: control-plane files under DIR/broker, client keys under DIR/keys,
// DIR/connection.yaml for those who look for the broker. Thread: the main one.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "broker/core/core.hpp"
#include "broker/shell/driver_process.hpp"
#include "broker/shell/journal.hpp"

namespace weft::broker {

struct Settings {
  std::string state_dir;
  std::vector<std::string> listen_clients,
      listen_workers;  // ZeroMQ endpoints; port 0: any free one
  CoreConfig core;
  std::vector<KeyEntry> keys;      // enrolled when unknown
  DriverProcess::Settings driver;  // of core.ground's fabric
  Journal::Bounds batch;
  std::uint64_t snapshot_every = limits::snapshot_every_records;
  std::uint64_t gateway_memory_max = limits::gateway_memory_max;
};

// Blocks until SIGTERM or SIGINT; then stops cleanly. Errors: journal.locked, journal.corrupt,
// journal.io, state.dir, os.error, each with what to do.
Result<void> run_broker(const Settings& settings);

// Every record's checksum, and the view against the records; prints what it found.
Result<void> check_journal(const std::string& state_dir);

}  // namespace weft::broker
