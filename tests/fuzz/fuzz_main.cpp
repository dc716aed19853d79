// A libFuzzer program for one target, whose name the build gives: build/fuzz/bin/fuzz-job CORPUS.
#include <cstdlib>

#include "tests/fuzz/targets.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  for (const weft::fuzz::Target& target : weft::fuzz::targets())
    if (target.name == WEFT_FUZZ_TARGET) {
      target.run({data, size});
      return 0;
    }
  std::abort();  // the build names a target that does not exist
}
