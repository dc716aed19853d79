#include "dataset.hpp"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <memory>

namespace fashion {
namespace {

using weft::Code;
using weft::fail;
using weft::Result;
constexpr std::size_t images_max = 1'000'000;

struct Close {
  void operator()(gzFile file) const { ::gzclose(file); }
};
using Gzip = std::unique_ptr<gzFile_s, Close>;

bool read_exactly(gzFile file, std::uint8_t* out, std::size_t size) {
  while (size > 0) {
    const int n = ::gzread(file, out, static_cast<unsigned>(std::min<std::size_t>(size, 1 << 20)));
    if (n <= 0) return false;
    out += n;
    size -= static_cast<std::size_t>(n);
  }
  return true;
}

// An IDX file: 0, 0, 8 (bytes), number of dimensions; each dimension as a big-endian u32; the data.
Result<std::vector<std::uint8_t>> read_idx(const std::string& path, std::size_t item_bytes,
                                           std::size_t& count) {
  const Gzip file(::gzopen(path.c_str(), "rb"));
  if (!file)
    return fail(Code::os_error,
                fmt::format("{}: cannot be read; install the Debian package dataset-fashion-mnist, "
                            "or name its folder with --data",
                            path));
  const auto bad = [&](const char* what) {
    return fail(Code::spec_syntax,
                fmt::format("{}: {}; expected a Fashion-MNIST IDX file", path, what));
  };
  const std::size_t dimensions = item_bytes == 1 ? 1 : 3;
  std::array<std::uint8_t, 16> head{};
  if (!read_exactly(file.get(), head.data(), 4 + 4 * dimensions)) return bad("too short");
  if (head[0] != 0 || head[1] != 0 || head[2] != 8 || head[3] != dimensions)
    return bad("another kind of file");
  const auto number = [&](std::size_t i) {
    return std::size_t{head[i]} << 24 | std::size_t{head[i + 1]} << 16 |
           std::size_t{head[i + 2]} << 8 | head[i + 3];
  };
  count = number(4);
  if (dimensions == 3 && number(8) * number(12) != item_bytes) return bad("images are not 28 x 28");
  if (count == 0 || count > images_max) return bad("no plausible count of images");
  std::vector<std::uint8_t> out(count * item_bytes);
  if (!read_exactly(file.get(), out.data(), out.size())) return bad("too short");
  return out;
}

Result<Images> read_images(const std::string& folder, const std::string& stem) {
  Images out;
  std::size_t labelled = 0;
  auto bytes = read_idx(folder + "/" + stem + "-images-idx3-ubyte.gz", pixels, out.count);
  if (!bytes) return tl::make_unexpected(bytes.error());
  auto labels = read_idx(folder + "/" + stem + "-labels-idx1-ubyte.gz", 1, labelled);
  if (!labels) return tl::make_unexpected(labels.error());
  if (labelled != out.count || *std::max_element(labels->begin(), labels->end()) >= classes)
    return fail(Code::spec_syntax, folder + "/" + stem + ": labels do not belong to the images");
  out.bytes = std::move(*bytes);
  out.labels = std::move(*labels);
  return out;
}

}  // namespace

Result<Dataset> load_dataset(const std::string& folder) {
  auto train = read_images(folder, "train");
  if (!train) return tl::make_unexpected(train.error());
  auto test = read_images(folder, "t10k");
  if (!test) return tl::make_unexpected(test.error());
  return Dataset{std::move(*train), std::move(*test)};
}

}  // namespace fashion
