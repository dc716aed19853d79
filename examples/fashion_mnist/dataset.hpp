// Fashion-MNIST in memory: one byte a pixel, as on disk. Read from the gzip'd IDX files of the
// Debian package dataset-fashion-mnist. Errors: os.error (no such file, with the package's name),
// spec.syntax (not such a file). Thread: immutable after load.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace fashion {

inline constexpr std::size_t pixels = 28 * 28, classes = 10;

struct Images {
  std::size_t count = 0;
  std::vector<std::uint8_t> bytes;   // count * pixels, image after image
  std::vector<std::uint8_t> labels;  // count, each below `classes`
};

struct Dataset {
  Images train, test;
};

weft::Result<Dataset> load_dataset(const std::string& folder);

}  // namespace fashion
