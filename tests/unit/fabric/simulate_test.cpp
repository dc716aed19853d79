// The simulation against its reference: an independent implementation's figures for radix 16.
#include "broker/fabric/simulate/simulate.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace weft::broker::fabric {
namespace {

double hundredths(double percent) { return std::round(percent * 100) / 100; }

SimulationReport synth16(Policy policy, std::uint32_t lookahead = 50) {
  const Tree tree = tree_of_radix(16);
  SimulationOptions options;
  options.lookahead = lookahead;
  return simulate(tree, synth_trace(16, 10'000, 1, tree.hosts()), policy, options);
}

TEST(Simulation, AgreesWithTheReferenceToTheLastDigit) {
  const struct {
    Policy policy;
    double easy, fifo;
  } rows[] = {{Policy::baseline, 99.02, 98.55},
              {Policy::ta, 89.83, 79.49},
              {Policy::laas, 91.02, 87.68},
              {Policy::jigsaw, 96.30, 92.41}};
  for (const auto& row : rows) {
    const SimulationReport easy = synth16(row.policy), fifo = synth16(row.policy, 0);
    EXPECT_EQ(hundredths(easy.utilisation), row.easy) << to_string(row.policy);
    EXPECT_EQ(hundredths(fifo.utilisation), row.fifo) << to_string(row.policy);
    EXPECT_EQ(easy.started, 10'000U);
    EXPECT_EQ(easy.shared_hosts, 0U);
    EXPECT_TRUE(easy.illegal.empty()) << easy.illegal.front();
    if (row.policy == Policy::baseline) {
      EXPECT_GT(easy.shared_links, 0U);
      EXPECT_EQ(easy.makespan_s, 247'432);
      EXPECT_EQ(fifo.makespan_s, 248'856);
    } else {
      EXPECT_EQ(easy.shared_links, 0U) << to_string(row.policy);
    }
    if (row.policy == Policy::jigsaw) {
      EXPECT_EQ(easy.makespan_s, 254'312);
    }
    EXPECT_EQ(easy.internal_waste > 1, row.policy == Policy::laas) << easy.internal_waste;
  }
}

TEST(Simulation, ArrivalsAndJobsThatNeverFit) {
  const Tree tree = tree_of_radix(4);  // 16 hosts
  const Trace trace{{1, 0, 16, 100}, {2, 10, 17, 5}, {3, 20, 4, 50}, {4, 500, 1, 10}};
  const SimulationReport report = simulate(tree, trace, Policy::jigsaw);
  EXPECT_EQ(report.started, 3U);
  EXPECT_EQ(report.never, 1U);
  EXPECT_EQ(report.first_wait_s, 10);
  EXPECT_EQ(report.last_start_s, 500);
  EXPECT_EQ(report.makespan_s, 510);
  EXPECT_EQ(simulate(tree, {}, Policy::ta).makespan_s, 0);
  // First in, first out: what never fits holds up nobody once nothing runs.
  SimulationOptions first_come;
  first_come.lookahead = 0;
  const Trace blocked{{1, 0, 17, 5}, {2, 10, 1, 5}, {3, 1'000, 1, 5}};
  EXPECT_EQ(simulate(tree, blocked, Policy::jigsaw, first_come).makespan_s, 1'005);
  const SimulationReport second =
      simulate(tree, {{1, 0, 17, 5}, {2, 10, 1, 5}}, Policy::jigsaw, first_come);
  EXPECT_EQ(second.never, 1U);
  EXPECT_EQ(second.makespan_s, 15);
  EXPECT_EQ(simulate(tree, {{1, 7, 17, 5}}, Policy::jigsaw).utilisation, 0);
}

TEST(Simulation, BackfillNeverDelaysTheHead) {
  const Tree tree = tree_of_radix(4, 2);  // 4 leaves of 2 hosts
  // The second waits for all 8 hosts until 100; the third fits before that, the fourth does not.
  const Trace trace{{1, 0, 4, 100}, {2, 0, 8, 10}, {3, 0, 2, 100}, {4, 0, 2, 101}};
  const SimulationReport report = simulate(tree, trace, Policy::jigsaw);
  EXPECT_EQ(report.started, 4U);
  EXPECT_EQ(report.makespan_s, 110 + 101);
  SimulationOptions first_come;
  first_come.lookahead = 0;
  EXPECT_EQ(simulate(tree, trace, Policy::jigsaw, first_come).makespan_s, 110 + 101);
}

}  // namespace
}  // namespace weft::broker::fabric
