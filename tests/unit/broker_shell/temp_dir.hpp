// A directory that is gone when the test is.
#pragma once
#include <stdlib.h>

#include <filesystem>
#include <string>

namespace weft::broker {

class TempDir {
 public:
  TempDir() {
    char name[] = "/tmp/weft-shell-XXXXXX";
    path_ = mkdtemp(name);
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  std::string file(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace weft::broker
