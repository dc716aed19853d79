// A simulated fabric with a real OpenSM and weft's driver on it, for one test. What the driver
// talks through is put in place of the kernel when a process starts, so each test is a process of
// its own: in_lab() starts this program again for it, in a folder that goes away afterwards.
#pragma once
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker/fabric/model/generate.hpp"
#include "broker/fabric/tree/allocator.hpp"
#include "broker/shell/drivers/opensm/opensm_class.hpp"
#include "broker/shell/drivers/opensm/simulated.hpp"

namespace weft::broker::lab {

// Runs `body` in a process that may open a Lab. It fails like a test does.
void in_lab(const std::function<void()>& body, int seconds_max = 120);

fabric::Tree tree16();    // 4 leaves of 4, two levels
fabric::Tree tree324();   // 18 leaves of 18, two levels
fabric::Tree tree1024();  // radix 16, three levels

class Lab {
 public:
  Lab(const fabric::Tree& tree, std::uint32_t levels, OpenSmOptions options = {});

  void reopen(OpenSmOptions options);  // another driver, as after a restart of the broker

  // A slice of so many hosts, not applied yet; 0: no place.
  std::uint64_t rent(std::uint32_t hosts);
  void give_back(std::uint64_t slice);
  Result<Applied> apply(std::vector<std::uint64_t> fresh = {});
  void apply_well(std::vector<std::uint64_t> fresh = {});  // expects no difference
  Result<Applied> verify();                                // of all slices
  const fabric::Placed& slice(std::uint64_t id) const;
  std::string file(const std::string& name) const;  // in the folder
  std::string read(const std::string& name) const;
  void write(const std::string& name, const std::string& text) const;
  void hup() const;
  SmpPort& port() { return static_cast<OpenSmDriver&>(*driver).port(); }

  fabric::Fabric fabric;
  std::string folder;
  std::unique_ptr<Simulated> sim;
  std::unique_ptr<Driver> driver;
  fabric::Masks masks;
  fabric::Allocator allocator{fabric::Policy::jigsaw};
  std::vector<fabric::Placed> slices;
  fabric::Cut failed;
  Epoch epoch{1};

 private:
  std::uint64_t next_ = 1;
};

std::string words(const fabric::VerifyReport& report);  // its differences

}  // namespace weft::broker::lab
