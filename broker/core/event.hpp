// What happens to the broker's core, and what the core wants done. The core is a function:
// step(now, event) -> facts and effects. The shell journals the facts of a step as one record and
// holds the effects of that step until the record is durable: acknowledged means committed.
// A step without facts has its effects held until everything journaled before it is durable, so
// that no answer shows what a crash can still undo.
#pragma once
#include <string>
#include <variant>
#include <vector>

#include "schemas/codec.hpp"

namespace weft::broker {

// ---- events
struct Began {  // once, after replay, before any message
  Epoch epoch;  // one higher than at the last start; already durable
  std::string version;
  std::vector<KeyEntry> keys;  // of the configuration: enrolled when unknown (the first operator)
};
struct MessageCame {
  SessionId session;
  Principal principal;  // proven by CURVE; may have been revoked since
  Envelope envelope;    // decoded and within limits; holds a Request or a Report
  Blob raw;             // as received; journaled when it causes facts
};
struct SessionClosed {  // says nothing about ranks
  SessionId session;
};
struct SessionsAlive {  // heard from since the last one
  std::vector<SessionId> sessions;
};
struct GatewayLost {                // one of the two gateways died and is being restarted
  std::vector<SessionId> sessions;  // its sessions, all closed; nobody is declared dead for it
};
struct DriverStarted {};  // also after it died: what it was asked is lost
struct DriverSaid {
  DriverSaysBody body;
};
struct TimePassed {};  // the shell calls at next_timer()

using Event = std::variant<Began, MessageCame, SessionClosed, SessionsAlive, GatewayLost,
                           DriverStarted, DriverSaid, TimePassed>;

// ---- effects
struct Send {
  SessionId session;
  Envelope envelope;  // a Reply (with the request's key) or an Order (with the epoch)
  bool operator==(const Send&) const = default;
};
struct Disconnect {
  SessionId session;
  bool operator==(const Disconnect&) const = default;
};
struct Allow {  // the gateways' allow-list, whole: keys that are not revoked
  std::vector<KeyEntry> keys;
  bool operator==(const Allow&) const = default;
};
struct ServeJournal {  // authorised: the shell reads the store and answers with JournalChunk
  SessionId session;
  RequestKey key;
  Seq from;
  LeaseId lease;  // 0: everything; else only records with a fact of that lease
  bool operator==(const ServeJournal&) const = default;
};
struct AskDriver {  // one at a time: the next one follows its answer
  DriverOrderBody order;
  bool operator==(const AskDriver&) const = default;
};
struct Note {  // for the log
  enum class Level : std::uint8_t { debug, info, warn, error } level{};
  std::string text;
  bool operator==(const Note&) const = default;
};

using Effect = std::variant<Send, Disconnect, Allow, ServeJournal, AskDriver, Note>;

struct Step {
  std::vector<FactBox> facts;
  std::vector<Effect> effects;
};

}  // namespace weft::broker
