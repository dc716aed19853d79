// The network and the gateway between broker and peers. A session keeps order and loses nothing
// while it lives, as TCP does, unless the plan says otherwise: a message that is lost takes its
// session with it after a while, but what was sent in between may still arrive, late, twice or
// overtaken. Partitions are one-way.
#pragma once
#include <map>
#include <vector>

#include "schemas/codec.hpp"
#include "tests/sim/random.hpp"

namespace weft::sim {

class World;

struct Peer {
  virtual ~Peer() = default;
  virtual void heard(SessionId session, const Envelope& envelope) = 0;
  virtual void lost(SessionId session) = 0;
  [[nodiscard]] virtual bool beating() const = 0;  // its heartbeats go out
  Principal principal;
  bool worker = false;
  Instant cut_up_until{}, cut_down_until{};
};

class Net {
 public:
  explicit Net(World& world);
  // A new connection; none while nobody listens or the way is cut.
  SessionId open(Peer& peer);
  void up(SessionId session, const Envelope& envelope);
  void down(SessionId session, const Envelope& envelope);
  void close_by_peer(SessionId session);
  void close_by_broker(SessionId session);
  void break_session(SessionId session);  // the network's doing: both sides learn of it, in time
  // A gateway died: all its sessions, which end.
  std::vector<SessionId> gateway_gone(bool workers);
  void cut_some();
  void heal();
  // Sessions of live workers that the gateway has heard from.
  [[nodiscard]] std::vector<SessionId> alive() const;
  [[nodiscard]] bool open_at_broker(SessionId session) const;
  [[nodiscard]] std::size_t sessions() const { return sessions_.size(); }

 private:
  struct Session {
    Peer* peer = nullptr;
    bool at_peer = true, at_broker = true, breaking = false;
    Instant last_up{}, last_down{};
  };
  Duration way(Instant& last, Instant cut_until, bool& overtaken);
  void deliver_up(SessionId session, Blob bytes);
  void tell(SessionId id, const Envelope& envelope);  // to the trace
  void deliver_down(SessionId session, const Envelope& envelope);
  void end_at_peer(SessionId session, Duration after);
  void tidy(SessionId session);
  World& world_;
  Random random_;
  std::map<SessionId, Session> sessions_;
  std::vector<Peer*> peers_;
  std::uint64_t next_ = 1;
};

}  // namespace weft::sim
