#include "tests/unit/broker_shell/recording_vfs.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <cstring>

namespace weft::broker {

struct RecordingVfs::Impl {
  sqlite3_vfs vfs{};
  sqlite3_vfs* real = nullptr;
  std::vector<DiskOp> ops;
};

namespace {

struct File {
  sqlite3_file base;
  std::vector<DiskOp>* ops;
  char name[64];
  sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};
File* of(sqlite3_file* file) { return reinterpret_cast<File*>(file); }
const sqlite3_io_methods& real(sqlite3_file* file) { return *of(file)->real()->pMethods; }

int recorded_write(sqlite3_file* file, const void* data, int size, sqlite3_int64 offset) {
  const auto* bytes = static_cast<const std::uint8_t*>(data);
  of(file)->ops->push_back({DiskOp::Kind::write, of(file)->name, offset, {bytes, bytes + size}});
  return real(file).xWrite(of(file)->real(), data, size, offset);
}
int recorded_truncate(sqlite3_file* file, sqlite3_int64 size) {
  of(file)->ops->push_back({DiskOp::Kind::truncate, of(file)->name, size, {}});
  return real(file).xTruncate(of(file)->real(), size);
}
int recorded_sync(sqlite3_file* file, int flags) {
  const int rc = real(file).xSync(of(file)->real(), flags);
  of(file)->ops->push_back({DiskOp::Kind::sync, of(file)->name, 0, {}});
  return rc;
}
#define PASS(name, parameters, ...) \
  int name parameters { return real(file).x##name(of(file)->real() __VA_OPT__(, ) __VA_ARGS__); }
PASS(Close, (sqlite3_file * file))
PASS(Read, (sqlite3_file * file, void* data, int size, sqlite3_int64 at), data, size, at)
PASS(FileSize, (sqlite3_file * file, sqlite3_int64* size), size)
PASS(Lock, (sqlite3_file * file, int lock), lock)
PASS(Unlock, (sqlite3_file * file, int lock), lock)
PASS(CheckReservedLock, (sqlite3_file * file, int* out), out)
PASS(FileControl, (sqlite3_file * file, int op, void* arg), op, arg)
PASS(SectorSize, (sqlite3_file * file))
PASS(DeviceCharacteristics, (sqlite3_file * file))
PASS(ShmMap, (sqlite3_file * file, int page, int size, int extend, void volatile** out), page, size,
     extend, out)
PASS(ShmLock, (sqlite3_file * file, int offset, int n, int flags), offset, n, flags)
PASS(ShmUnmap, (sqlite3_file * file, int remove), remove)
#undef PASS
void shm_barrier(sqlite3_file* file) { real(file).xShmBarrier(of(file)->real()); }

// Version 2: without memory mapping, every write passes here.
constexpr sqlite3_io_methods methods = {2,
                                        Close,
                                        Read,
                                        recorded_write,
                                        recorded_truncate,
                                        recorded_sync,
                                        FileSize,
                                        Lock,
                                        Unlock,
                                        CheckReservedLock,
                                        FileControl,
                                        SectorSize,
                                        DeviceCharacteristics,
                                        ShmMap,
                                        ShmLock,
                                        shm_barrier,
                                        ShmUnmap,
                                        nullptr,
                                        nullptr};

const char* name_of(const char* path) {
  const char* slash = path == nullptr ? nullptr : std::strrchr(path, '/');
  return slash == nullptr ? "" : slash + 1;
}

int recorded_remove(sqlite3_vfs* vfs, const char* path, int sync_directory) {
  auto* impl = static_cast<std::pair<sqlite3_vfs*, std::vector<DiskOp>*>*>(vfs->pAppData);
  const int rc = impl->first->xDelete(impl->first, path, sync_directory);
  impl->second->push_back({DiskOp::Kind::remove, name_of(path), sync_directory, {}});
  return rc;
}

int recorded_open(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* out) {
  auto* impl = static_cast<std::pair<sqlite3_vfs*, std::vector<DiskOp>*>*>(vfs->pAppData);
  File* f = of(file);
  f->base.pMethods = nullptr;
  f->ops = impl->second;
  std::snprintf(f->name, sizeof f->name, "%s", name_of(path));
  const int rc = impl->first->xOpen(impl->first, path, f->real(), flags, out);
  if (f->real()->pMethods != nullptr) f->base.pMethods = &methods;
  return rc;
}

void put(std::vector<std::uint8_t>& content, const DiskOp& op, std::size_t size) {
  if (op.kind == DiskOp::Kind::truncate) return content.resize(static_cast<std::size_t>(op.offset));
  const auto end = static_cast<std::size_t>(op.offset) + size;
  if (content.size() < end) content.resize(end);
  std::copy_n(op.data.begin(), size, content.begin() + op.offset);
}

}  // namespace

RecordingVfs::RecordingVfs() : impl_(new Impl) {
  impl_->real = sqlite3_vfs_find(nullptr);
  impl_->vfs = *impl_->real;
  impl_->vfs.zName = "weft-recording";
  impl_->vfs.szOsFile = static_cast<int>(sizeof(File)) + impl_->real->szOsFile;
  impl_->vfs.xOpen = recorded_open;
  impl_->vfs.xDelete = recorded_remove;
  impl_->vfs.pAppData = new std::pair<sqlite3_vfs*, std::vector<DiskOp>*>(impl_->real, &impl_->ops);
  sqlite3_vfs_register(&impl_->vfs, 1);
}

RecordingVfs::~RecordingVfs() {
  sqlite3_vfs_unregister(&impl_->vfs);
  sqlite3_vfs_register(impl_->real, 1);
  delete static_cast<std::pair<sqlite3_vfs*, std::vector<DiskOp>*>*>(impl_->vfs.pAppData);
  delete impl_;
}

std::vector<DiskOp>& RecordingVfs::ops() { return impl_->ops; }

Disk disk_after_power_cut(const std::vector<DiskOp>& ops, std::size_t count,
                          std::mt19937_64& random, bool syncs_work) {
  Disk disk;
  std::map<std::string, std::vector<const DiskOp*>> unsynced;
  for (std::size_t i = 0; i < count; ++i) {
    const DiskOp& op = ops[i];
    if (op.kind == DiskOp::Kind::acknowledged) continue;
    auto& waiting = unsynced[op.file];
    if (op.kind == DiskOp::Kind::remove) {  // SQLite syncs the directory where it matters
      waiting.clear();
      disk.erase(op.file);
    } else if (op.kind != DiskOp::Kind::sync) {
      waiting.push_back(&op);
    } else if (syncs_work) {
      for (const DiskOp* w : waiting) put(disk[op.file], *w, w->data.size());
      waiting.clear();
    }
  }
  // Of what was not synced the disk has kept any part, in any order; one write may be torn.
  for (auto& [file, waiting] : unsynced) {
    auto& content = disk[file];
    for (std::size_t i = 0; i < waiting.size(); ++i) {
      if (random() % 2 == 0) continue;
      const std::size_t size = waiting[i]->data.size();
      const bool torn = i + 1 == waiting.size() && size > 1;
      put(content, *waiting[i], torn ? 1 + random() % (size - 1) : size);
    }
  }
  return disk;
}

}  // namespace weft::broker
