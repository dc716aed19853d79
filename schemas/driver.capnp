# What the broker tells its fabric driver, a child process, and what that answers; the mirror is
# driver.hpp.
# Evolution: add fields at the end, never reuse a number, never change a default; every union keeps
# its unknown arm first. tests/compat holds golden files of all of it.
@0xd3a1c6f20b7e4915;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("weft::wire");
using StateFile = import "state.capnp";

struct PlacedSlice {
  slice @0 :UInt64;
  key @1 :UInt32;
  links @2 :StateFile.Links;
}

struct ApplySlices {
  ticket @0 :UInt64;
  epoch @1 :UInt64;
  slices @2 :List(PlacedSlice);
  fresh @3 :List(UInt64);
  failed @4 :StateFile.Links;
}

struct CheckSlices {
  ticket @0 :UInt64;
  slices @1 :List(UInt64);
}

struct DriverOrder {
  union {
    unknown @0 :Void;
    applySlices @1 :ApplySlices;
    checkSlices @2 :CheckSlices;
  }
}

struct SliceDiffers {
  slice @0 :UInt64;
  what @1 :Text;
}

struct DriverAnswered {
  ticket @0 :UInt64;
  code @1 :UInt16;  # base/codes.hpp
  detail @2 :Text;
  differences @3 :List(SliceDiffers);
  moreDifferences @4 :UInt64;
  pairs @5 :UInt64;
  negativeProbes @6 :UInt64;
  plan @7 :Int64;  # ms
  apply @8 :Int64;  # ms
  readBack @9 :Int64;  # ms
  verify @10 :Int64;  # ms
}

struct FabricChanged {
  down @0 :StateFile.Links;
  up @1 :StateFile.Links;
  programAgain @2 :Bool;
  text @3 :Text;
}

struct DriverSays {
  union {
    unknown @0 :Void;
    driverAnswered @1 :DriverAnswered;
    fabricChanged @2 :FabricChanged;
  }
}
