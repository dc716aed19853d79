# The frame of every message; the mirror is envelope.hpp.
# Evolution: add fields at the end, never reuse a number, never change a default; every union keeps
# its unknown arm first. tests/compat holds golden files of all of it.
@0xcb0eb48128278a5c;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("weft::wire");
using DriverFile = import "driver.capnp";
using ClientFile = import "client.capnp";
using HolderFile = import "holder.capnp";
using RankFile = import "rank.capnp";
using RepliesFile = import "replies.capnp";
using WorkerFile = import "worker.capnp";

struct Envelope {
  protocol @0 :UInt16;
  key @1 :Data;
  epoch @2 :UInt64;
  incarnation @3 :UInt64;
  sequence @4 :UInt64;
  union {
    unknown @5 :Void;
    request @6 :ClientFile.Request;
    reply @7 :RepliesFile.Reply;
    report @8 :WorkerFile.Report;
    order @9 :WorkerFile.Order;
    rankSays @10 :RankFile.RankSays;
    rankHears @11 :RankFile.RankHears;
    holderState @12 :HolderFile.HolderState;
    holderOrder @13 :HolderFile.HolderOrder;
    driverOrder @14 :DriverFile.DriverOrder;
    driverSays @15 :DriverFile.DriverSays;
  }
}
