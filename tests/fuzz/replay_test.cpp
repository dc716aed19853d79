// Every file of the corpora, and a few mutations of each, through its target.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <vector>

#include "tests/compat/random_value.hpp"
#include "tests/fuzz/targets.hpp"

namespace weft::fuzz {
namespace {

namespace fs = std::filesystem;
const fs::path tests = fs::path(WEFT_SOURCE_DIR) / "tests";

// The golden files and job specs of tests/compat serve as corpus, too.
std::vector<fs::path> files_of(std::string_view target) {
  std::vector<fs::path> out;
  const auto take = [&](const fs::path& folder, std::string_view ending, std::string_view begin,
                        bool wanted) {
    for (const auto& entry : fs::directory_iterator(folder)) {
      const std::string name = entry.path().filename().string();
      if (name.ends_with(ending) && name.starts_with(begin) == wanted) out.push_back(entry.path());
    }
  };
  const fs::path own = tests / "fuzz/corpus" / target;
  if (fs::exists(own)) take(own, "", "", true);
  if (target == "envelope") take(tests / "compat/golden", ".bin", "fact.", false);
  if (target == "record") take(tests / "compat/golden", ".bin", "fact.", true);
  if (target == "snapshot") take(tests / "compat/golden", "snapshot.bin", "", true);
  if (target == "job")
    for (const char* kind : {"valid", "invalid"})
      take(tests / "compat/job" / kind, ".yaml", "", true);
  return out;
}

std::vector<std::uint8_t> content(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST(Fuzz, EveryTargetHasACorpusAndStandsIt) {
  constexpr int mutations = 20;
  for (const Target& target : targets()) {
    const auto files = files_of(target.name);
    EXPECT_GE(files.size(), 2U - (target.name == "snapshot" ? 1U : 0U)) << target.name;
    for (const fs::path& path : files) {
      const auto bytes = content(path);
      SCOPED_TRACE(path.string());
      target.run(bytes);
      test::Random random(bytes.size());
      for (int round = 0; round < mutations && !bytes.empty(); ++round) {
        auto mutated = bytes;
        for (std::uint64_t n = 1 + random.below(3); n > 0; --n)
          mutated[random.below(mutated.size())] = static_cast<std::uint8_t>(random.next());
        if (random.below(4) == 0) mutated.resize(random.below(mutated.size()));
        target.run(mutated);
      }
    }
  }
}

}  // namespace
}  // namespace weft::fuzz
