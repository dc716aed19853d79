# Worker and the holder of an attempt, and the holder's state on disk; the mirror is holder.hpp.
# Evolution: add fields at the end, never reuse a number, never change a default; every union keeps
# its unknown arm first. tests/compat holds golden files of all of it.
@0x87443d9b33718087;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("weft::wire");
using EnumsFile = import "enums.capnp";

struct HeldRank {
  rank @0 :UInt32;
  pid @1 :UInt32;
  started @2 :UInt64;  # clock ticks since boot
  state @3 :EnumsFile.RankState;
  status @4 :Int32;
  outOfMemory @5 :Bool;
  detail @6 :Text;
}

struct HolderState {
  attempt @0 :UInt64;
  boot @1 :Text;
  pid @2 :UInt32;
  prepared @3 :Bool;
  code @4 :UInt16;  # base/codes.hpp
  detail @5 :Text;
  released @6 :Bool;
  stopping @7 :Bool;
  gone @8 :Bool;
  deadline @9 :Int64;  # ms, CLOCK_BOOTTIME
  cgroup @10 :Text;
  ranks @11 :List(HeldRank);
}

struct HolderGo {
  leaseLeft @0 :Int64;  # ms
}

struct HolderSignal {
  rank @0 :Int32;
  signal @1 :UInt32;
}

struct HolderStop {
  leave @0 :Int64;  # ms
  grace @1 :Int64;  # ms
}

struct HolderOrder {
  union {
    unknown @0 :Void;
    holderGo @1 :HolderGo;
    holderSignal @2 :HolderSignal;
    holderStop @3 :HolderStop;
  }
}
