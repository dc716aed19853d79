// File descriptors and small files. Errors: state.dir with path and errno text. Thread: any.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"

namespace weft::worker {

class Fd {  // owns a descriptor
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  ~Fd() { reset(); }
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) {
      reset();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  void reset();

 private:
  int fd_ = -1;
};

// "STATE/x: Permission denied"
Error errno_error(Code code, const std::string& what, int number);

Result<std::string> read_file(const std::string& path, std::size_t bytes_max);
// Write aside, rename: a reader sees the old or the new text. durable: also fsync file and
// directory, which only what must survive a power cut needs (a killed process loses nothing
// without).
Result<void> write_file(const std::string& path, std::string_view bytes, bool durable,
                        unsigned mode = 0600);
Result<void> make_directory(const std::string& path, unsigned mode);  // with its parents (0755)

}  // namespace weft::worker
