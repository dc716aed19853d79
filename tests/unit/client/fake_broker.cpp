#include "tests/unit/client/fake_broker.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>
#include <zmq.h>

#include <latch>

namespace weft::client {

FakeBroker::FakeBroker(Answer answer) : answer_(std::move(answer)) {
  static int count = 0;
  endpoint_ = fmt::format("ipc://{}/weft-{}-{}", testing::TempDir(), getpid(), ++count);
  start();
}
FakeBroker::~FakeBroker() { stop(); }

void FakeBroker::start() {
  stopping_ = false;
  std::latch bound(1);
  thread_ = std::thread([this, &bound] {
    net::Context context;
    void* router = zmq_socket(context.native(), ZMQ_ROUTER);
    const int yes = 1, none = 0, period = 20;
    zmq_setsockopt(router, ZMQ_CURVE_SERVER, &yes, sizeof yes);
    zmq_setsockopt(router, ZMQ_CURVE_SECRETKEY, keys_.secret.data.data(), 32);
    zmq_setsockopt(router, ZMQ_LINGER, &none, sizeof none);
    zmq_setsockopt(router, ZMQ_RCVTIMEO, &period, sizeof period);
    EXPECT_EQ(zmq_bind(router, endpoint_.c_str()), 0) << endpoint_;
    bound.count_down();
    while (!stopping_) {
      char id[256], body[1 << 16];
      const int id_size = zmq_recv(router, id, sizeof id, 0);
      if (id_size < 0) continue;
      const int size = zmq_recv(router, body, sizeof body, 0);
      auto envelope =
          decode_envelope({reinterpret_cast<std::uint8_t*>(body), static_cast<std::size_t>(size)});
      if (!envelope) continue;
      seen_.push_back(envelope->key);
      ++heard_;
      ReplyBody reply = answer_(*envelope);
      if (std::holds_alternative<std::monostate>(reply)) continue;
      Envelope out;
      out.key = envelope->key;
      out.body = Reply{std::move(reply)};
      const Blob bytes = encode(out);
      zmq_send(router, id, static_cast<std::size_t>(id_size), ZMQ_SNDMORE);
      zmq_send(router, bytes.data(), bytes.size(), 0);
    }
    zmq_close(router);
  });
  bound.wait();
}

void FakeBroker::stop() {
  stopping_ = true;
  if (thread_.joinable()) thread_.join();
}

std::vector<RequestKey> FakeBroker::seen() const { return seen_; }

}  // namespace weft::client
