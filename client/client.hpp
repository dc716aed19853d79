// A client of a broker. Requests are pipelined on one CURVE connection; each is repeated with the
// same idempotency key over a new connection (full-jitter delay) until its reply came or its
// deadline passed: one key, one effect, however often it is sent. Owns: the connection. Thread: the
// creating one; nothing happens outside poll() and call(). Errors: broker.not_found (nothing to
// connect to is known), broker.unreachable (not reached before the deadline), timeout (reached, but
// no answer), auth.unknown_key, wire.*; what the broker refused comes as its own code. Example:
// auto client = Client::open({.connection_file = dir.connection()}, keys);
//           auto view = (*client)->get<JobView>(ShowJob{job});
#pragma once
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/net/dealer.hpp"
#include "schemas/codec.hpp"
#include "schemas/yaml/files.hpp"

namespace weft::client {

inline constexpr Duration no_deadline{INT64_MAX};

struct Where {  // one of the two
  std::string
      connection_file;  // read again for every connection: a restarted broker may have moved
  yaml::Connection connection;  // when connection_file is empty
};
struct CallOptions {
  std::optional<RequestKey> key;   // made when absent
  Duration timeout = seconds(30);  // over all attempts; no_deadline: until dropped
};
using OnReply = std::function<void(Result<ReplyBody>)>;

class Client {
 public:
  // Starts to connect; reads the connection file (broker.not_found when there is none).
  static Result<std::unique_ptr<Client>> open(Where where, const net::CurveKeys& keys);
  ~Client();

  // Sends when the link takes it; `done` is called once, from poll() or call(), unless dropped. It
  // may start and drop requests.
  RequestKey start(RequestBody body, const CallOptions& options, OnReply done);
  void drop(const RequestKey& key);
  // Moves everything on; waits at most `wait` for something to happen. A signal ends the wait.
  void poll(Duration wait);
  std::size_t in_flight() const { return pending_.size(); }
  Duration lost_for() const;  // how long there has been no connection; 0: there is one

  // start() and poll() until it is done. A Refused reply is an error with its code.
  [[nodiscard]] Result<ReplyBody> call(RequestBody body, const CallOptions& options = {});
  template <class R>
  [[nodiscard]] Result<R> get(RequestBody body, const CallOptions& options = {}) {
    auto reply = call(std::move(body), options);
    if (!reply) return tl::make_unexpected(reply.error());
    if (R* arm = std::get_if<R>(&*reply)) return std::move(*arm);
    return fail(Code::wire_unknown, std::string("the broker did not answer with ") + R::name);
  }

 private:
  struct KeyHash {
    std::size_t operator()(const RequestKey& key) const;
  };
  struct Pending {
    Blob message;
    OnReply done;
    std::int64_t deadline_ms = 0;    // steady clock
    std::int64_t patience_ms = 0;    // an answer that takes longer means a dead connection
    std::int64_t sent_ms = -1;       // on this connection; -1: not sent
    std::int64_t not_before_ms = 0;  // broker.busy, wire.rate: asked to come back later
    std::uint64_t number = 0;        // order of start()
    std::uint32_t refusals = 0;
  };

  Client(Where where, const net::CurveKeys& keys);
  Result<yaml::Connection> where_now() const;
  void connect();
  void lose(const Error& reason);
  void send_waiting();
  void receive_all();
  void answer(const RequestKey& key, Result<ReplyBody> result);
  void check_clocks();
  void fail_all(const Error& error);
  Error overdue(const Pending& pending) const;

  Where where_;
  net::CurveKeys keys_;
  net::Context context_;
  std::unique_ptr<net::Dealer> dealer_;
  std::string endpoint_;
  std::unordered_map<RequestKey, Pending, KeyHash> pending_;
  std::deque<RequestKey> waiting_;  // to be sent, in order
  std::uint64_t next_number_ = 1;
  std::uint32_t failures_ = 0;  // connections in a row that came to nothing
  std::uint32_t refusals_ = 0;  // of them because of the key
  std::int64_t connect_at_ms_ = 0, connecting_since_ms_ = 0, check_at_ms_ = 0, lost_since_ms_ = 0;
  bool linked_ = false;
  Error last_reason_;
};

}  // namespace weft::client
