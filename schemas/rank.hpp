// What a rank and its worker say to each other over the worker's unix socket (SOCK_SEQPACKET, path
// in WEFT_WORKER; one message a packet, at most limits::rank_address_bytes_max + 1 KiB).
#pragma once
#include "schemas/worker.hpp"

namespace weft {

struct RankHello {  // first packet of a rank; answered by RankSeed once rank 0 is known
  AttemptId attempt;
  std::uint32_t generation = 1, rank = 0;
  std::vector<std::uint8_t> address;  // its UCX worker address; rank 0's becomes the seed
  WEFT_MESSAGE(RankHello, "rank_hello")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("attempt", s.attempt);
    v("generation", s.generation);
    v("rank", s.rank);
    v("address", s.address, limits::rank_address_bytes_max);
  }
};
WEFT_EMPTY_MESSAGE(RankBye, "rank_bye")  // the rank has left the mesh in order

using RankSaysBody = std::variant<std::monostate, RankHello, RankBlames, RankProgress, RankBye>;
struct RankSays {
  static constexpr const char* name = "rank_says";
  RankSaysBody body;
  bool operator==(const RankSays&) const = default;
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v.choice(s.body);
  }
};

using RankHearsBody = std::variant<std::monostate, MeshSeed, PeerEnded, StopAttempt>;
struct RankHears {
  static constexpr const char* name = "rank_hears";
  RankHearsBody body;
  bool operator==(const RankHears&) const = default;
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v.choice(s.body);
  }
};

}  // namespace weft
