// A SQLite file system that does what the ordinary one does and remembers, in order, every write,
// truncation and sync, so that a test can build the disk that a power cut at any moment would have
// left: what was synced is there, of the rest any part may be missing, the last write torn.
// Thread: one.
#pragma once
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace weft::broker {

struct DiskOp {
  enum class Kind { write, truncate, sync, remove, acknowledged } kind{};
  std::string file;         // without its directory
  std::int64_t offset = 0;  // of a write; size after a truncation; seq that was acknowledged
  std::vector<std::uint8_t> data;
};

class RecordingVfs {
 public:
  RecordingVfs();  // becomes SQLite's default
  ~RecordingVfs();
  RecordingVfs(const RecordingVfs&) = delete;
  RecordingVfs& operator=(const RecordingVfs&) = delete;

  std::vector<DiskOp>& ops();

 private:
  struct Impl;
  Impl* impl_;
};

using Disk = std::map<std::string, std::vector<std::uint8_t>>;

// The disk after the first `count` operations and a power cut. syncs_work false: a disk, or a
// setting, that does not keep what was synced.
Disk disk_after_power_cut(const std::vector<DiskOp>& ops, std::size_t count,
                          std::mt19937_64& random, bool syncs_work);

}  // namespace weft::broker
