// weft-bench-rank: what `weft bench` runs on every rank. Its words are those of
// transport/bench/spec.hpp; rank 0 prints lines of JSON, wrong data among them. Exit code: 0 the
// sweep came to its end; 1 a rank failed; 2 usage.
#include <fmt/format.h>

#include <cstdio>

#include "transport/bench/sweep.hpp"

int main(int argc, char** argv) {
  using namespace weft;
  using namespace weft::transport::bench;
  const auto spec = spec_of({argv + 1, argv + argc});
  if (!spec) {
    fmt::print(stderr, "weft-bench-rank: `weft bench` starts it: {}\n", spec.error().detail);
    return 2;
  }
  auto mesh = Mesh::join();
  if (!mesh) {
    fmt::print(stderr, "weft-bench-rank: {}\n", to_string(mesh.error()));
    return 1;
  }
  const auto tell = [](const std::string& line) {
    fmt::print("{}\n", line);
    std::fflush(stdout);
  };
  const auto wrong = sweep(**mesh, *spec, tell);
  if (!wrong) {
    fmt::print(stderr, "weft-bench-rank: {}\n", to_string(wrong.error()));
    return wrong.error().code == Code::usage ? 2 : 1;
  }
  if ((*mesh)->rank() == 0) tell("{\"kind\":\"end\"}");
  if (auto left = (*mesh)->leave(); !left) {
    fmt::print(stderr, "weft-bench-rank: {}\n", to_string(left.error()));
    return 1;
  }
  return 0;
}
