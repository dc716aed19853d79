// The one frame in which every message travels. A message of another protocol version is refused
// with wire.version, whatever it holds.
#pragma once
#include "schemas/driver.hpp"
#include "schemas/holder.hpp"
#include "schemas/rank.hpp"

namespace weft {

inline constexpr std::uint16_t protocol_version = 1;

using EnvelopeBody = std::variant<std::monostate, Request, Reply, Report, Order, RankSays,
                                  RankHears, HolderState, HolderOrder, DriverOrder, DriverSays>;

struct Envelope {
  std::uint16_t protocol = protocol_version;
  RequestKey key;              // of a request and its reply
  Epoch epoch;                 // of an order: the broker's
  Incarnation incarnation;     // of a report: the worker process's
  std::uint64_t sequence = 0;  // of a report: grows from 1 over the whole life of the process
  EnvelopeBody body;
  bool operator==(const Envelope&) const = default;
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("protocol", s.protocol);
    v("key", s.key);
    v("epoch", s.epoch);
    v("incarnation", s.incarnation);
    v("sequence", s.sequence);
    v.choice(s.body);
  }
};

}  // namespace weft
