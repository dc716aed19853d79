// What the verbs below `weft fabric` share: which fabric.
#pragma once
#include "broker/fabric/tree/tree.hpp"
#include "client/cli/flags.hpp"
#include "client/cli/verbs.hpp"

namespace weft::cli {

namespace fabric = broker::fabric;

struct FabricFlags {
  std::uint32_t radix = 0, levels = 3;

  void declare(Flags& flags) {
    flags.number("--radix", radix, 4, 64, "ports of a switch, even: a full fat tree of them",
                 "PORTS");
    flags.number("--levels", levels, 2, 3, "of switches, 2 or 3 (default 3)", "LEVELS");
  }
  Result<fabric::Tree> tree() const {
    if (radix == 0) return fail(Code::usage, "--radix is missing; e.g. --radix 16 (1,024 hosts)");
    if (radix % 2 != 0)
      return fail(Code::usage, "--radix: half of a switch's ports go up; an even number");
    return fabric::tree_of_radix(radix, levels);
  }
};

int fabric_trace(const Arguments& arguments);
int fabric_simulate(const Arguments& arguments);
int fabric_import(const Arguments& arguments);
int fabric_generate(const Arguments& arguments);
int fabric_clear(const Arguments&);
int fabric_rehome(const Arguments& arguments);
int fabric_show(const Arguments& arguments);

}  // namespace weft::cli
