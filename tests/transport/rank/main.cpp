// A rank under test: joins from its environment as any program would, plays the scenario named by
// its first argument, and prints one "key value" a line. Exit code 0: as expected; 3: an operation
// failed (printed); 4: a result was wrong (printed); 2: usage.
#include <cstdio>

#include "tests/transport/rank/scenarios.hpp"

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: transport-test-rank SCENARIO [ARGUMENT ...]\n");
    return 2;
  }
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  return weft::test::play(argv[1], {argv + 2, argv + argc});
}
