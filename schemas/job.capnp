# The resolved job spec; the mirror, with units and meanings, is job.hpp.
# Evolution: add fields at the end, never reuse a number, never change a default; every union keeps
# its unknown arm first. tests/compat holds golden files of all of it.
@0xacdefffb1e0c3eb4;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("weft::wire");
using EnumsFile = import "enums.capnp";

struct KeyValue {
  name @0 :Text;
  value @1 :Text;
}

struct RestartPolicy {
  max @0 :UInt32;
  backoff @1 :Int64;  # ms
  onNode @2 :Bool;
  onExit @3 :Bool;
}

struct JobSpec {
  version @0 :UInt32;
  name @1 :Text;
  labels @2 :List(KeyValue);
  priority @3 :Int32;
  nodes @4 :UInt32;
  gpusPerNode @5 :UInt32;
  ranksPerNode @6 :UInt32;
  time @7 :Int64;  # ms
  useLease @8 :UInt64;
  priceMax @9 :Int64;  # micro-dollars per unit-hour
  hasPriceMax @10 :Bool;
  costCap @11 :Int64;  # micro-dollars
  notice @12 :Int64;  # ms
  keep @13 :Int64;  # ms
  startBy @14 :Int64;  # ms
  checkpointDir @15 :Text;
  checkpointSignal @16 :UInt32;
  checkpointGrace @17 :Int64;  # ms
  restart @18 :RestartPolicy;
  backend @19 :Text;
  env @20 :List(KeyValue);
  setup @21 :Text;
  run @22 :List(Text);
  workdir @23 :Text;
  logsKeepAll @24 :Bool;
  consoleRanks @25 :List(UInt32);
  within @26 :EnumsFile.SliceWithin;
  exclusive @27 :EnumsFile.SliceExclusive;
}
