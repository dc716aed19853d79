# Rank and worker, over the unix socket; the mirror is rank.hpp.
# Evolution: add fields at the end, never reuse a number, never change a default; every union keeps
# its unknown arm first. tests/compat holds golden files of all of it.
@0xbcf26fc034c936f5;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("weft::wire");
using WorkerFile = import "worker.capnp";

struct RankHello {
  attempt @0 :UInt64;
  generation @1 :UInt32;
  rank @2 :UInt32;
  address @3 :Data;
}

struct RankBye {
}

struct RankSays {
  union {
    unknown @0 :Void;
    rankHello @1 :RankHello;
    rankBlames @2 :WorkerFile.RankBlames;
    rankProgress @3 :WorkerFile.RankProgress;
    rankBye @4 :RankBye;
  }
}

struct RankHears {
  union {
    unknown @0 :Void;
    meshSeed @1 :WorkerFile.MeshSeed;
    peerEnded @2 :WorkerFile.PeerEnded;
    stopAttempt @3 :WorkerFile.StopAttempt;
  }
}
