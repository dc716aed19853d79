// Probers of several nodes over loopback, all stepped by this thread.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <memory>
#include <vector>

#include "transport/probe/prober.hpp"

namespace weft::transport {
namespace {

constexpr std::uint32_t nobody = UINT32_MAX;

class Probers {
 public:
  explicit Probers(std::uint32_t nodes) {
    ::setenv("UCX_TLS", "tcp,self", 1);
    for (std::uint32_t i = 0; i < nodes; ++i) {
      auto prober = Prober::open(nodes, "lo");
      if (!prober) throw std::runtime_error(prober.error().detail);
      all.push_back(std::move(*prober));
    }
  }
  ~Probers() { ::unsetenv("UCX_TLS"); }

  // Every node to the one `d` after it, for all d; `silent` never begins.
  void begin(Duration each, std::uint32_t silent = nobody) {
    const auto n = static_cast<std::uint32_t>(all.size());
    for (std::uint32_t i = 0; i < n; ++i) {
      ProbeRun run;
      run.ticket = 7;
      run.index = i;
      run.each = each;
      for (std::uint32_t d = 1; d < n; ++d) {
        run.to.push_back((i + d) % n);
        run.from.push_back((i + n - d) % n);
        run.peers.push_back({(i + d) % n, *all[(i + d) % n]->address()});
      }
      if (i == silent) continue;
      ASSERT_TRUE(all[i]->begin(run));
    }
  }
  // Until each has said that it is done, but for `silent`.
  std::vector<ProbeDone> run(std::uint32_t silent = nobody) {
    std::vector<ProbeDone> out(all.size());
    std::size_t missing = all.size() - (silent == nobody ? 0 : 1);
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (missing > 0 && std::chrono::steady_clock::now() < end)
      for (std::size_t i = 0; i < all.size(); ++i) {
        if (i != silent) all[i]->step();
        if (auto done = all[i]->take_done()) {
          out[i] = std::move(*done);
          --missing;
        }
      }
    EXPECT_EQ(missing, 0u);
    return out;
  }
  std::vector<std::unique_ptr<Prober>> all;
};

TEST(Prober, MeasuresEveryWayOnce) {
  Probers probers(4);
  probers.begin(milliseconds(20));
  const auto done = probers.run();
  for (std::uint32_t i = 0; i < 4; ++i) {
    EXPECT_EQ(done[i].ticket, 7u);
    ASSERT_EQ(done[i].measures.size(), 3u);
    for (std::uint32_t d = 1; d < 4; ++d) {
      const PairMeasure& m = done[i].measures[d - 1];
      EXPECT_EQ(m.from, i);
      EXPECT_EQ(m.to, (i + d) % 4);
      EXPECT_GT(m.latency_ns, 1'000u) << "a round trip through the kernel takes longer";
      EXPECT_GT(m.bandwidth_bps, 10'000'000u);
    }
  }
}

TEST(Prober, ASilentPeerIsAMeasureOfNothingAndTheOthersAreMeasured) {
  Probers probers(3);
  probers.begin(milliseconds(10), 2);
  const auto done = probers.run(2);
  for (std::uint32_t i = 0; i < 2; ++i) {
    ASSERT_EQ(done[i].measures.size(), 2u);
    for (const PairMeasure& m : done[i].measures)
      EXPECT_EQ(m.bandwidth_bps == 0, m.to == 2) << m.from << " to " << m.to;
  }
}

TEST(Prober, OneWayByItselfAgain) {
  Probers probers(3);
  probers.begin(milliseconds(10));
  probers.run();
  ProbeRun again;
  again.ticket = 7;
  again.run = 2;
  again.index = 1;
  again.each = milliseconds(10);
  again.to = {0};
  again.from = {nobody};
  ASSERT_TRUE(probers.all[1]->begin(again));
  std::optional<ProbeDone> done;
  while (!done) {
    for (auto& prober : probers.all) prober->step();
    done = probers.all[1]->take_done();
  }
  EXPECT_EQ(done->run, 2u);
  ASSERT_EQ(done->measures.size(), 1u);
  EXPECT_GT(done->measures[0].bandwidth_bps, 0u);
}

}  // namespace
}  // namespace weft::transport
