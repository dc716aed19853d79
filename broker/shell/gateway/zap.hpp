// Who may connect: answers libzmq's questions (ZAP, RFC 27) from the allow-list that the core sent.
// Must exist before the ROUTER binds: without a handler libzmq lets everybody in.
// Owns: the handler's socket. Thread: the creating one.
#pragma once
#include <map>
#include <memory>
#include <vector>

#include "base/net/dealer.hpp"
#include "broker/shell/frame.hpp"

namespace weft::broker {

class ZapHandler {
 public:
  // workers_only: admits worker keys and no others.
  static Result<std::unique_ptr<ZapHandler>> make(net::Context& context, bool workers_only);
  ~ZapHandler();
  ZapHandler(const ZapHandler&) = delete;
  ZapHandler& operator=(const ZapHandler&) = delete;

  void replace(const std::vector<AllowedKey>& keys);
  bool admits(const Principal& key) const;
  void admit_for_test(const Principal& key, bool admit);  // the self-test's own key
  void answer();                                          // every question that waits
  std::uint64_t refused() const { return refused_; }
  void* socket() const { return socket_; }

 private:
  explicit ZapHandler(bool workers_only) : workers_only_(workers_only) {}
  bool read_question();
  void reply(bool admitted);

  const bool workers_only_;
  std::map<Principal, Role> keys_;
  std::vector<std::vector<std::uint8_t>> frames_;  // of the question in work
  Principal asked_;
  std::uint64_t refused_ = 0;
  void* socket_ = nullptr;
};

}  // namespace weft::broker
