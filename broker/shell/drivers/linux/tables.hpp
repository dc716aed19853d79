// What a switch of a routed fabric holds for its slices, and the steps that bring it there.
//   pref 900    from the switch itself: its own hosts (table 900), so that a refusal can be told
//   pref 1000   iif PORT [from HOST] lookup TABLE: one for each port that a slice owns; a host may
//               only send as itself
//   pref 19000  iif PORT from HOST unreachable: an honest host is told that it may not
//   pref 20000  not iif lo blackhole: everything else; a lie gets no answer, which would go to
//               whom it names
// A slice has two table numbers on every switch and uses one: the other is filled, read back, and
// the rules are turned over to it one by one; a port never is without a rule meanwhile. The slice's
// table ends in `unreachable`. Tables main and default are empty: no rule, no way.
// Thread: one at a time. Errors: os.error. A link that is down takes no row: that is found by
// verifying.
#pragma once
#include <map>
#include <span>
#include <vector>

#include "broker/shell/drivers/driver.hpp"
#include "broker/shell/drivers/linux/kernel.hpp"
#include "broker/shell/drivers/linux/places.hpp"

namespace weft::broker::netns {

struct SlicePart {  // of one slice on one switch
  std::uint64_t slice = 0;
  std::vector<Hop> ports;             // owned: what comes in there uses the slice's table
  std::map<std::uint32_t, Hop> rows;  // by host, over owned ports only
};
using SwitchPlan = std::vector<SlicePart>;

// By position in places.switches(). Pure.
std::vector<SwitchPlan> plan(const Places& places, std::span<const fabric::Placed> slices,
                             const fabric::Cut& failed);

std::uint32_t table_of(std::uint64_t slice, bool second);

class Tables {  // of one switch
 public:
  Tables(const Places& places, At at, Kernel kernel)
      : places_(places), at_(at), kernel_(std::move(kernel)) {}
  At at() const { return at_; }
  Kernel& kernel() { return kernel_; }
  const Devices& devices() const { return devices_; }

  Result<void> look();  // reads all of it: the steps and differences() are about what was read
  // The steps, in order; each reads again what it changed.
  Result<void> revoke(const SwitchPlan& wanted);   // what no slice owns any more, or never did
  Result<void> forward(const SwitchPlan& wanted);  // new tables; ports to other switches
  Result<void> admit(const SwitchPlan& wanted);    // ports to hosts
  Result<void> flush();                            // tables that no rule leads to

  // Where what was read differs from what is wanted, row by row; of these slices (empty: all).
  std::vector<fabric::Difference> differences(const SwitchPlan& wanted,
                                              std::span<const std::uint64_t> slices) const;
  // The kernel's own answer. `in`: the port where the packet came in.
  Result<Hop> next(Hop in, std::uint32_t from, std::uint32_t to);

 private:
  struct Use {  // a slice's table now, and whether it holds what it should
    bool second = false, any = false, exact = false;
  };
  Use use_of(const SlicePart& part) const;
  std::vector<RouteRow> rows_of(const SlicePart& part, std::uint32_t table) const;
  std::vector<RouteRow> table(std::uint32_t number) const;  // as read, sorted
  RuleRow rule(Hop port, std::uint32_t table) const;
  bool is_host_port(Hop port) const { return at_.tier == Tier::leaf && port.way == Hop::Way::down; }
  bool is_base(const RuleRow& row) const;
  int index(Hop port) const;
  Result<void> fill(const SlicePart& part, std::uint32_t number);
  Result<void> read_back(const SlicePart& part, std::uint32_t number) const;
  Result<void> turn(Hop port, std::uint32_t number);
  Result<void> rules(const SwitchPlan& wanted, bool hosts);

  const Places& places_;
  At at_;
  Kernel kernel_;
  Devices devices_;
  std::vector<RuleRow> rules_;
  std::vector<RouteRow> routes_;          // sorted
  std::map<std::uint64_t, bool> chosen_;  // slice -> second table, by forward()
};

}  // namespace weft::broker::netns
