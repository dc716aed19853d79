// A client as the library makes one: one session, requests with a key, sent again with the same key
// until they are answered. Subclasses decide what is asked; this part checks what is answered.
#pragma once
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "tests/sim/net.hpp"

namespace weft::sim {

// Is it remembered by its key, so that it has one effect?
bool changes_state(const RequestBody& body);

class Client : public Peer {
 public:
  using Heard = std::function<void(const ReplyBody&)>;
  Client(World& world, std::uint32_t number, std::string name);
  void start();
  virtual void act() {}     // one thing that such a client does, at random
  virtual void settle() {}  // after the hostile time: what lets the world come to rest
  virtual void verify() {}  // at rest: what was acknowledged is still there
  void heard(SessionId session, const Envelope& envelope) override;
  void lost(SessionId session) override;
  [[nodiscard]] bool beating() const override { return true; }
  [[nodiscard]] std::string waiting() const;  // for an answer; empty: none

 protected:
  void ask(RequestBody body, Heard heard = {});
  void ask(RequestBody body, const RequestKey& key, Heard heard);
  // An answer with this code was due.
  void must_refuse(const ReplyBody& reply, const char* what);
  RequestKey fresh_key();

  World& world_;
  Random random_;
  std::string name_;

 private:
  struct Asked {
    RequestBody body;
    Heard heard;
    int tries = 0;
    bool answered = false, changes = false;
    ReplyBody reply;
  };
  void connect();
  void send(const RequestKey& key);
  void again(const RequestKey& key);
  void provoke(const RequestKey& key, const Asked& asked);
  void plan_act();
  std::map<RequestKey, Asked> asked_;
  SessionId session_{};
};

}  // namespace weft::sim
