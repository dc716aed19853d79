// A broker's door for tests of the client: a CURVE ROUTER that answers as it is told, can lose what
// it got, and can go away and come back at the same endpoint.
#pragma once
#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "base/net/dealer.hpp"
#include "schemas/codec.hpp"

namespace weft::client {

class FakeBroker {
 public:
  // The answer to a request; monostate: none.
  using Answer = std::function<ReplyBody(const Envelope&)>;
  explicit FakeBroker(Answer answer);
  ~FakeBroker();
  void stop();   // closes the socket and forgets every connection
  void start();  // again, at the same endpoint

  const std::string& endpoint() const { return endpoint_; }
  const Principal& key() const { return keys_.public_key; }
  std::vector<RequestKey> seen() const;  // keys of requests in order of arrival; call while stopped
  std::size_t heard() const { return heard_; }  // how many of them; at any time

 private:
  void serve();
  Answer answer_;
  net::CurveKeys keys_ = net::make_curve_keys();
  std::string endpoint_;
  std::atomic<bool> stopping_ = false;
  std::vector<RequestKey> seen_;
  std::atomic<std::size_t> heard_ = 0;
  std::thread thread_;
};

}  // namespace weft::client
