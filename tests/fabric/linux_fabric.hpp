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

class LinuxFabric : public testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;
  void build(const fabric::Tree& tree, std::uint32_t levels, netns::BuildOptions options = {});

  Applied apply(std::vector<fabric::Placed> slices, fabric::Cut failed = {});
  // Of one kind, waited for at most that long.
  std::vector<FabricEvent> events(FabricEvent::What what, Duration patience = seconds(3));
  std::vector<std::string> left_over() const;  // namespaces of this fabric that exist

  // Payload from one host to another; true when all of it came back.
  bool udp(std::uint32_t from, std::uint32_t to) const;
  bool tcp(std::uint32_t from, std::uint32_t to) const;
  // errno of a TCP connect; 0: connected.
  int connect_error(std::uint32_t from, std::uint32_t to) const;
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
