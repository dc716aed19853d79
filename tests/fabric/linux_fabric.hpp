// A simulated fabric under test, two interleaved slices on it, and hosts that send to each other:
// bounded packets in namespaces of the test's own.
#pragma once
#include <gtest/gtest.h>
#include <unistd.h>

#include <functional>
#include <memory>
#include <string>

#include "broker/fabric/model/generate.hpp"
#include "broker/shell/drivers/linux/driver.hpp"
#include "broker/shell/drivers/linux/enter.hpp"
#include "broker/shell/drivers/linux/namespaces.hpp"

namespace weft::test {

using namespace weft::broker;

inline constexpr int soon_ms = 30;  // of patience where nothing is expected to come

class LinuxFabric : public testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;
  void build(const fabric::Tree& tree, std::uint32_t levels, netns::BuildOptions options = {});

  Applied apply(std::vector<fabric::Placed> slices, fabric::Cut failed = {});
  // Of one kind, waited for at most that long.
  std::vector<FabricEvent> events(FabricEvent::What what, Duration patience = seconds(3));
  std::vector<std::string> left_over() const;  // namespaces of this fabric that exist

  // A word from one host to another and back. Where a refusal is expected, less patience is enough:
  // within a machine an answer takes microseconds.
  bool udp(std::uint32_t from, std::uint32_t to, int patience_ms = 1'000) const;
  bool ping(std::uint32_t from, std::uint32_t to, int patience_ms = 1'000) const;
  // errno of a TCP connect; 0: connected.
  int tcp(std::uint32_t from, std::uint32_t to, int patience_ms = 1'000) const;
  // One datagram whose source is a lie.
  void lie(std::uint32_t from, std::uint32_t as, std::uint32_t to) const;
  std::uint64_t packets_on_uplinks(std::uint64_t up_mask) const;  // of all leaves, both ways
  std::string address(std::uint32_t host) const;

  std::string tag_;
  fabric::Fabric fabric_;
  std::unique_ptr<Driver> driver_;
};

// 4 leaves of 2 hosts and 2 uplinks; slice 1 has h0 h3 h4 h7 and every leaf's u0, slice 2 the rest.
fabric::Tree eight_hosts();
fabric::Placed slice_one();
fabric::Placed slice_two();
std::string text(const fabric::VerifyReport& report);

}  // namespace weft::test
