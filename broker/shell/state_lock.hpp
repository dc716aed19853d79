// One broker per state directory: an exclusive lock on a file in it, held until the process ends
// and not inherited by its children. Errors: journal.locked (names the holder's pid), state.dir.
#pragma once
#include <string>

#include "base/result.hpp"

namespace weft::broker {

class StateLock {
 public:
  static Result<StateLock> take(const std::string& path);
  ~StateLock();
  StateLock(StateLock&& other) noexcept;
  StateLock& operator=(StateLock&&) = delete;

 private:
  explicit StateLock(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace weft::broker
